import type { BulkheadReason } from "./limits/bulkhead.js";
import type { Classified } from "./classification/error-class.js";
import type { CloseReason, OpenReason } from "./breaker/breaker-changes.js";
import type { TimeoutReason } from "./decorators/timeout.js";
import type { ErrorContext } from "./handling/error-handler.js";
import type { GiveUpReason } from "./retry/retry.js";

declare module "@mlmcp/core" {
  interface MlmcpEvents {
    /**
     * An attempt has failed and another follows: its number, the delay before it, and the error,
     * which is absent where `retryResultIf` has refused a value.
     */
    "retry:attempt": { readonly attempt: number; readonly delayMs: number; readonly error: unknown };
    /** No further attempt is made: how many there were, and what the caller gets. */
    "retry:giveUp": { readonly attempts: number; readonly reason: GiveUpReason; readonly error: unknown };
    /** A call under `@handled` has failed in the end: what its error is, and what to do about it. */
    "error:handled": {
      readonly class: Classified;
      readonly retryable: boolean;
      readonly error: unknown;
      readonly context: ErrorContext | undefined;
      readonly suggestions: readonly string[];
    };
    /** The method has failed with this error, and the fallback is asked. */
    "degrade:fallback": { readonly error: unknown };
    /**
     * The breaker rejects calls from now on. `failures` counts those in a row before it opened,
     * `window` is what its rates were taken of; without `resetAfterMs` only a hand closes it.
     */
    "breaker:open": {
      readonly reason: OpenReason;
      readonly failures: number;
      readonly resetAfterMs?: number;
      readonly window?: { readonly calls: number; readonly failures: number; readonly slow: number };
    } & WhichBreaker;
    /** The next calls are probes. */
    "breaker:halfOpen": { readonly reason: "elapsed" | "restored" } & WhichBreaker;
    "breaker:close": { readonly reason: CloseReason } & WhichBreaker;
    /** A call was turned away, in this state; the next can pass in so many milliseconds, as far as is known. */
    "breaker:reject": {
      readonly reason: "open" | "halfOpen" | "isolated";
      readonly retryAfterMs?: number;
    } & WhichBreaker;
    /** The time of an attempt or a call is up, and its caller is released. 0 ms: it was not begun. */
    "timeout:expire": { readonly reason: TimeoutReason; readonly timeoutMs: number };
    /** The method has ended after that all the same, so much later; where it failed, with this error. */
    "timeout:late": { readonly ok: boolean; readonly lateMs: number; readonly error: unknown };
    /** The call waits for a place; so many wait now. */
    "bulkhead:wait": { readonly waiting: number };
    /** A call got no place. */
    "bulkhead:reject": {
      readonly reason: BulkheadReason;
      readonly running: number;
      readonly waiting: number;
    };
    /** The call waits for its turn. `key` is empty where the limit has no keys. */
    "rateLimit:wait": { readonly key: string; readonly delayMs: number };
    /** A call was turned away; the next can begin in so many milliseconds. */
    "rateLimit:reject": { readonly key: string; readonly retryAfterMs: number };
    /** The Redis that counts does not answer: this call counts in the process alone. */
    "rateLimit:storeFailed": { readonly error: unknown };
    /** A key had to go because there are too many, although its calls still counted. */
    "rateLimit:forget": { readonly key: string };
    /** A further attempt begins beside the one that takes long: the how-manieth. */
    "hedge:attempt": { readonly hedge: number; readonly afterMs: number };
    /** The budget is spent, so that this attempt does not begin, nor any other of its call. */
    "hedge:throttle": { readonly hedge: number; readonly afterMs: number };
    /** Of several attempts this one has answered first; 0 is the one that began first. */
    "hedge:win": { readonly hedge: number; readonly attempts: number };
    /** A fault was put in the place of a call that might have gone well, or before it. */
    "chaos:strike": { readonly fault: "latency" | "error" | "result"; readonly latencyMs: number };
  }
}

/** A shared breaker tells what happens to it once for each of its operations. */
interface WhichBreaker {
  /** The name under which several operations share it. */
  readonly sharedAs?: string;
  /** Where there is a breaker for each key. */
  readonly key?: string;
  /** It only says what it would do: no call is turned away. */
  readonly shadow?: boolean;
}
