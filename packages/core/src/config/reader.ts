import { basename } from "node:path";
import type { ConfigPath, ConfigSections, ConfigValue } from "./config-types.js";

/** Where a configured value was written. */
export interface ConfigSource {
  readonly kind: "default" | "file" | "profile" | "code" | "env" | "runtime";
  /** The file's path, the variable's name, `createKernel({ config })`, or whose default it is. */
  readonly name: string;
  /** Counted from 1; only in files that have lines for values: YAML and JSON. */
  readonly line?: number;
  readonly column?: number;
  /**
   * Where the value itself was taken from, if not from this place: `["${REDIS_HOST}"]`,
   * `["secret://vault/db/password"]`, or the file that a `MLMCP_X_FILE` names.
   */
  readonly references?: readonly string[];
  /** The value was read from a secret: it is not shown, whatever it is named. */
  readonly secret?: true;
}

/**
 * A value, where it came from, and what it took the place of, nearest first. Fit to be shown: what
 * is secret in any of the values is `[secret]`.
 */
export interface ConfigExplanation {
  readonly path: string;
  readonly value: unknown;
  readonly source: ConfigSource;
  /** Whether something was hidden. */
  readonly secret: boolean;
  readonly overrode: ReadonlyArray<{ readonly value: unknown; readonly source: ConfigSource }>;
}

/** What `operations` in the configuration says about one operation. */
export interface OperationSettings {
  /** For each advice named: off (`false`), on as it is (`true`), or options to change. */
  readonly advice: Readonly<Record<string, unknown>>;
  /** Names of advice, outermost first, in place of the phases' order. */
  readonly order?: readonly string[];
  /** By `advice` and by `advice.option`; `order` by its own name. */
  readonly sources: Readonly<Record<string, ConfigSource>>;
}

/** The effective configuration: merged, validated, frozen. */
export interface ConfigReader {
  /** The directory of the rc file, else the one that the kernel was started in. Relative paths start here. */
  readonly cwd: string;
  /** Absolute path of the rc file. */
  readonly file: string | undefined;
  /** `system.environment`: `development`, `production`, … */
  readonly environment: string;
  /**
   * The value at a path such as `cache.ttl`; the fallback where nothing is set. It has its type
   * where a section is known to {@link ConfigSections}; for other paths name it: `get<number>("x.y")`.
   * A path that nobody knows and that is nearly one that somebody does is a process warning, once
   * (`MLMCP_CONFIG_PATH_UNKNOWN`).
   */
  get<Path extends ConfigPath>(path: Path): ConfigValue<Path>;
  get<Path extends ConfigPath>(
    path: Path,
    fallback: NonNullable<ConfigValue<Path>>,
  ): NonNullable<ConfigValue<Path>>;
  get<T = unknown>(path: string, fallback?: T): T;
  /** A whole section with its defaults, frozen. An unknown section is empty. */
  section<Name extends keyof ConfigSections>(name: Name): Readonly<ConfigSections[Name]>;
  section<T = Readonly<Record<string, unknown>>>(name: string): T;
  /** Where a value came from. */
  explain(path: string): ConfigExplanation;
  /**
   * The value at a path, everything for the empty one, as it may be shown, logged or served: in
   * place of each secret stands `[secret]`.
   */
  redacted(path?: string): unknown;
  /** The settings of one operation, of all globs that match its id. */
  operation(id: string): OperationSettings;
  /** The ids that `operations` names in full, without `*`, each as often as it is named. */
  readonly operationIds: ReadonlyArray<{ readonly id: string; readonly source: ConfigSource }>;
  /** Absolute paths of all files that were read: the rc file, what it extends, and files of secrets. */
  readonly files: readonly string[];
}

/** A source in short: `.mlmcprc.yaml:12`, `.mlmcprc.yaml:3 (${TTL})`, `MLMCP_CACHE_TTL`, `createKernel({ config })`. */
export function describeSource({ kind, name, line, references = [] }: ConfigSource): string {
  const file = kind === "file" || kind === "profile";
  const place = file ? [basename(name), line].filter((part) => part !== undefined).join(":") : name;
  return references.length === 0 ? place : `${place} (${references.join(", ")})`;
}
