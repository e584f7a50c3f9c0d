import type { OpenReason } from "./breaker.js";
import type { GiveUpReason } from "./retry.js";

declare module "@mlmcp/core" {
  interface MlmcpEvents {
    /** An attempt has failed and another follows: its number, the delay before it, and what failed. */
    "retry:attempt": { readonly attempt: number; readonly delayMs: number; readonly error: unknown };
    /** No further attempt is made: how many there were, and what the caller gets. */
    "retry:giveUp": { readonly attempts: number; readonly reason: GiveUpReason; readonly error: unknown };
    /** The method has failed with this error, and the fallback is asked. */
    "degrade:fallback": { readonly error: unknown };
    /** The breaker rejects calls from now on. `failures` counts those in a row before it opened. */
    "breaker:open": { readonly reason: OpenReason; readonly failures: number; readonly resetAfterMs: number };
    /** The next call is a probe. */
    "breaker:halfOpen": object;
    "breaker:close": { readonly reason: "probeSucceeded" | "manual" };
    /** A call was turned away; the next can pass in so many milliseconds, as far as is known. */
    "breaker:reject": { readonly retryAfterMs: number };
  }
}
