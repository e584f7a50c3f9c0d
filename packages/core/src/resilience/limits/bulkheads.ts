import type { Bulkhead, BulkheadLimits } from "./bulkhead.js";
import { Limiters } from "./limiters.js";

/** One bulkhead at one moment. */
export interface BulkheadStatus {
  /** The operation's id, or the name that several share it by. */
  readonly name: string;
  readonly operations: readonly string[];
  readonly running: number;
  readonly waiting: number;
  readonly maxConcurrent: number;
  readonly queue: number;
}

/**
 * All bulkheads of a kernel. A bulkhead is there from the first call of its operation.
 *
 * ```ts
 * console.table(kernel.resolve(Bulkheads).list());
 * ```
 */
export class Bulkheads extends Limiters<BulkheadLimits, Bulkhead> {
  constructor() {
    super("bulkhead");
  }

  list(): BulkheadStatus[] {
    return Array.from(this.entries(), ({ name, operations, limiter }) => ({
      name,
      operations,
      running: limiter.running,
      waiting: limiter.waiting,
      maxConcurrent: limiter.limits.maxConcurrent,
      queue: limiter.limits.queue,
    }));
  }
}
