/** Upper bounds in milliseconds, from 1 ms to a minute. */
export const DEFAULT_BUCKETS: readonly number[] = [
  1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000,
];

/**
 * Counts of durations up to given bounds, exact at each bound, as a histogram of Prometheus has
 * them: a duration belongs to the first bucket whose bound it does not exceed.
 */
export class DurationBuckets {
  /** Upper bounds in milliseconds, ascending. */
  readonly bounds: readonly number[];
  readonly #counts: Float64Array;
  #sum = 0;

  constructor(bounds: readonly number[] = DEFAULT_BUCKETS) {
    this.bounds = [...new Set(bounds)].sort((a, b) => a - b);
    this.#counts = new Float64Array(this.bounds.length + 1);
  }

  /** Of all durations, in milliseconds. */
  get sum(): number {
    return this.#sum;
  }

  record(ms: number): void {
    const { bounds } = this;
    let bucket = 0;
    while (bucket < bounds.length && ms > bounds[bucket]!) bucket++;
    this.#counts[bucket]!++;
    this.#sum += ms;
  }

  /** For each bound, and at last without bound, how many durations do not exceed it. */
  cumulative(): number[] {
    let total = 0;
    return Array.from(this.#counts, (count) => (total += count));
  }

  reset(): void {
    this.#counts.fill(0);
    this.#sum = 0;
  }
}
