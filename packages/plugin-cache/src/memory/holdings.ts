/** What one operation has in memory, and what it lost there. */
export interface MemoryHoldings {
  fresh: number;
  /** Past their ttl, and good as stale. */
  stale: number;
  /** Past that, and not asked for since. */
  expired: number;
  /** Of all of these, estimated. */
  bytes: number;
  /** Entries that had to make room. */
  evictions: number;
  /** Values that were not kept, since each alone is larger than all may be together. */
  refused: number;
  /** Of the largest of them, estimated. */
  refusedBytes: number;
}

export function noHoldings(): MemoryHoldings {
  return { fresh: 0, stale: 0, expired: 0, bytes: 0, evictions: 0, refused: 0, refusedBytes: 0 };
}
