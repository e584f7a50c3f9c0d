import { stat } from "node:fs/promises";
import { createRequire } from "node:module";
import { isAbsolute, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { PluginEntry } from "../config/sources/plugin-entries.js";
import { describeSource } from "../config/reader.js";
import { PluginError } from "../errors/index.js";
import { isPlugin, type Plugin } from "../plugin.js";

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

/** Loads the plugin that an entry names, from the folder that relative names start in. */
export async function loadPlugin(entry: PluginEntry, from: string): Promise<Plugin> {
  const url = await locate(entry, from);
  const module = await load(url, entry, from);
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
  throw new PluginError(
    `"${entry.name}" (${describeSource(entry.source)}) is not a plugin: it exports ${Object.keys(module).join(", ") || "nothing"}. ` +
      "Its default export must be what `definePlugin({ ... })` returns.",
    { code: "MLMCP_PLUGIN_INVALID", context: { plugin: entry.name } },
  );
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
    const missing = isNotFound(cause, packageOf(name));
    const remedy = missing
      ? `Install it (\`npm install ${packageOf(name)}\`) or correct the name.`
      : messageOf(cause);
    throw failure(entry, { from, missing, remedy, cause });
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

async function load(url: string, entry: PluginEntry, from: string): Promise<Record<string, unknown>> {
  try {
    return (await import(url)) as Record<string, unknown>;
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

function failure(
  { name, source }: PluginEntry,
  {
    from,
    missing,
    remedy,
    cause,
  }: { readonly from: string; readonly missing: boolean; readonly remedy: string; readonly cause: unknown },
): PluginError {
  return new PluginError(`The plugin "${name}" (${describeSource(source)}) cannot be loaded. ${remedy}`, {
    code: missing ? "MLMCP_PLUGIN_NOT_FOUND" : "MLMCP_PLUGIN_LOAD",
    cause,
    context: { plugin: name, from },
  });
}
