import type { CacheAction } from "./engine/plan.js";
import type { OutageReport } from "./stores/guard/guarded-store.js";
import type { StaleReason, Tier } from "./statistics/counters.js";

declare module "@mlmcp/core" {
  interface MlmcpEvents {
    /** A value was found. `flight`: it was on its way for somebody else. */
    "cache:hit": { readonly tier: Tier };
    /** A value was found nowhere. */
    "cache:miss": Record<never, never>;
    /** A value past its ttl was given in place of a fresh one. */
    "cache:stale": { readonly reason: StaleReason };
    /** A refresh in the background, or a computation that nobody waits for any more, has ended. */
    "cache:refresh": { readonly ok: boolean; readonly error: unknown };
    /** A value was kept; `bytes` where it was encoded for the store. */
    "cache:set": { readonly tier: "memory" | "store"; readonly bytes: number | undefined };
    /**
     * The cache itself failed; the call did not. While a store does not answer it is published once
     * for each action. A warm-up tells the operation outside of its calls.
     */
    "cache:error": { readonly action: CacheAction; readonly error: unknown; readonly operation?: string };
    /** The store does not answer, and is cut off. What it should take waits: so many writes by now. */
    "cache:store-down": { readonly store: string; readonly error: Error; readonly waiting: number };
    /**
     * The store is there again after `ms`, and has what was `written` meanwhile; what was `lost`
     * did not fit into what may wait, and is made anew when it is asked for.
     */
    "cache:store-up": { readonly store: string } & OutageReport;
  }
}
