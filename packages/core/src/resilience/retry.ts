import type { Attempt } from "../operations/attempts.js";
import { backoffDelay, type BackoffPolicy } from "./backoff.js";
import { isRetryable } from "./classify.js";
import type { Delays } from "./delays.js";

/** How often and after what delays a failed call is made again. */
export interface RetryPolicy extends BackoffPolicy {
  /** Attempts after the first one. */
  readonly maxRetries: number;
}

/** Why no further attempt is made. `stopped`: what the delays belong to has ended. */
export type GiveUpReason = "exhausted" | "notRetryable" | "aborted" | "stopped";

/** The call that is repeated, as the loop sees it. */
export interface RetriedCall {
  /** Makes the attempt of this number; the loop begins with 2. */
  attempt(attempt: number): unknown;
  /** Whether the caller has given up, and the signal that says so. */
  readonly caller: { readonly aborted: boolean; readonly signal: AbortSignal } | undefined;
  /** The attempt of this number follows after the delay. */
  retrying(attempt: number, delayMs: number, error: unknown): void;
  succeeded(attempts: number): void;
  /** `error` is what the caller gets. */
  gaveUp(reason: GiveUpReason, error: unknown, attempts: readonly Attempt[]): void;
}

/**
 * Goes on after a first attempt that failed, until an attempt succeeds or there is a reason to
 * give up. The first attempt stays outside, so that a call which succeeds pays nothing for it.
 *
 * @throws the last attempt's error, the same object; the abort reason where the caller gives up
 * during a delay
 */
export async function retry(
  first: { readonly error: unknown; readonly startedAt: number },
  call: RetriedCall,
  policy: RetryPolicy,
  delays: Delays,
): Promise<unknown> {
  const attempts: Attempt[] = [];
  let { error, startedAt } = first;
  for (let attempt = 1; ; attempt += 1) {
    const durationMs = Math.max(0, Date.now() - startedAt);
    const reason = reasonToGiveUp(error, attempt, call, policy, delays);
    const delayMs = reason ? undefined : backoffDelay(policy, attempt);
    attempts.push({ attempt, error, startedAt, durationMs, delayMs });
    if (delayMs === undefined) {
      call.gaveUp(reason!, error, attempts);
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
      throw error;
    }
    startedAt = Date.now();
    try {
      const result = await call.attempt(attempt + 1);
      call.succeeded(attempt + 1);
      return result;
    } catch (next) {
      error = next;
    }
  }
}

function reasonToGiveUp(
  error: unknown,
  attempt: number,
  call: RetriedCall,
  policy: RetryPolicy,
  delays: Delays,
): GiveUpReason | undefined {
  if (call.caller?.aborted) return "aborted";
  if (!isRetryable(error)) return "notRetryable";
  if (attempt > policy.maxRetries) return "exhausted";
  return delays.ended ? "stopped" : undefined;
}
