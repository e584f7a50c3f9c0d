import { Limiters } from "./limiters.js";
import type { RateLimiter, RateLimits } from "./rate-limiter.js";

/** One rate limit at one moment. */
export interface RateLimiterStatus {
  /** The operation's id, or the name that several share it by. */
  readonly name: string;
  readonly operations: readonly string[];
  readonly limit: number;
  /** Milliseconds. */
  readonly interval: number;
  /** Keys whose calls are remembered. */
  readonly keys: number;
  /** Calls that wait for their turn. */
  readonly waiting: number;
  /** Calls that could begin now; absent where each key counts by itself, or a Redis does. */
  readonly available?: number;
}

/**
 * All rate limits of a kernel. One is there from the first call of its operation.
 *
 * ```ts
 * console.table(kernel.resolve(RateLimiters).list());
 * ```
 */
export class RateLimiters extends Limiters<RateLimits, RateLimiter> {
  constructor() {
    super("rateLimit");
  }

  list(): RateLimiterStatus[] {
    return Array.from(this.entries(), ({ name, operations, limiter, countsAll }) => ({
      name,
      operations,
      limit: limiter.limits.limit,
      interval: limiter.limits.interval,
      keys: limiter.keys,
      waiting: limiter.waiting,
      ...(countsAll && { available: limiter.available }),
    }));
  }
}
