import { isMainThread } from "node:worker_threads";
import { TOOL, type PluginKernel } from "@mlmcp/core";
import { wrongReferences } from "./wrong-references.js";

const given = new Set<string>();

/**
 * Warns, once the kernel has started, of each `@cacheEvict` and `@cachePut` that names no cached
 * method. Only in the main thread: a worker loads a part of the application.
 */
export function warnOfReferences(kernel: PluginKernel): void {
  if (!isMainThread || kernel.services.has(TOOL)) return;
  // Functions that the application wraps right after its kernel has started are there by then.
  const later = setImmediate(() => {
    for (const { subject, problem } of wrongReferences(kernel)) {
      if (given.has(subject + problem)) continue;
      // Each kernel of the process would say the same.
      given.add(subject + problem);
      process.emitWarning(`${subject} will fail: ${problem}`, { code: "MLMCP_CACHE_OPERATION" });
    }
  });
  kernel.onStop(() => clearImmediate(later));
}
