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
  readonly errors: number;
  /** Fresh entries, in the store where it can count, else in memory. */
  readonly entries: number;
}

export interface CacheStatistics extends OperationStatistics {
  /** The store's name; `undefined` where there is only memory. */
  readonly store: string | undefined;
  readonly memory: { readonly entries: number; readonly maxEntries: number };
  readonly operations: Readonly<Record<string, OperationStatistics>>;
}

export function noCounts(): Counters {
  return { hits: { memory: 0, store: 0, flight: 0 }, misses: 0, sets: 0, errors: 0 };
}

export function summarise(counters: Counters, entries: number): OperationStatistics {
  const { misses, sets, errors } = counters;
  const hits = counters.hits.memory + counters.hits.store + counters.hits.flight;
  return { hits, misses, hitRate: hits === 0 ? 0 : hits / (hits + misses), hitsByTier: { ...counters.hits }, sets, errors, entries };
}

export function total(all: Iterable<Counters>): Counters {
  const sum = noCounts();
  for (const { hits, misses, sets, errors } of all) {
    for (const tier of ["memory", "store", "flight"] as const) sum.hits[tier] += hits[tier];
    sum.misses += misses;
    sum.sets += sets;
    sum.errors += errors;
  }
  return sum;
}

/** Whether there is anything to tell. */
export function isActive({ hits, misses, sets, errors, entries }: OperationStatistics): boolean {
  return hits + misses + sets + errors + entries > 0;
}
