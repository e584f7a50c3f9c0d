import { freemem, totalmem } from "node:os";
import { getHeapStatistics } from "node:v8";

/** What this process holds, in bytes. */
export interface ProcessStats {
  /** Resident set: all that the process keeps in real memory. */
  readonly rss: number;
  /** The largest `rss` since the process began. */
  readonly peakRss: number;
  readonly heapUsed: number;
  /** Where V8 gives up (`--max-old-space-size`). */
  readonly heapLimit: number;
  /** Memory of native objects that JavaScript objects hold. */
  readonly external: number;
  /** Part of `external`: array buffers and Buffers. */
  readonly arrayBuffers: number;
  /** What the machine has, or the container allows where it is less. */
  readonly available: number;
  readonly free: number;
}

/** Reads the figures; nothing is kept running. */
export function processStats(): ProcessStats {
  const { rss, heapUsed, external, arrayBuffers } = process.memoryUsage();
  // 0 where unknown, and an absurdly large number where nothing is constrained.
  const constrained = process.constrainedMemory() || Infinity;
  return {
    rss,
    peakRss: Math.max(rss, process.resourceUsage().maxRSS * 1024),
    heapUsed,
    heapLimit: getHeapStatistics().heap_size_limit,
    external,
    arrayBuffers,
    available: Math.min(totalmem(), constrained),
    free: freemem(),
  };
}
