/** How the delay grows from one retry to the next. */
export type BackoffStrategy = "exponential" | "linear" | "constant";

/** How a delay is spread, so that callers that failed together do not come back together. */
export type Jitter = "full" | "none";

/** Everything that the delays of one retry policy depend on. All times in milliseconds. */
export interface BackoffPolicy {
  readonly backoff: BackoffStrategy;
  readonly initialDelay: number;
  readonly maxDelay: number;
  /** Growth of `exponential` from one delay to the next. */
  readonly factor: number;
  readonly jitter: Jitter;
}

const growth: Record<BackoffStrategy, (policy: BackoffPolicy, retry: number) => number> = {
  exponential: ({ initialDelay, factor }, retry) => initialDelay * factor ** (retry - 1),
  linear: ({ initialDelay }, retry) => initialDelay * retry,
  constant: ({ initialDelay }) => initialDelay,
};

/**
 * The longest that the delay before a retry can be; `retry` counts from 1. It never falls from
 * one retry to the next and never exceeds `maxDelay`.
 */
export function backoffCap(policy: BackoffPolicy, retry: number): number {
  // 0 * factor ** 2000 would be NaN.
  if (policy.initialDelay === 0) return 0;
  return Math.min(policy.maxDelay, growth[policy.backoff](policy, retry));
}

/**
 * The delay before a retry in whole milliseconds. With full jitter it is uniform in
 * `[0, cap]`, which finishes contended work in less time and with fewer calls than any spread
 * around the cap (M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015).
 */
export function backoffDelay(
  policy: BackoffPolicy,
  retry: number,
  random: () => number = Math.random,
): number {
  const cap = backoffCap(policy, retry);
  return Math.round(policy.jitter === "full" ? random() * cap : cap);
}
