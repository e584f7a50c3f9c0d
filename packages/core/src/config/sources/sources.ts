import { dirname, resolve } from "node:path";
import { toObject } from "./checked-object.js";
import { readEnvironment } from "./environment.js";
import { readWithBases } from "./extends.js";
import type { Layer } from "../layers.js";
import { alwaysOf, profileNames, profilesOf, type Origin } from "./origins.js";
import { readPluginEntries, withPluginMap, type PluginEntry } from "./plugin-entries.js";
import { configurationError, type ConfigProblem } from "../problems.js";
import type { ParseText } from "./rc-parser.js";
import { findRcFile } from "./rc-search.js";
import { readCoreVariables } from "./core-variables.js";
import { within } from "../../kernel/time-limit.js";
import { valueAt } from "../plain.js";
import { parseDuration } from "../schema/units.js";
import { START_TIMEOUT } from "../sections.js";
import { warnOnce } from "../warnings.js";

/** The configuration as it was found, before any plugin is known. */
export interface ConfigSources {
  /** Where relative paths start: the directory of the rc file, else the kernel's. */
  readonly cwd: string;
  readonly file: string | undefined;
  /** Absolute paths of the rc file and of what it extends. {@link ConfigReader.files} names the files of secrets too. */
  readonly files: readonly string[];
  readonly environment: string;
  /** The environments that have a profile. */
  readonly profiles: readonly string[];
  readonly plugins: readonly PluginEntry[];
  /** Absolute path of the module that imports the application's classes. */
  readonly app: string | undefined;
  /** `system.startTimeout` as it is written, so far as it can be read before it is checked. Milliseconds. */
  readonly startTimeout: number;
  /** Files and code, from the lowest rank to the highest. */
  readonly layers: readonly Layer[];
  /** What variables say of `plugins` and `operations`; those of sections need the plugins' schemas. */
  readonly variables: Layer;
  /** What was set while the kernel runs. Ranks above everything else. */
  readonly runtime?: Layer;
  readonly env: NodeJS.ProcessEnv;
}

export interface SourceOptions {
  readonly cwd: string;
  /** A path, or `false` for no rc file. Looked for where left out. */
  readonly configFile?: string | false | undefined;
  readonly config?: object | undefined;
  readonly env: NodeJS.ProcessEnv;
  /** A text to be read in place of the content of the rc file, to see what would come of it. */
  readonly draft?: string | undefined;
  /** How YAML and JSON are read. @default each text anew */
  readonly parse?: ParseText | undefined;
  /**
   * How long it may take. Milliseconds.
   * @default `system.startTimeout`, so far as a variable or code says it
   */
  readonly timeout?: number | undefined;
  /** Ends the wait for it. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Finds and reads everything that is written down.
 *
 * @throws ConfigurationError with everything that is wrong; where it takes too long, it names the file
 */
export async function readSources(options: SourceOptions): Promise<ConfigSources> {
  const { timeout = startTimeoutOf([options.config], options.env), signal } = options;
  const progress: Progress = { file: undefined, searching: true };
  return within(
    timeout,
    () => readAll(options, progress),
    () => tooSlow(options, progress, timeout),
    signal,
  );
}

/** How far a reading has come. */
interface Progress {
  /** The rc file, or the one of those that it extends, that is read now. */
  file: string | undefined;
  searching: boolean;
}

async function readAll(options: SourceOptions, progress: Progress): Promise<ConfigSources> {
  const { config, env } = options;
  const problems: ConfigProblem[] = [];
  const file = await locateFile(options);
  progress.searching = false;
  const cwd = file === undefined ? resolve(options.cwd) : dirname(file);
  const { files, origins } =
    file === undefined
      ? { files: [], origins: [] }
      : await readWithBases(file, env, problems, options, (next) => (progress.file = next));
  progress.file = undefined;
  const code = config === undefined ? [] : [readCodeOrigin(config, problems)];
  // What holds always may choose the environment, which chooses the profiles.
  const written = origins.map(alwaysOf);
  const inCode = code.map(alwaysOf);
  const environment = await readEnvironment([...written, ...inCode], env, problems);
  const profiles = (some: readonly Origin[]) =>
    some.flatMap((origin) => profilesOf(origin, environment, problems));
  const layers = [...written, ...profiles(origins), ...inCode, ...profiles(code)];
  const variables = await readCoreVariables(env, problems);
  const plugins = readPluginEntries([...layers, variables.layer], problems);
  const app = readApp(layers, cwd, problems);
  if (problems.length > 0) throw configurationError(problems);
  return {
    cwd,
    file,
    files: [...files, ...variables.files],
    environment,
    profiles: [...new Set([...origins, ...code].flatMap(profileNames))],
    plugins,
    app,
    startTimeout: startTimeoutOf(layers.map(({ value }) => value).reverse(), env),
    layers: layers.map(withPluginMap),
    variables: withPluginMap(variables.layer),
    env,
  };
}

/** What the setting is before it is checked. @param configs the highest rank first */
function startTimeoutOf(configs: readonly unknown[], env: NodeJS.ProcessEnv): number {
  const written = configs.map((config) => valueAt(config, ["system", "startTimeout"]));
  const given = [env["MLMCP_SYSTEM_START_TIMEOUT"], ...written, START_TIMEOUT];
  return given.map(parseDuration).find((limit) => limit !== undefined)!;
}

function tooSlow(options: SourceOptions, { file, searching }: Progress, timeout: number): Error {
  const limit = `${timeout} ms (system.startTimeout)`;
  const message =
    file !== undefined
      ? `this file was not read within ${limit}: its code waits for something, as a top-level \`await\` does, or its disk does not answer`
      : searching
        ? `the search for an rc file from ${resolve(options.cwd)} upwards did not end within ${limit}: a disk does not answer`
        : `the files that variables \`MLMCP_*_FILE\` name were not read within ${limit}: a disk does not answer`;
  const source = file === undefined ? {} : { source: { kind: "file", name: file } as const };
  return configurationError([{ path: "", message, ...source }], { code: "MLMCP_CONFIG_FILE" });
}

async function locateFile({ cwd, configFile }: SourceOptions): Promise<string | undefined> {
  if (configFile === false) return undefined;
  if (configFile !== undefined) return resolve(cwd, configFile);
  const found = await findRcFile(cwd);
  if (found !== undefined && found.ignored.length > 0) {
    const others = found.ignored.join(", ");
    warnOnce(
      "MLMCP_CONFIG_IGNORED",
      `${found.file} is used; ${others} in the same directory is not read. Keep one of them.`,
    );
  }
  return found?.file;
}

function readCodeOrigin(config: object, problems: ConfigProblem[]): Origin {
  const source: Origin["source"] = () => ({ kind: "code", name: "createKernel({ config })" });
  const value = toObject(config, source, problems);
  if (value["extends"] !== undefined) {
    const message = "only an rc file can extend others";
    problems.push({ path: "extends", message, received: value["extends"], source: source([]) });
  }
  return { value, source, finish: (layer) => layer };
}

function readApp(layers: readonly Layer[], cwd: string, problems: ConfigProblem[]): string | undefined {
  let app: string | undefined;
  for (const layer of layers) {
    const written = layer.value["app"];
    if (typeof written === "string" && written !== "") app = resolve(cwd, written);
    else if (written !== undefined) {
      problems.push({
        path: "app",
        message: "expected the path of a module",
        received: written,
        source: layer.source(["app"]),
      });
    }
  }
  return app;
}
