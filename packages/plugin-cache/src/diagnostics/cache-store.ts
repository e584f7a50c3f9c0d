import type { Diagnostic } from "@mlmcp/core";
import { KernelCache } from "../kernel/kernel-cache.js";
import { NativeBindingError } from "../stores/sqlite/binding.js";

/**
 * The store that the configuration names is open and answers. No call fails where it does not, so
 * that its health is no more than `degraded`; but it is not what was asked for.
 */
export const cacheStore: Diagnostic = {
  rule: "cache-store",
  async diagnose(kernel) {
    const own = kernel.resolve(KernelCache);
    const { status, details = {} } = await own.health();
    // Of code that does not load a rule of its own says more.
    if (status === "up" || own.unopened?.reason instanceof NativeBindingError) return [];
    const { store, reason, mend = "See that it runs, and that this user may connect to it." } = details;
    return [
      {
        level: "error",
        message: `The cache ${String(store)} is not in use, so results are kept in memory only: ${String(reason)}`,
        mend: String(mend),
      },
    ];
  },
};
