/** How the delay grows from one retry to the next. */
export type BackoffStrategy = "exponential" | "linear" | "constant" | "decorrelated";

/** How a delay is spread, so that callers that failed together do not come back together. */
export type Jitter = "full" | "equal" | "none";

/** Everything that the delays of one retry policy depend on. All times in milliseconds. */
export interface BackoffPolicy {
  readonly backoff: BackoffStrategy;
  readonly initialDelay: number;
  readonly maxDelay: number;
  /** Growth of `exponential` from one delay to the next. */
  readonly factor: number;
  readonly jitter: Jitter;
}

/** Of `decorrelated`, from one delay to the longest that the next can be: what its source has. */
const decorrelatedGrowth = 3;

const growth: Record<BackoffStrategy, (policy: BackoffPolicy, retry: number) => number> = {
  exponential: ({ initialDelay, factor }, retry) => initialDelay * factor ** (retry - 1),
  linear: ({ initialDelay }, retry) => initialDelay * retry,
  constant: ({ initialDelay }) => initialDelay,
  decorrelated: ({ initialDelay }, retry) => initialDelay * decorrelatedGrowth ** retry,
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
 * around the cap; with equal jitter in `[cap / 2, cap]`. `decorrelated` has a spread of its own,
 * uniform between `initialDelay` and three times the delay before, whatever `jitter` says
 * (M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015).
 *
 * @param previous the delay before the retry before this one; without one `initialDelay`
 */
export function backoffDelay(
  policy: BackoffPolicy,
  retry: number,
  random: () => number = Math.random,
  previous: number = policy.initialDelay,
): number {
  const { backoff, initialDelay, maxDelay, jitter } = policy;
  if (backoff === "decorrelated") {
    const upper = Math.max(initialDelay, previous * decorrelatedGrowth);
    return Math.round(Math.min(maxDelay, initialDelay + random() * (upper - initialDelay)));
  }
  const cap = backoffCap(policy, retry);
  if (jitter === "none") return Math.round(cap);
  return Math.round(jitter === "full" ? random() * cap : cap / 2 + random() * (cap / 2));
}
