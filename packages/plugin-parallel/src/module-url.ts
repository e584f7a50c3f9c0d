import { realpathSync } from "node:fs";
import { createRequire } from "node:module";
import { isAbsolute, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { ConfigurationError } from "@mlmcp/core";
import { mainRunsAgain } from "./faults.js";
import { threadState } from "./thread-state.js";

/**
 * The URL under which a worker imports a module.
 *
 * @throws ConfigurationError where it is not a file, or where importing it would start the
 *   application again and nothing shows that its main module knows about workers
 */
export function moduleUrl(label: string, module: string | undefined): string {
  const url = toFileUrl(module);
  if (url === undefined) {
    throw new ConfigurationError(
      `${label}: a worker has to import the module that defines it, and ${
        module === undefined ? "that is not known" : `${JSON.stringify(module)} is not a file`
      }.`,
      {
        code: "MLMCP_PARALLEL_MODULE",
        context: { operation: label, module },
        suggestions: ["Say where it is defined: @parallel({ module: import.meta.url })."],
      },
    );
  }
  if (!threadState.asked && isEntry(url)) throw mainRunsAgain(label, url);
  return url;
}

function toFileUrl(module: string | undefined): string | undefined {
  if (module === undefined) return undefined;
  if (module.startsWith("file:")) return module;
  return isAbsolute(module) ? pathToFileURL(module).href : undefined;
}

/** Whether the process was started with this file. */
function isEntry(url: string): boolean {
  const [, entry] = process.argv;
  if (entry === undefined) return false;
  const file = fileURLToPath(url);
  return entryFiles(entry).has(file) || entryFiles(entry).has(real(file));
}

/** `node dist/app` may mean `dist/app.js`, and a path may lead through links. */
function entryFiles(entry: string): Set<string> {
  const path = resolve(entry);
  let found = path;
  try {
    found = createRequire(pathToFileURL(path)).resolve(path);
  } catch {
    // Not resolvable as a module: then it stands for itself.
  }
  return new Set([path, found, real(found)]);
}

function real(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
