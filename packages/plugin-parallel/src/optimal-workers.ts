/** How much work a megabyte of data is. A number is milliseconds of CPU for each megabyte. */
export type Complexity = "low" | "medium" | "high" | number;

/** CPU milliseconds for a megabyte: reading it through, computing on each value, iterating over it many times. */
const MS_PER_MB = { low: 1, medium: 10, high: 100 } as const;

/** What one more worker costs: its start and the import of the module, in milliseconds of CPU. */
const MS_PER_WORKER = 75;

/**
 * How many workers shorten a piece of work the most. With `W` milliseconds of work and `s`
 * milliseconds for each worker, `n` workers take `s·n + W/n`; that is least at `n = √(W / s)`,
 * rounded and kept between 1 and `limit`. `W` is `dataMb` times 1 (low), 10 (medium), 100 (high)
 * or the number given; `s` is 75.
 *
 * ```ts
 * optimalWorkers({ dataMb: 1, complexity: "low" }, 8); // 1: not worth a second worker
 * optimalWorkers({ dataMb: 100, complexity: "medium" }, 8); // √(1000 / 75) → 4
 * optimalWorkers({ dataMb: 1000, complexity: "high" }, 8); // 8: the limit
 * ```
 */
export function optimalWorkers(work: { dataMb: number; complexity?: Complexity }, limit: number): number {
  const { dataMb, complexity = "medium" } = work;
  const msPerMb = typeof complexity === "number" ? complexity : MS_PER_MB[complexity];
  const milliseconds = dataMb * msPerMb;
  if (!(milliseconds >= 0)) {
    throw new RangeError(
      `optimalWorkers: dataMb and complexity must not be negative; received ${dataMb} and ${String(complexity)}.`,
    );
  }
  return Math.max(1, Math.min(limit, Math.round(Math.sqrt(milliseconds / MS_PER_WORKER))));
}
