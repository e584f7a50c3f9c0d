import { ConfigurationError } from "../errors/index.js";
import type { ConfigListeners } from "./changes.js";
import type { ConfigPath, ConfigSections, ConfigValue, Written } from "./config-types.js";
import { isPlainObject, setOwn, valueAt, type PlainObject } from "./plain.js";
import { parsePath, type ConfigProblem } from "./problems.js";
import type { ConfigExplanation, ConfigReader, OperationSettings } from "./reader.js";
import type { ConfigSources } from "./sources/sources.js";

/** What a {@link ConfigManager} works on: the life-cycle of its kernel. */
interface ConfigControl {
  readonly config: ConfigReader;
  readonly sources: ConfigSources;
  /** Makes the run-time settings what `edit` makes of them, as one change that is valid or refused. */
  change(edit: (runtime: PlainObject) => PlainObject): Promise<void>;
  /** Reads everything again and says what is wrong with it. */
  problems(): Promise<ConfigProblem[]>;
}

/**
 * The configuration of a kernel that runs: always the one in effect, and the way to change it.
 * `kernel.config` is one, and services take it by its class:
 *
 * ```ts
 * @service([ConfigManager])
 * class Tuner {
 *   constructor(readonly config: ConfigManager) {}
 *
 *   async relax(): Promise<void> {
 *     await this.config.set("cache.ttl", "5m");
 *   }
 * }
 * ```
 *
 * What is set here ranks above everything else that is configured, and stays through reloads until
 * it is unset or the kernel stops.
 */
export class ConfigManager implements ConfigReader {
  readonly #control: ConfigControl;
  readonly #listeners: ConfigListeners;

  /** @internal A kernel makes its own. */
  constructor(control: ConfigControl, listeners: ConfigListeners) {
    this.#control = control;
    this.#listeners = listeners;
  }

  get cwd(): string {
    return this.#control.config.cwd;
  }

  get file(): string | undefined {
    return this.#control.config.file;
  }

  get environment(): string {
    return this.#control.config.environment;
  }

  get files(): readonly string[] {
    return this.#control.config.files;
  }

  get operationIds(): ConfigReader["operationIds"] {
    return this.#control.config.operationIds;
  }

  get<Path extends ConfigPath>(path: Path): ConfigValue<Path>;
  get<Path extends ConfigPath>(
    path: Path,
    fallback: NonNullable<ConfigValue<Path>>,
  ): NonNullable<ConfigValue<Path>>;
  get<T = unknown>(path: string, fallback?: T): T;
  get(path: string, fallback?: unknown): unknown {
    return this.#control.config.get<unknown>(path, fallback);
  }

  /** A whole section with its defaults, frozen. An unknown section is empty. */
  getSection<Name extends keyof ConfigSections>(name: Name): Readonly<ConfigSections[Name]>;
  getSection<T = Readonly<Record<string, unknown>>>(name: string): T;
  getSection(name: string): unknown {
    return this.#control.config.section<unknown>(name);
  }

  section<Name extends keyof ConfigSections>(name: Name): Readonly<ConfigSections[Name]>;
  section<T = Readonly<Record<string, unknown>>>(name: string): T;
  section(name: string): unknown {
    return this.getSection<unknown>(name);
  }

  explain(path: string): ConfigExplanation {
    return this.#control.config.explain(path);
  }

  redacted(path?: string): unknown {
    return this.#control.config.redacted(path);
  }

  operation(id: string): OperationSettings {
    return this.#control.config.operation(id);
  }

