import { basename } from "node:path";

/** Where a configured value was written. */
export interface ConfigSource {
  readonly kind: "default" | "file" | "profile" | "code" | "env" | "runtime";
  /** The file's path, the variable's name, `createKernel({ config })`, or whose default it is. */
  readonly name: string;
  /** Counted from 1; only in files that have lines for values: YAML and JSON. */
  readonly line?: number;
  readonly column?: number;
}

/** A value, where it came from, and what it took the place of, nearest first. */
export interface ConfigExplanation {
  readonly path: string;
  readonly value: unknown;
  readonly source: ConfigSource;
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
  /** The value at a path such as `cache.ttl`; the fallback where nothing is set. */
  get<T = unknown>(path: string, fallback?: T): T;
  /** A whole section with its defaults, frozen. An unknown section is empty. */
  section<T = Readonly<Record<string, unknown>>>(name: string): T;
  /** Where a value came from. */
  explain(path: string): ConfigExplanation;
  /** The settings of one operation, of all globs that match its id. */
  operation(id: string): OperationSettings;
}

/** A source in short: `.mlmcprc.yaml:12`, `MLMCP_CACHE_TTL`, `createKernel({ config })`. */
export function describeSource({ kind, name, line }: ConfigSource): string {
  if (kind !== "file" && kind !== "profile") return name;
  return line === undefined ? basename(name) : `${basename(name)}:${line}`;
}
