import { settingsAt, type Layer } from "./layers.js";
import type { OperationRules } from "./operation-settings.js";
import { valueAt, type PlainObject } from "./plain.js";
import { parsePath } from "./problems.js";
import type { ConfigExplanation, ConfigReader, OperationSettings } from "./reader.js";

const nothing: PlainObject = Object.freeze({});

/** The effective configuration of one load: values frozen, layers kept to tell where they came from. */
export class Configuration implements ConfigReader {
  readonly cwd: string;
  readonly file: string | undefined;
  readonly environment: string;
  readonly #values: PlainObject;
  readonly #layers: readonly Layer[];
  readonly #rules: OperationRules;
  readonly #operations = new Map<string, OperationSettings>();

  constructor(
    from: { readonly cwd: string; readonly file: string | undefined; readonly environment: string },
    values: PlainObject,
    layers: readonly Layer[],
    rules: OperationRules,
  ) {
    this.cwd = from.cwd;
    this.file = from.file;
    this.environment = from.environment;
    this.#values = values;
    this.#layers = layers;
    this.#rules = rules;
  }

  get<T = unknown>(path: string, fallback?: T): T {
    return (valueAt(this.#values, parsePath(path)) ?? fallback) as T;
  }

  section<T = Readonly<Record<string, unknown>>>(name: string): T {
    return (Object.hasOwn(this.#values, name) ? this.#values[name] : nothing) as T;
  }

  explain(path: string): ConfigExplanation {
    const keys = parsePath(path);
    const [effective, ...overrode] = settingsAt(this.#layers, keys);
    return {
      path,
      value: valueAt(this.#values, keys),
      source: effective?.source ?? { kind: "default", name: "default" },
      overrode,
    };
  }

  operation(id: string): OperationSettings {
    let settings = this.#operations.get(id);
    if (settings === undefined) this.#operations.set(id, (settings = this.#rules.for(id)));
    return settings;
  }
}
