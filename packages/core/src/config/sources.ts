import { dirname, resolve } from "node:path";
import type { Layer, Path } from "./layers.js";
import { CircularValueError, copyPlain, isPlainObject, valueAt, type PlainObject } from "./plain.js";
import { readPluginEntries, withPluginMap, type PluginEntry } from "./plugin-entries.js";
import { configurationError, formatPath, type ConfigProblem } from "./problems.js";
import { loadRcFile } from "./rc-loader.js";
import { MAX_DEPTH, nestedTooDeep } from "./rc-parser.js";
import { findRcFile } from "./rc-search.js";
import type { ConfigSource } from "./reader.js";
import { warnOnce } from "./warnings.js";

/** The configuration as it was found, before any plugin is known. */
export interface ConfigSources {
  /** Where relative paths start: the directory of the rc file, else the kernel's. */
  readonly cwd: string;
  readonly file: string | undefined;
  readonly environment: string;
  readonly plugins: readonly PluginEntry[];
  /** Absolute path of the module that imports the application's classes. */
  readonly app: string | undefined;
  /** From the lowest rank to the highest; variables are not among them yet. */
  readonly layers: readonly Layer[];
  readonly env: NodeJS.ProcessEnv;
}

export interface SourceOptions {
  readonly cwd: string;
  /** A path, or `false` for no rc file. Looked for where left out. */
  readonly configFile?: string | false | undefined;
  readonly config?: object | undefined;
  readonly env: NodeJS.ProcessEnv;
}

/** A place to write configuration in, with the profiles that it holds. */
interface Origin {
  readonly value: PlainObject;
  source(path: Path, kind?: ConfigSource["kind"]): ConfigSource;
}

