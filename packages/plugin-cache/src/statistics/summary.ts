import { noHoldings, type MemoryHoldings } from "../memory/holdings.js";
import type { RegionStatistics } from "../memory/memory-tier.js";
import { addCounts, hitsOf, noCounts, type Counters, type Tier } from "./counters.js";
import type { ProcessObservation } from "./observation.js";

/** What one operation, or all of them, made of the cache. */
export interface OperationStatistics {
  readonly hits: number;
  readonly misses: number;
  /** Hits among all look-ups, 0 to 1; 0 before the first. */
  readonly hitRate: number;
  readonly hitsByTier: Readonly<Record<Tier, number>>;
  /** Stale values that were given where fresh ones could not be had in time. */
  readonly staleHits: number;
  readonly sets: number;
  /** Refreshes in the background that succeeded. */
  readonly refreshes: number;
  /** What callers were spared: the time that the values of all hits took to make. Milliseconds. */
  readonly savedMs: number;
  /** Failures of the cache itself, none of which failed a call. */
  readonly errors: number;
  /** Entries that have not expired, in the store where it can count, else those in memory that are fresh. */
  readonly entries: number;
  /** Entries in memory that have expired, and go when they are asked for or their room is needed. */
  readonly expired: number;
  /** Of the entries in memory, estimated. */
  readonly bytes: number;
  /** Entries that had to make room in memory. */
  readonly evictions: number;
}

/** One operation, with how long its results are fresh. */
export interface CachedOperationStatistics extends OperationStatistics {
  /** Milliseconds. Missing where a function says so for each result, and for what is no cached method. */
  readonly ttl?: number;
}

export interface CacheStatistics extends OperationStatistics {
  /** When the first of these counts began. Milliseconds since the epoch. */
  readonly since: number;
  /** How many processes are counted together. */
  readonly processes: number;
  /** The store's name; `undefined` where there is only memory. */
  readonly store: string | undefined;
  /** How long results are fresh where nothing else is said: the section's `ttl`. Milliseconds. */
  readonly ttl: number;
  /** The memory of a process: `entries` that are fresh, `bytes` as estimated, and the present bounds, namespaces included. */
  readonly memory: Pick<RegionStatistics, "entries" | "bytes" | "maxEntries" | "maxBytes" | "evictions">;
  /** By id, those with something to tell. */
  readonly operations: Readonly<Record<string, CachedOperationStatistics>>;
}

export interface SummaryParts {
  /** Whose counts are summed up. */
  readonly observed: ProcessObservation;
  readonly processes: number;
  /** What this process has in memory now. */
  readonly holdings: ReadonlyMap<string, MemoryHoldings>;
  readonly store: string | undefined;
  /** Entries by operation; `undefined` where the store cannot count. */
  readonly stored: ReadonlyMap<string, number> | undefined;
  readonly ttl: number;
  /** By operation, where that is known before the call. */
  readonly ttls: ReadonlyMap<string, number | undefined>;
}

export function summarise({ observed, holdings, stored, ttls, ...about }: SummaryParts): CacheStatistics {
  const operations: Record<string, CachedOperationStatistics> = {};
  const all = { counters: noCounts(), memory: noHoldings(), entries: 0 };
  for (const name of [...new Set([...observed.operations.keys(), ...(stored?.keys() ?? [])])].sort()) {
    const { counters = noCounts(), memory: lost = noHoldings() } = observed.operations.get(name) ?? {};
    const memory = { ...(holdings.get(name) ?? noHoldings()), evictions: lost.evictions };
    // The last writes may be on their way to the store still.
    const entries = Math.max(memory.fresh, stored?.get(name) ?? 0);
    addCounts(all.counters, counters);
    for (const key of ["fresh", "expired", "bytes", "evictions"] as const) all.memory[key] += memory[key];
    all.entries += entries;
    const ttl = ttls.get(name);
    const summary = { ...summariseOne(counters, memory, entries), ...(ttl !== undefined && { ttl }) };
    if (isActive(summary)) operations[name] = summary;
  }
  const { bytes, maxEntries, maxBytes, evictions } = observed.memory;
  return {
    ...summariseOne(all.counters, all.memory, all.entries),
    since: observed.since,
    ...about,
    memory: { entries: all.memory.fresh, bytes, maxEntries, maxBytes, evictions },
    operations,
  };
}

function summariseOne(counters: Counters, held: MemoryHoldings, entries: number): OperationStatistics {
  const { hits: hitsByTier, misses, staleHits, sets, refreshes, savedMs, errors } = counters;
  const hits = hitsOf(counters);
  return {
    hits,
    misses,
    hitRate: hits === 0 ? 0 : hits / (hits + misses),
    hitsByTier: { ...hitsByTier },
    staleHits,
    sets,
    refreshes,
    savedMs,
    errors,
    entries,
    expired: held.expired,
    bytes: held.bytes,
    evictions: held.evictions,
  };
}

function isActive({ hits, staleHits, misses, sets, errors, entries }: OperationStatistics): boolean {
  return hits + staleHits + misses + sets + errors + entries > 0;
}
