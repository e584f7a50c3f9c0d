/** Calls that must be known before a percentile says something. */
const ENOUGH = 20;

/** How many of the latest calls are remembered. */
const REMEMBERED = 256;

/** After how many new calls a percentile is worked out anew. */
const FRESH = 16;

/** How long the latest calls took, for a percentile of them. */
export class Latencies {
  readonly #durations = new Float64Array(REMEMBERED);
  #recorded = 0;
  /** Of the percentile that was asked for last. */
  #known: { readonly percentile: number; readonly at: number; readonly value: number } | undefined;

  record(ms: number): void {
    this.#durations[this.#recorded % REMEMBERED] = ms;
    this.#recorded += 1;
  }

  /**
   * The duration in milliseconds that so many percent of the latest calls did not exceed (nearest
   * rank); nothing while too few are known.
   */
  percentile(percentile: number): number | undefined {
    if (this.#recorded < ENOUGH) return undefined;
    const known = this.#known;
    if (known?.percentile === percentile && this.#recorded - known.at < FRESH) return known.value;
    const sorted = this.#durations.slice(0, Math.min(this.#recorded, REMEMBERED)).sort();
    const value = sorted[Math.max(0, Math.ceil((percentile / 100) * sorted.length) - 1)]!;
    this.#known = { percentile, at: this.#recorded, value };
    return value;
  }
}
