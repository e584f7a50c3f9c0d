import { settingsAt, type Layer, type Path } from "./layers.js";
import type { OperationRules } from "./operation-settings.js";
import { valueAt, type PlainObject } from "./plain.js";
import { parsePath } from "./problems.js";
import type { ConfigExplanation, ConfigReader, OperationSettings } from "./reader.js";
import { redact } from "./secrets/redaction.js";

const nothing: PlainObject = Object.freeze({});

/** The effective configuration of one load: values frozen, layers kept to tell where they came from. */
export class Configuration implements ConfigReader {
  readonly cwd: string;
  readonly file: string | undefined;
  readonly environment: string;
  readonly files: readonly string[];
  readonly operationIds: ConfigReader["operationIds"];
  readonly #values: PlainObject;
  readonly #layers: readonly Layer[];
  readonly #rules: OperationRules;
  readonly #isSecret: (path: Path) => boolean;
  readonly #operations = new Map<string, OperationSettings>();

  constructor(
    from: Pick<ConfigReader, "cwd" | "file" | "environment" | "files">,
    values: PlainObject,
    layers: readonly Layer[],
    rules: OperationRules,
    isSecret: (path: Path) => boolean,
  ) {
    this.cwd = from.cwd;
    this.file = from.file;
    this.environment = from.environment;
    this.files = Object.freeze([...from.files]);
    this.operationIds = rules.ids;
    this.#values = values;
    this.#layers = layers;
    this.#rules = rules;
    this.#isSecret = isSecret;
  }

  get<T = unknown>(path: string, fallback?: T): T {
    return (valueAt(this.#values, parsePath(path)) ?? fallback) as T;
  }

  section<T = Readonly<Record<string, unknown>>>(name: string): T {
    return (Object.hasOwn(this.#values, name) ? this.#values[name] : nothing) as T;
  }

  explain(path: string): ConfigExplanation {
    const keys = parsePath(path);
    const value = valueAt(this.#values, keys);
    const settings = settingsAt(this.#layers, keys);
    const shown = settings.map((setting) => ({ ...setting, value: this.#redact(setting.value, keys) }));
    const [effective, ...overrode] = shown;
    const redacted = this.#redact(value, keys);
    return {
      path,
      value: redacted,
      source: effective?.source ?? { kind: "default", name: "default" },
      secret: redacted !== value || shown.some((one, rank) => one.value !== settings[rank]!.value),
      overrode,
    };
  }

  redacted(path: string = ""): unknown {
    const keys = parsePath(path);
    return this.#redact(valueAt(this.#values, keys), keys);
  }

  #redact(value: unknown, path: Path): unknown {
    return redact(value, path, this.#isSecret);
  }

  operation(id: string): OperationSettings {
    let settings = this.#operations.get(id);
    if (settings === undefined) this.#operations.set(id, (settings = this.#rules.for(id)));
    return settings;
  }
}
