import type { TinyLfu } from "./tiny-lfu.js";

/** Bounds of a memory that adapts. */
export interface SizeRange {
  /** Entries that it always keeps. */
  readonly min: number;
  /** Entries that it never exceeds. */
  readonly max: number;
}

/** Growth pays where so many of the values made or read again had been evicted before. */
const growsFrom = 0.1;
/** Below this share the memory is larger than it needs to be. */
const shrinksBelow = 0.01;
const growth = 1.25;
const shrinkage = 0.9;

/**
 * Fits the number of entries to what is asked for. Each time as many values have come in as the
 * memory holds, it looks at how many of them had been evicted shortly before, which are the hits
 * that a memory twice as large would have had: from 10 % on it grows by a quarter; below 1 %, twice
 * in a row while it is full, it shrinks by a tenth. It never leaves the range.
 */
export class AdaptiveSize {
  #insertions = 0;
  #ghostHits = 0;
  #calmPeriods = 0;

  constructor(readonly range: SizeRange) {}

  /** The number of entries that the range admits. */
  within(entries: number): number {
    return Math.min(this.range.max, Math.max(this.range.min, Math.round(entries)));
  }

  /** To be told after each entry that came in. */
  inserted(memory: TinyLfu): void {
    const { maxEntries } = memory.bounds;
    const insertions = memory.insertions - this.#insertions;
    if (insertions < maxEntries) return;
    const share = (memory.ghostHits - this.#ghostHits) / insertions;
    this.#insertions = memory.insertions;
    this.#ghostHits = memory.ghostHits;
    this.#calmPeriods = share < shrinksBelow && memory.evictions > 0 ? this.#calmPeriods + 1 : 0;
    let wanted = maxEntries;
    if (share >= growsFrom) wanted = Math.ceil(maxEntries * growth);
    else if (this.#calmPeriods >= 2) wanted = Math.floor(maxEntries * shrinkage);
    if (wanted === maxEntries) return;
    if (wanted < maxEntries) this.#calmPeriods = 0;
    const fitting = this.within(wanted);
    if (fitting !== maxEntries) memory.resize({ ...memory.bounds, maxEntries: fitting });
  }
}
