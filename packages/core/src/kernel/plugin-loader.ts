import { stat } from "node:fs/promises";
import { createRequire } from "node:module";
import { isAbsolute, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { PluginEntry } from "../config/sources/plugin-entries.js";
import { formatPath, type ConfigProblem } from "../config/problems.js";
import { describeSource } from "../config/reader.js";
import { PluginError } from "../errors/index.js";
import { isPlugin, type Plugin } from "../plugin.js";
import { within } from "./time-limit.js";

/** The module that a plugin was loaded from, and the entry of `plugins` that named it. */
interface PluginOrigin {
  readonly url: string;
  readonly entry: string;
}

const origins = new WeakMap<Plugin, PluginOrigin>();

/** Where a plugin was loaded from; nothing for one that code imported. */
export function originOf(plugin: Plugin): PluginOrigin | undefined {
  return origins.get(plugin);
}

/**
 * The plugins that entries name, by these names. Relative names start in a folder.
 *
 * @param limit how long each of them may take, in milliseconds
 * @throws PluginError that tells of every plugin which cannot be loaded; of several its cause is an
 * AggregateError
 */
export async function loadPlugins(
  entries: readonly PluginEntry[],
  from: string,
  limit: number,
): Promise<ReadonlyMap<string, Plugin>> {
  const loaded = new Map<string, Plugin>();
  const failures: PluginError[] = [];
  for (const entry of entries) {
    try {
      loaded.set(entry.name, await loadPlugin(entry, from, limit));
    } catch (error) {
      if (!(error instanceof PluginError)) throw error;
      failures.push(error);
    }
  }
  const [first, ...others] = failures;
  if (first !== undefined) throw others.length === 0 ? first : allOf(failures);
  return loaded;
}

function allOf(failures: readonly PluginError[]): PluginError {
  const messages = failures.map(({ message }) => message);
  return new PluginError(`${failures.length} plugins cannot be loaded:\n  ${messages.join("\n  ")}`, {
    code: failures.every(({ code }) => code === "MLMCP_PLUGIN_NOT_FOUND")
      ? "MLMCP_PLUGIN_NOT_FOUND"
      : "MLMCP_PLUGIN_LOAD",
    cause: new AggregateError(failures),
    context: { issues: failures.flatMap(({ context }) => context["issues"] as ConfigProblem[]) },
  });
}

/** Loads the plugin that an entry names, from the folder that relative names start in. */
async function loadPlugin(entry: PluginEntry, from: string, limit: number): Promise<Plugin> {
  const url = await locate(entry, from);
  const module = await load(url, entry, { from, limit });
  const { default: main } = module;
  // A CommonJS module that was compiled from `export default` has its plugin one level deeper.
  const inner = (main as { default?: unknown } | null | undefined)?.default;
  const meant = [main, inner].find(isPlugin);
  const found = new Set(Object.values(module).filter(isPlugin));
  const only = meant ?? (found.size === 1 ? [...found][0] : undefined);
  if (only) {
    origins.set(only, { url, entry: entry.name });
    return only;
  }
  const problem =
    `is not a plugin: it exports ${Object.keys(module).join(", ") || "nothing"}. ` +
    "Its default export must be what `definePlugin({ ... })` returns.";
  throw new PluginError(`"${entry.name}" (${describeSource(entry.source)}) ` + problem, {
    code: "MLMCP_PLUGIN_INVALID",
    context: { plugin: entry.name, issues: [issueOf(entry, problem)] },
  });
}

/** The URL of the module as the application would import it, which may be another copy than ours. */
async function locate(entry: PluginEntry, from: string): Promise<string> {
  const { name } = entry;
  if (name.startsWith(".") || isAbsolute(name)) {
    const file = resolve(from, name);
    await stat(file).catch((cause: NodeJS.ErrnoException) => {
      const missing = cause.code === "ENOENT" || cause.code === "ENOTDIR";
      const remedy = missing ? `There is no such file; paths start at ${from}.` : cause.message;
      throw failure(entry, { from, missing, remedy, cause });
    });
    return pathToFileURL(file).href;
  }
  const base = pathToFileURL(join(resolve(from), "noop.js"));
  // Node's own `import.meta.resolve` takes no place to start from.
  const { resolve: resolveImport } = await import("import-meta-resolve");
  try {
    return resolveImport(name, base.href);
  } catch (cause) {
    // What can only be required: a package without `import` in its exports, or one of Plug'n'Play.
    const file = requirable(name, base);
    if (file !== undefined) return file;
    if (!isNotFound(cause, packageOf(name)))
      throw failure(entry, { from, missing: false, remedy: messageOf(cause), cause });
    const remedy = `Install it (\`npm install ${packageOf(name)}\`) or correct the name.`;
    const { installedPlugins, nearestPlugin } = await import("../diagnostics/installed-plugins.js");
    const meant = nearestPlugin(name, installedPlugins(from));
    throw failure(entry, { from, missing: true, remedy, meant, cause });
  }
}

function requirable(name: string, base: URL): string | undefined {
  try {
    return pathToFileURL(createRequire(base).resolve(name)).href;
  } catch {
    // The error of the import says what is wrong.
    return undefined;
  }
}

/** Whether it is the package that is not there, and not a file that it points to. */
function isNotFound(error: unknown, name: string): boolean {
  const { code, message } = error as NodeJS.ErrnoException;
  return code === "ERR_MODULE_NOT_FOUND" && message.startsWith(`Cannot find package '${name}'`);
}

function packageOf(name: string): string {
  return name
    .split("/")
    .slice(0, name.startsWith("@") ? 2 : 1)
    .join("/");
}

async function load(
  url: string,
  entry: PluginEntry,
  { from, limit }: { readonly from: string; readonly limit: number },
): Promise<Record<string, unknown>> {
  const late = `it was not ready within ${limit} ms (system.startTimeout): its code waits for something, as a top-level \`await\` does`;
  try {
    return await within(limit, async () => (await import(url)) as Record<string, unknown>, late);
  } catch (error) {
    const file = url.startsWith("file:") ? fileURLToPath(url) : url;
    const remedy = `Its module ${file} failed while it was loaded: ${messageOf(error)}${hint(error, file)}`;
    throw failure(entry, { from, missing: false, remedy, cause: error });
  }
}

/** What Node's message leaves out. */
function hint(error: unknown, file: string): string {
  if (error instanceof SyntaxError) {
    const [place] = error.stack?.match(/^(?:file:|\/|[A-Za-z]:\\).*:\d+$/m) ?? [];
    return ` (SyntaxError at ${place ?? `${file}, or in a module that it imports`})`;
  }
  return /^Unknown file extension "\.[cm]?tsx?"/.test(messageOf(error))
    ? ". This Node does not read TypeScript: name the compiled JavaScript, or start with a loader (`node --import tsx`)"
    : "";
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

interface Failure {
  readonly from: string;
  readonly missing: boolean;
  readonly remedy: string;
  /** The name of a plugin that is installed. */
  readonly meant?: string | undefined;
  readonly cause: unknown;
}

function failure(entry: PluginEntry, { from, missing, remedy, meant, cause }: Failure): PluginError {
  const { name, source } = entry;
  const question = meant === undefined ? "" : ` Did you mean "${meant}"?`;
  return new PluginError(
    `The plugin "${name}" (${describeSource(source)}) cannot be loaded. ${remedy}` + question,
    {
      code: missing ? "MLMCP_PLUGIN_NOT_FOUND" : "MLMCP_PLUGIN_LOAD",
      cause,
      context: { plugin: name, from, issues: [issueOf(entry, `cannot be loaded. ${remedy}`, meant)] },
    },
  );
}

/** The same for those who list what is wrong with a configuration. */
function issueOf({ name, source }: PluginEntry, text: string, suggestion?: string): ConfigProblem {
  return {
    path: formatPath(["plugins", name]),
    message: text.replace(/\.$/, ""),
    source,
    ...(suggestion === undefined ? {} : { suggestion }),
  };
}
