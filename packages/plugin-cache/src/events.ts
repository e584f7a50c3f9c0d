import type { CacheAction } from "./plan.js";
import type { Tier } from "./statistics.js";

declare module "@mlmcp/core" {
  interface MlmcpEvents {
    /** A value was found. `flight`: it was on its way for somebody else. */
    "cache:hit": { readonly tier: Tier };
    /** A value was found nowhere. */
    "cache:miss": Record<never, never>;
    /** A value was kept; `bytes` where it was encoded for the store. */
    "cache:set": { readonly tier: "memory" | "store"; readonly bytes: number | undefined };
    /** The cache itself failed; the call did not. */
    "cache:error": { readonly action: CacheAction; readonly error: unknown };
  }
}
