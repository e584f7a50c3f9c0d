import { now } from "../timing/clock.js";
import type { WindowSize } from "./breaker-policy.js";

/** What a window holds. */
export interface OutcomeTotals {
  readonly calls: number;
  readonly failures: number;
  readonly slow: number;
}

/** The outcomes of the latest calls. Costs no timer: what is out of it goes when it is next looked at. */
export interface OutcomeWindow {
  record(failed: boolean, slow: boolean): void;
  /** The same object each time, as it is now. */
  read(): OutcomeTotals;
  clear(): void;
}

/**
 * opossum has windows of its own, but only by time, turned by an interval each, with one list
 * entry for every call and all statistics computed anew at every failure.
 */
export function createWindow(size: WindowSize): OutcomeWindow {
  return "calls" in size ? new CountWindow(size.calls) : new TimeWindow(size.ms);
}

type Totals = { -readonly [Count in keyof OutcomeTotals]: number };

const FAILED = 1;
const SLOW = 2;

/** The last so many calls, in a ring. */
class CountWindow implements OutcomeWindow {
  readonly #outcomes: Uint8Array;
  readonly #totals: Totals = { calls: 0, failures: 0, slow: 0 };
  #next = 0;

  constructor(size: number) {
    this.#outcomes = new Uint8Array(size);
  }

  record(failed: boolean, slow: boolean): void {
    const totals = this.#totals;
    if (totals.calls === this.#outcomes.length) {
      const oldest = this.#outcomes[this.#next]!;
      if (oldest & FAILED) totals.failures -= 1;
      if (oldest & SLOW) totals.slow -= 1;
    } else totals.calls += 1;
    this.#outcomes[this.#next] = (failed ? FAILED : 0) | (slow ? SLOW : 0);
    this.#next = (this.#next + 1) % this.#outcomes.length;
    if (failed) totals.failures += 1;
    if (slow) totals.slow += 1;
  }

  read(): OutcomeTotals {
    return this.#totals;
  }

  clear(): void {
    this.#next = 0;
    Object.assign(this.#totals, { calls: 0, failures: 0, slow: 0 });
  }
}

const SLICES = 10;

/** The time that has passed last, in slices: the oldest tenth leaves as a whole. */
class TimeWindow implements OutcomeWindow {
  readonly #sliceMs: number;
  readonly #slices: Totals[] = Array.from({ length: SLICES }, () => ({ calls: 0, failures: 0, slow: 0 }));
  readonly #totals: Totals = { calls: 0, failures: 0, slow: 0 };
  /** Counts slices since the clock began. */
  #current: number;

  constructor(ms: number) {
    this.#sliceMs = ms / SLICES;
    this.#current = this.#sliceNow();
  }

  record(failed: boolean, slow: boolean): void {
    this.#turn();
    this.#add(this.#slices[this.#current % SLICES]!, failed, slow);
    this.#add(this.#totals, failed, slow);
  }

  read(): OutcomeTotals {
    this.#turn();
    return this.#totals;
  }

  clear(): void {
    for (const counts of [this.#totals, ...this.#slices])
      Object.assign(counts, { calls: 0, failures: 0, slow: 0 });
  }

  #add(counts: Totals, failed: boolean, slow: boolean): void {
    counts.calls += 1;
    if (failed) counts.failures += 1;
    if (slow) counts.slow += 1;
  }

  /** Empties the slices that time has passed over. */
  #turn(): void {
    const current = this.#sliceNow();
    const from = Math.max(this.#current + 1, current - SLICES + 1);
    for (let slice = from; slice <= current; slice += 1) {
      const left = this.#slices[slice % SLICES]!;
      this.#totals.calls -= left.calls;
      this.#totals.failures -= left.failures;
      this.#totals.slow -= left.slow;
      left.calls = left.failures = left.slow = 0;
    }
    this.#current = current;
  }

  #sliceNow(): number {
    return Math.floor(now() / this.#sliceMs);
  }
}
