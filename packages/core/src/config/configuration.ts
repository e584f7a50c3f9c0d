import { settingsAt, type Layer, type Path } from "./layers.js";
import { noSettings, type OperationRules } from "./operation-settings.js";
import { valueAt, type PlainObject } from "./plain.js";
import { formatPath, parsePath } from "./problems.js";
import type { ConfigExplanation, ConfigReader, OperationSettings } from "./reader.js";
import { redact } from "./secrets/redaction.js";
import { warnOnce } from "./warnings.js";

/** After so many paths they are most likely computed: no more are remembered, and none that leads nowhere is looked at. */
const MAX_PATHS = 1000;

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
  readonly #meant: (path: readonly string[]) => string | undefined;
  /** By path, since values are asked for at calls. */
  readonly #found = new Map<string, unknown>();
  readonly #missed = new Set<string>();
  readonly #operations = new Map<string, OperationSettings>();

  constructor(
    from: Pick<ConfigReader, "cwd" | "file" | "environment" | "files">,
    values: PlainObject,
    layers: readonly Layer[],
    rules: OperationRules,
    isSecret: (path: Path) => boolean,
    meant: (path: readonly string[]) => string | undefined,
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
    this.#meant = meant;
  }

  get<T = unknown>(path: string, fallback?: T): T {
    return (this.#valueAt(path) ?? fallback) as T;
  }

  section<T = Readonly<Record<string, unknown>>>(name: string): T {
    const value = Object.hasOwn(this.#values, name) ? this.#values[name] : this.#valueAt(formatPath([name]));
    return (value ?? nothing) as T;
  }

  explain(path: string): ConfigExplanation {
    const keys = parsePath(path);
    const value = this.#valueAt(path);
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

  #valueAt(path: string): unknown {
    const known = this.#found.get(path);
    if (known !== undefined) return known;
    const keys = parsePath(path);
    const value = valueAt(this.#values, keys);
    if (value !== undefined && this.#found.size < MAX_PATHS) this.#found.set(path, value);
    if (value === undefined && !this.#missed.has(path) && this.#missed.size < MAX_PATHS) {
      this.#missed.add(path);
      const meant = this.#meant(keys);
      if (meant !== undefined) {
        const text = `The configuration was asked for "${path}", which no loaded plugin knows. Did you mean "${meant}"?`;
        warnOnce("MLMCP_CONFIG_PATH_UNKNOWN", text);
      }
    }
    return value;
  }

  #redact(value: unknown, path: Path): unknown {
    return redact(value, path, this.#isSecret);
  }

  operation(id: string): OperationSettings {
    let settings = this.#operations.get(id);
    if (settings !== undefined) return settings;
    settings = this.#rules.for(id);
    // Ids of classes that are made in a loop would pile up here.
    if (settings !== noSettings) this.#operations.set(id, settings);
    return settings;
  }
}