  /**
   * Changes settings while the kernel runs, as an rc file would write them: all that is given in
   * one change, which plugins and operations see at once, or not at all. Calls in flight finish
   * as they began.
   *
   * ```ts
   * await config.set("cache.ttl", "5m");
   * await config.set({ 'operations."Report.*".retry.maxRetries': 5, "performance.enableCaching": false });
   * ```
   *
   * @throws ConfigurationError with everything that is wrong with what would come of it; `MLMCP_CONFIG_FIXED`
   * for what cannot change while a kernel runs; PluginError where a plugin refuses. The
   * configuration is then what it was.
   */
  set<Path extends string>(
    path: Path,
    value: Path extends ConfigPath ? Written<NonNullable<ConfigValue<Path>>> : unknown,
  ): Promise<void>;
  set(values: Readonly<Record<string, unknown>>): Promise<void>;
  async set(given: string | Readonly<Record<string, unknown>>, value?: unknown): Promise<void> {
    const changes = Object.entries(typeof given === "string" ? { [given]: value } : given).map(
      ([path, to]) => [keysOf(path), settable(path, to)] as const,
    );
    await this.#control.change((runtime) => {
      const next = changes.reduce((settings, [path, to]) => withValue(settings, path, to), runtime);
      refuseFixed(next);
      return next;
    });
  }

  /** Takes back what was set at a path and below it: the other sources have the say again. */
  async unset(...paths: readonly string[]): Promise<void> {
    const keys = paths.map(keysOf);
    await this.#control.change((runtime) => keys.reduce(without, runtime));
  }

  /**
   * Reads all sources again and answers what is wrong with them, without taking them up. Empty
   * where a `kernel.reload()` would be taken, as far as that shows before plugins are asked.
   */
  validate(): Promise<ConfigProblem[]> {
    return this.#control.problems();
  }

  /**
   * Calls a function after the value at a path has changed, by a reload or a {@link set}; for a
   * section or `operations` after anything in it has. What it throws is a process warning
   * (`MLMCP_LISTENER_FAILED`).
   *
   * ```ts
   * const off = config.onChange("cache.ttl", (ttl, before) => console.log(`${before} → ${ttl} ms`));
   * ```
   *
   * @returns a function that ends it; the stop of the kernel does too
   */
  onChange<Path extends ConfigPath>(
    path: Path,
    listener: (value: ConfigValue<Path>, previous: ConfigValue<Path>) => void,
  ): () => void;
  onChange<T = unknown>(path: string, listener: (value: T, previous: T) => void): () => void;
  onChange(path: string, listener: (value: never, previous: never) => void): () => void {
    // A path that is mistyped would never change: whoever asks for it is told.
    this.#control.config.get(path);
    return this.#listeners.add(path, listener as (value: unknown, previous: unknown) => void);
  }

  /**
   * Writes configuration into a file, as a whole or not at all.
   *
   * Without a path: what was {@link set} goes into the rc file, into its profile where that would
   * override it, and the rest of the file stays as it is, comments too, and what others write into
   * it at the same time. With a path, which ends in
   * `.yaml`, `.yml` or `.json`: what rc files, code and run time say together for this environment, in
   * place of what the file held. Variables and defaults are not written, references (`${X}`,
   * `secret://…`) stay references, and relative paths stay as they are, so that the file belongs
   * into the same directory.
   *
   * From code and run time, secrets in plain text and what only code can give, such as a function,
   * are left out with a process warning (`MLMCP_CONFIG_LEFT_OUT`); another warns where code or a
   * variable will override what was saved (`MLMCP_CONFIG_OVERRIDDEN`).
   *
   * @param path from the configuration's directory. @default the rc file
   * @returns the file's absolute path
   * @throws ConfigurationError `MLMCP_CONFIG_NOT_EDITABLE` for a JavaScript or TypeScript file,
   * `MLMCP_CONFIG_EDIT` where it is written so that this edit would change more than is meant,
   * `MLMCP_CONFIG_CHANGED` or `MLMCP_CONFIG_LOCKED` where others do not cease to write it,
   * `MLMCP_CONFIG_FILE` where it cannot be read or written
   */
  async saveToFile(path?: string): Promise<string> {
    const { saveSettings } = await import("./writing/save-settings.js");
    return saveSettings(this.#control.config, this.#control.sources, path);
  }
}

/** What decides what else is read or loaded; a kernel that runs has read and loaded it. */
const fixed = ["plugins", "app", "profiles", "extends", "$schema", "system.environment"];

function refuseFixed(runtime: PlainObject): void {
  const path = fixed.find((one) => valueAt(runtime, parsePath(one)) !== undefined);
  if (path === undefined) return;
  throw new ConfigurationError(
    `\`${path}\` cannot change while the kernel runs: change it in the rc file and start again.`,
    { code: "MLMCP_CONFIG_FIXED", context: { path } },
  );
}

function keysOf(path: string): string[] {
  const keys = parsePath(path);
  if (keys.length > 0) return keys;
  throw new ConfigurationError(
    "The configuration was to be changed at an empty path. Name a section or a setting, as in `cache.ttl`.",
    { code: "MLMCP_CONFIG_PATH" },
  );
}

function settable(path: string, value: unknown): unknown {
  if (value !== undefined) return value;
  throw new ConfigurationError(
    `config.set("${path}") was given no value. To let the other sources have the say again, use \`config.unset("${path}")\`.`,
    { code: "MLMCP_CONFIG_VALUE", context: { path } },
  );
}

/** A copy with a value at a path; what was there is replaced. */
function withValue(target: PlainObject, [key, ...rest]: readonly string[], value: unknown): PlainObject {
  const copy = { ...target };
  const inner = valueAt(target, [key!]);
  setOwn(copy, key!, rest.length === 0 ? value : withValue(isPlainObject(inner) ? inner : {}, rest, value));
  return copy;
}

/** A copy without what stands at a path, and without what is empty around it then. */
function without(target: PlainObject, [key, ...rest]: readonly string[]): PlainObject {
  const { [key!]: inner, ...others } = target;
  if (rest.length === 0) return others;
  const left = isPlainObject(inner) ? without(inner, rest) : inner;
  const empty = left === undefined || (isPlainObject(left) && Object.keys(left).length === 0);
  return empty ? others : { ...target, [key!]: left };
}