/** Finds and reads everything that is written down. */
export async function readSources(options: SourceOptions): Promise<ConfigSources> {
  const problems: ConfigProblem[] = [];
  const file = await locateFile(options);
  const origins = [
    ...(file === undefined ? [] : [await readFileOrigin(file, problems)]),
    ...(options.config === undefined ? [] : [readCodeOrigin(options.config, problems)]),
  ];
  const environment = readEnvironment(origins, options.env, problems);
  const layers = origins.flatMap((origin) => toLayers(origin, environment, problems));
  const plugins = readPluginEntries(layers, problems);
  const cwd = file === undefined ? resolve(options.cwd) : dirname(file);
  const app = readApp(layers, cwd, problems);
  if (problems.length > 0) throw configurationError(problems);
  return { cwd, file, environment, plugins, app, layers: layers.map(withPluginMap), env: options.env };
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

async function readFileOrigin(file: string, problems: ConfigProblem[]): Promise<Origin> {
  const { value, locate } = await loadRcFile(file);
  const source: Origin["source"] = (path, kind = "file") => ({ kind, name: file, ...locate(path) });
  return { value: toObject(value ?? {}, source, problems), source };
}

function readCodeOrigin(config: object, problems: ConfigProblem[]): Origin {
  const source: Origin["source"] = () => ({ kind: "code", name: "createKernel({ config })" });
  return { value: toObject(config, source, problems), source };
}

/** A copy of our own of what a source holds, or nothing where that is not fit to be merged. */
function toObject(value: unknown, source: Origin["source"], problems: ConfigProblem[]): PlainObject {
  try {
    const deep = tooDeep(value);
    if (deep !== undefined) {
      problems.push({ path: "", message: nestedTooDeep, source: source(deep) });
      return {};
    }
    const copy = copyPlain(value);
    if (!isPlainObject(copy)) {
      problems.push({ path: "", message: "expected a map of sections", received: copy, source: source([]) });
      return {};
    }
    const before = problems.length;
    refusePollution(copy, [], source, problems);
    return problems.length === before ? copy : {};
  } catch (error) {
    if (!(error instanceof CircularValueError)) throw error;
    problems.push({ path: formatPath(error.path), message: error.message, source: source(error.path) });
    return {};
  }
}

/** The path to what is nested too deep for the recursion of everything that reads a configuration. */
function tooDeep(root: unknown): Path | undefined {
  const heights = new Map<object, number>();
  const path: (string | number)[] = [];
  const heightOf = (value: unknown): number => {
    if (!Array.isArray(value) && !isPlainObject(value)) return 0;
    const known = heights.get(value);
    if (known !== undefined) return known;
    // A circle has an error of its own.
    heights.set(value, 0);
    let height = 0;
    for (const [key, child] of Object.entries(value)) {
      path.push(key);
      height = Math.max(height, path.length < MAX_DEPTH ? heightOf(child) : 1);
      if (path.length + height > MAX_DEPTH) return height;
      path.pop();
    }
    heights.set(value, height + 1);
    return height + 1;
  };
  heightOf(root);
  return path.length > 0 ? path : undefined;
}

const polluting = new Set(["__proto__", "constructor", "prototype"]);

function refusePollution(
  value: unknown,
  path: Path,
  source: Origin["source"],
  problems: ConfigProblem[],
): void {
  if (!isPlainObject(value) && !Array.isArray(value)) return;
  for (const [key, child] of Object.entries(value)) {
    const here = [...path, key];
    if (polluting.has(key) && !Array.isArray(value)) {
      problems.push({
        path: formatPath(here),
        message: "this key is refused: it could change every object of the process",
        source: source(here),
      });
    } else refusePollution(child, here, source, problems);
  }
}

function readEnvironment(
  origins: readonly Origin[],
  env: NodeJS.ProcessEnv,
  problems: ConfigProblem[],
): string {
  const path = ["system", "environment"];
  const variable = "MLMCP_SYSTEM_ENVIRONMENT";
  const written = [
    { value: env[variable] as unknown, source: (): ConfigSource => ({ kind: "env", name: variable }) },
    ...origins
      .toReversed()
      .map((origin) => ({ value: valueAt(origin.value, path), source: () => origin.source(path) })),
  ];
  const found = written.find(({ value }) => typeof value === "string" && value !== "");
  if (found === undefined) return "development";
  const environment = found.value as string;
  // Taken for another environment it would silently lift what only production refuses.
  if (environment !== "production" && environment.trim().toLowerCase() === "production") {
    problems.push({
      path: formatPath(path),
      message: "is almost, but not exactly, production",
      received: environment,
      source: found.source(),
      suggestion: "production",
    });
  }
  return environment;
}

/** What a source says always, and above it what it says for this environment. */
function toLayers(origin: Origin, environment: string, problems: ConfigProblem[]): Layer[] {
  const { profiles, ...always } = origin.value;
  const layers: Layer[] = [{ value: always, source: (path) => origin.source(path) }];
  if (profiles === undefined) return layers;
  const wrong = (path: string[], message: string) =>
    problems.push({
      path: formatPath(path),
      message,
      received: valueAt(origin.value, path),
      source: origin.source(path),
    });
  if (!isPlainObject(profiles)) {
    wrong(["profiles"], "expected a map of environments to configurations");
    return layers;
  }
  for (const [name, profile] of Object.entries(profiles)) {
    const path = ["profiles", name];
    if (!isPlainObject(profile)) wrong(path, "expected a map of sections");
    else if (Object.hasOwn(profile, "profiles"))
      wrong([...path, "profiles"], "a profile cannot hold profiles");
    else if (valueAt(profile, ["system", "environment"]) !== undefined) {
      wrong(
        [...path, "system", "environment"],
        "a profile cannot choose the environment, which chooses the profile",
      );
    } else if (name === environment) {
      const kind = origin.source([]).kind === "file" ? "profile" : undefined;
      layers.push({ value: profile, source: (inner) => origin.source([...path, ...inner], kind) });
    }
  }
  return layers;
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
