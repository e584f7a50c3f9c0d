/** Where a value was found: kept in the process, in the store, or on its way for somebody else. */
export type Tier = "memory" | "store" | "flight";

/** Counts of one operation since the start. */
export interface Counters {
  readonly hits: Record<Tier, number>;
  /** Stale values that were given. */
  staleHits: number;
  misses: number;
  sets: number;
  /** Refreshes in the background that succeeded. */
  refreshes: number;
  /** Failures of the cache itself, none of which failed a call. */
  errors: number;
  /** What the values of all hits took to make. Milliseconds. */
  savedMs: number;
  /** Entries that the store was given, and their bytes. */
  stored: number;
  storedBytes: number;
}

export function noCounts(): Counters {
  return {
    hits: { memory: 0, store: 0, flight: 0 },
    staleHits: 0,
    misses: 0,
    sets: 0,
    refreshes: 0,
    errors: 0,
    savedMs: 0,
    stored: 0,
    storedBytes: 0,
  };
}

export function addCounts(to: Counters, { hits, ...counts }: Counters): void {
  for (const tier of Object.keys(hits) as Tier[]) to.hits[tier] += hits[tier];
  for (const name of Object.keys(counts) as (keyof typeof counts)[]) to[name] += counts[name];
}

/** Hits in all tiers. */
export function hitsOf({ hits }: Counters): number {
  return hits.memory + hits.store + hits.flight;
}

/**
 * Why a stale value was given: making a fresh one failed or was too slow, the caller's deadline was
 * about to strike, or the call had failed and asked for a stale answer.
 */
export type StaleReason = "error" | "slow" | "deadline" | "fallback";
