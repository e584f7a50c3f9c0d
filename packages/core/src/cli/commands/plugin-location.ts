import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { findPackage } from "../../diagnostics/packages.js";
import type { Kernel } from "../../kernel/kernel.js";
import { originOf } from "../../kernel/plugin-loader.js";
import type { Plugin } from "../../plugin.js";
import { resiliencePlugin } from "../../resilience/index.js";

interface PluginLocation {
  /** Of the package that holds it. */
  readonly version?: string | undefined;
  /** Its module where the configuration named it, else its package's directory. */
  readonly from?: string | undefined;
  /** Its key in `plugins`, where it is named there. */
  readonly entry?: string | undefined;
}

/** Where a plugin comes from, as far as that can be told. */
export function locatePlugin({ config }: Kernel, plugin: Plugin): PluginLocation {
  const origin = originOf(plugin);
  if (origin?.url.startsWith("file:")) {
    const from = fileURLToPath(origin.url);
    return { version: versionAround(from, plugin.name), from, entry: origin.entry };
  }
  if (plugin === resiliencePlugin) {
    // By the package's own name: bundled code may stand in any directory of it.
    const from = dirname(createRequire(import.meta.url).resolve("@mlmcp/core/package.json"));
    return { version: versionIn(from)?.version, from };
  }
  const found = findPackage(plugin.name, config.cwd);
  return { version: found?.manifest.version, from: found?.directory, entry: plugin.name };
}

/** The version of the package that a module is in; not of the application that it may be a part of. */
function versionAround(file: string, plugin: string): string | undefined {
  for (let directory = dirname(file); directory !== dirname(directory); directory = dirname(directory)) {
    const found = versionIn(directory);
    if (found) return found.name === plugin || directory.includes("node_modules") ? found.version : undefined;
  }
  return undefined;
}

function versionIn(directory: string): { readonly name?: string; readonly version?: string } | undefined {
  try {
    return JSON.parse(readFileSync(join(directory, "package.json"), "utf8")) as object;
  } catch {
    return undefined;
  }
}
