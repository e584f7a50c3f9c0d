import { DurationBuckets } from "./duration-buckets.js";
import { LatencyHistogram } from "./latency-histogram.js";

/** Times and counts the calls of one operation. `enter` and `leave` come in pairs and allocate nothing. */
export class OperationTiming {
  readonly latency = new LatencyHistogram();
  #buckets: DurationBuckets;
  #errors = 0;
  #inFlight = 0;
  #total = 0;

  constructor(bounds?: readonly number[]) {
    this.#buckets = new DurationBuckets(bounds);
  }

  get buckets(): DurationBuckets {
    return this.#buckets;
  }

  /** Calls that have ended. */
  get calls(): number {
    return this.latency.count;
  }

  /** Calls that have ended in an error. */
  get errors(): number {
    return this.#errors;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** Time of all calls that have ended, in milliseconds. */
  get total(): number {
    return this.#total;
  }

  enter(): void {
    this.#inFlight++;
  }

  /** @param ms how long the call took, in milliseconds */
  leave(ms: number, ok: boolean): void {
    this.#inFlight--;
    if (!ok) this.#errors++;
    this.#total += ms;
    this.latency.record(ms);
    this.#buckets.record(ms);
  }

  /** Other bounds start with empty buckets, which a scraper reads as a restart; all else is kept. */
  useBuckets(bounds: readonly number[]): void {
    const buckets = new DurationBuckets(bounds);
    if (buckets.bounds.join() !== this.#buckets.bounds.join()) this.#buckets = buckets;
  }

  /** Forgets calls that have ended; those in flight will still be counted when they end. */
  reset(): void {
    this.latency.reset();
    this.#buckets.reset();
    this.#errors = 0;
    this.#total = 0;
  }
}
