/** Where a value was found: kept in the process, in the store, or on its way for somebody else. */
export type Tier = "memory" | "store" | "flight";

/** Counts of one operation since the start. */
export interface Counters {
  readonly hits: Record<Tier, number>;
  misses: number;
  sets: number;
  /** Failures of the cache itself, none of which failed a call. */
  errors: number;
}

/** What one operation, or all of them, made of the cache since the kernel started. */
export interface OperationStatistics {
  readonly hits: number;
  readonly misses: number;
  /** Hits among all look-ups, 0 to 1; 0 before the first. */
  readonly hitRate: number;
  readonly hitsByTier: Readonly<Record<Tier, number>>;
  readonly sets: number;
  /** Failures of the cache itself, none of which failed a call. */
  readonly errors: number;
  /** Fresh entries, in the store where it can count, else in memory. */
  readonly entries: number;
}

export interface CacheStatistics extends OperationStatistics {
  /** The store's name; `undefined` where there is only memory. */
  readonly store: string | undefined;
  readonly memory: { readonly entries: number; readonly maxEntries: number };
  /** By id, those with something to tell. */
  readonly operations: Readonly<Record<string, OperationStatistics>>;
}

/** What the tiers hold, by operation. */
export interface Holdings {
  readonly store: string | undefined;
  /** `undefined` where the store cannot count. */
  readonly stored: ReadonlyMap<string, number> | undefined;
  readonly inMemory: ReadonlyMap<string, number>;
  readonly maxEntries: number;
}

/** Counts by operation, and their sum. */
export class Statistics {
  readonly #counters = new Map<string, Counters>();

  /** The counters of one operation, to be counted up. */
  of(operation: string): Counters {
    let counters = this.#counters.get(operation);
    if (!counters) this.#counters.set(operation, (counters = noCounts()));
    return counters;
  }

  summarise({ store, stored, inMemory, maxEntries }: Holdings): CacheStatistics {
    const names = new Set([...this.#counters.keys(), ...inMemory.keys(), ...(stored?.keys() ?? [])]);
    const operations: Record<string, OperationStatistics> = {};
    const all = noCounts();
    let entries = 0;
    for (const name of [...names].sort()) {
      const counters = this.#counters.get(name) ?? noCounts();
      // The last writes may be on their way to the store still.
      const own = Math.max(inMemory.get(name) ?? 0, stored?.get(name) ?? 0);
      add(all, counters);
      entries += own;
      const summary = summarise(counters, own);
      if (isActive(summary)) operations[name] = summary;
    }
    const entriesInMemory = [...inMemory.values()].reduce((sum, count) => sum + count, 0);
    return {
      ...summarise(all, entries),
      store,
      memory: { entries: entriesInMemory, maxEntries },
      operations,
    };
  }
}

function noCounts(): Counters {
  return { hits: { memory: 0, store: 0, flight: 0 }, misses: 0, sets: 0, errors: 0 };
}

function add(to: Counters, { hits, misses, sets, errors }: Counters): void {
  for (const tier of ["memory", "store", "flight"] as const) to.hits[tier] += hits[tier];
  to.misses += misses;
  to.sets += sets;
  to.errors += errors;
}

function summarise(
  { hits: hitsByTier, misses, sets, errors }: Counters,
  entries: number,
): OperationStatistics {
  const hits = hitsByTier.memory + hitsByTier.store + hitsByTier.flight;
  const hitRate = hits === 0 ? 0 : hits / (hits + misses);
  return { hits, misses, hitRate, hitsByTier: { ...hitsByTier }, sets, errors, entries };
}

function isActive({ hits, misses, sets, errors, entries }: OperationStatistics): boolean {
  return hits + misses + sets + errors + entries > 0;
}
