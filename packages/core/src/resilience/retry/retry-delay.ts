import { backoffDelay, type BackoffPolicy } from "./backoff.js";
import { isPromised } from "../classification/thrown.js";
import { retryAfterOf } from "./retry-after.js";

/**
 * Gives the delay in milliseconds: `attempt` is the number, from 1, of the attempt that failed
 * with this error.
 *
 * Written as a method, because only those may narrow what they are given: `(attempt, error: HttpError) => …`.
 */
export type BackoffFunction = { delay(attempt: number, error: unknown): number }["delay"];

/** What the delay before one retry depends on. */
export interface RetryDelayPolicy extends Omit<BackoffPolicy, "backoff"> {
  readonly backoff: BackoffPolicy["backoff"] | BackoffFunction;
  /** Whether what the error says about waiting counts. */
  readonly respectRetryAfter: boolean;
}

/**
 * The delay after a failed attempt in whole milliseconds, never longer than `maxDelay`. Where the
 * error asks for a longer one than the backoff gives, it is what the error asks for: the spread of
 * the backoff is no reason to come back before that.
 *
 * @param outcome the attempt's error, or the value that was refused
 * @param previous the delay before it, if there was one
 * @param report told what a `backoff` function threw, or that it gave no number. The delay is the
 * exponential one then: a mistake in it must not take the method's own error away
 */
export function retryDelay(
  policy: RetryDelayPolicy,
  attempt: number,
  outcome: unknown,
  previous: number | undefined,
  report: (failure: unknown) => void,
): number {
  const { backoff, maxDelay } = policy;
  const given = typeof backoff === "function" ? ask(backoff, attempt, outcome, report) : undefined;
  const strategy = typeof backoff === "function" ? "exponential" : backoff;
  const delay = given ?? backoffDelay({ ...policy, backoff: strategy }, attempt, Math.random, previous);
  const asked = policy.respectRetryAfter ? (retryAfterOf(outcome, Date.now()) ?? 0) : 0;
  return Math.min(maxDelay, Math.max(delay, Math.ceil(asked)));
}

function ask(
  backoff: BackoffFunction,
  attempt: number,
  outcome: unknown,
  report: (failure: unknown) => void,
): number | undefined {
  try {
    const delay: unknown = backoff(attempt, outcome);
    if (typeof delay === "number" && delay >= 0) return Math.round(delay);
    const given = isPromised(delay) ? "a promise" : String(delay);
    const problem = `The backoff function gave ${given} for attempt ${attempt}. Give milliseconds, 0 or more.`;
    report(new TypeError(problem));
  } catch (failure) {
    report(failure);
  }
  return undefined;
}
