import type { Attempt } from "../../operations/attempts.js";
import { now } from "../timing/clock.js";
import type { Delays } from "./delays.js";
import { retryDelay, type RetryDelayPolicy } from "./retry-delay.js";

/** How often and after what delays a failed call is made again. */
export interface RetryPolicy extends RetryDelayPolicy {
  /** Attempts after the first one. */
  readonly maxRetries: number;
  /** No attempt begins later than so many milliseconds after the first one. */
  readonly maxElapsed?: number;
}

/**
 * Why no further attempt is made: there were as many as allowed (`exhausted`), the error is not
 * one to try again (`notRetryable`), the next attempt would begin too late (`elapsed`), too many
 * calls are tried again already (`budget`), the caller gave up (`aborted`), or what the delays
 * belong to has ended (`stopped`).
 */
export type GiveUpReason = "exhausted" | "notRetryable" | "elapsed" | "budget" | "aborted" | "stopped";

/** How an attempt ended that another may follow. */
interface FailedAttempt {
  /** Whether it gave a value, which was refused. */
  readonly refused: boolean;
  /** What it threw, or the refused value. */
  readonly outcome: unknown;
  /** By {@link now}, which no change of the system's time moves. */
  readonly startedAt: number;
}

/** The call that is repeated, as the loop sees it. */
export interface RetriedCall {
  /** Makes the attempt of this number; the loop begins with 2. */
  attempt(attempt: number): unknown;
  /** Whether the caller has given up, and the signal that says so. */
  readonly caller: { readonly aborted: boolean; readonly signal: AbortSignal } | undefined;
  isRetryable(error: unknown): boolean;
  /** Whether a value is as good as an error. */
  isRefused(value: unknown): boolean;
  /** Asks for one more retry of those that are allowed to all calls together. */
  withdraw(): boolean;
  /** A function of the application has failed that was asked about the retry. */
  misjudged(failure: unknown): void;
  /** The attempt of this number follows after the delay. `error` is absent where a value was refused. */
  retrying(attempt: number, delayMs: number, error: unknown): void;
  succeeded(attempts: number): void;
  /** `error` is what the caller gets; absent where that is the value that was refused. */
  gaveUp(reason: GiveUpReason, error: unknown, attempts: readonly Attempt[]): void;
}

/**
 * Goes on after a first attempt that failed, until an attempt succeeds or there is a reason to
 * give up. The first attempt stays outside, so that a call which succeeds pays nothing for it.
 * Where the last attempt gave a value that was refused, that value is the answer.
 *
 * @throws the last attempt's error, the same object; the abort reason where the caller gives up
 * during a delay
 */
export async function retry(
  first: FailedAttempt,
  call: RetriedCall,
  policy: RetryPolicy,
  delays: Delays,
): Promise<unknown> {
  const attempts: Attempt[] = [];
  let { refused, outcome, startedAt } = first;
  let previous: number | undefined;
  for (let attempt = 1; ; attempt += 1) {
    const error = refused ? undefined : outcome;
    const durationMs = now() - startedAt;
    let reason = reasonToGiveUp(refused, error, attempt, call, policy, delays);
    let delayMs: number | undefined;
    if (!reason) {
      delayMs = retryDelay(policy, attempt, outcome, previous, call.misjudged);
      if (policy.maxElapsed !== undefined && now() + delayMs - first.startedAt > policy.maxElapsed)
        reason = "elapsed";
      else if (!call.withdraw()) reason = "budget";
      if (reason) delayMs = undefined;
    }
    attempts.push({ attempt, error, startedAt: Date.now() - durationMs, durationMs, delayMs });
    if (reason || delayMs === undefined) {
      call.gaveUp(reason!, error, attempts);
      if (refused) return outcome;
      throw error;
    }
    call.retrying(attempt + 1, delayMs, error);
    let waited: boolean;
    try {
      waited = await delays.wait(delayMs, call.caller?.signal);
    } catch (abortReason) {
      call.gaveUp("aborted", abortReason, attempts);
      throw abortReason;
    }
    if (!waited) {
      call.gaveUp("stopped", error, attempts);
      if (refused) return outcome;
      throw error;
    }
    previous = delayMs;
    startedAt = now();
    try {
      outcome = await call.attempt(attempt + 1);
      refused = call.isRefused(outcome);
      if (!refused) {
        call.succeeded(attempt + 1);
        return outcome;
      }
    } catch (next) {
      refused = false;
      outcome = next;
    }
  }
}

function reasonToGiveUp(
  refused: boolean,
  error: unknown,
  attempt: number,
  call: RetriedCall,
  policy: RetryPolicy,
  delays: Delays,
): GiveUpReason | undefined {
  if (call.caller?.aborted) return "aborted";
  if (!refused && !call.isRetryable(error)) return "notRetryable";
  if (attempt > policy.maxRetries) return "exhausted";
  return delays.ended ? "stopped" : undefined;
}
