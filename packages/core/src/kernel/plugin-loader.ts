import { createRequire } from "node:module";
import { isAbsolute, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { PluginEntry } from "../config/plugin-entries.js";
import { describeSource } from "../config/reader.js";
import { PluginError } from "../errors/index.js";
import { isPlugin, type Plugin } from "../plugin.js";

/** Loads the plugin that an entry names, from the folder that relative names start in. */
export async function loadPlugin(entry: PluginEntry, from: string): Promise<Plugin> {
  const module = await importModule(entry, from);
  const exported = [module.default, ...Object.values(module)].filter(isPlugin);
  const found = [...new Set(exported)];
  const [only] = isPlugin(module.default) ? [module.default] : found.length === 1 ? found : [];
  if (only) return only;
  throw new PluginError(
    `"${entry.name}" (${describeSource(entry.source)}) is not a plugin: it exports ${Object.keys(module).join(", ") || "nothing"}. ` +
      "Its default export must be what `definePlugin({ ... })` returns.",
    { code: "MLMCP_PLUGIN_INVALID", context: { plugin: entry.name } },
  );
}

async function importModule(entry: PluginEntry, from: string): Promise<Record<string, unknown>> {
  const { name } = entry;
  const isPath = name.startsWith(".") || isAbsolute(name);
  try {
    return (await import(isPath ? pathToFileURL(resolve(from, name)).href : locate(name, from))) as Record<
      string,
      unknown
    >;
  } catch (error) {
    const missing = isMissing(error);
    const remedy = missing
      ? isPath
        ? `There is no such file; paths start at ${from}.`
        : `Install it (\`npm install ${name}\`) or correct the name.`
      : "Its module failed while it was loaded; see the cause.";
    throw new PluginError(
      `The plugin "${name}" (${describeSource(entry.source)}) cannot be loaded. ${remedy}`,
      {
        code: missing ? "MLMCP_PLUGIN_NOT_FOUND" : "MLMCP_PLUGIN_LOAD",
        cause: error,
        context: { plugin: name, from },
      },
    );
  }
}

/** The package as the application sees it, which may be another copy than ours. */
function locate(name: string, from: string): string {
  try {
    return pathToFileURL(createRequire(pathToFileURL(resolve(from, "noop.js"))).resolve(name)).href;
  } catch (error) {
    // A package that can only be imported; the loader then looks from here.
    if ((error as NodeJS.ErrnoException).code === "ERR_PACKAGE_PATH_NOT_EXPORTED") return name;
    throw error;
  }
}

function isMissing(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException | null)?.code;
  return code === "MODULE_NOT_FOUND" || code === "ERR_MODULE_NOT_FOUND" || code === "ENOENT";
}
