import { PerformanceObserver } from "node:perf_hooks";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Subject } from "./case.js";
import { quantile } from "./statistics.js";

/** A young generation that takes all that the calls allocate, so that nothing is collected while they are counted. */
export const ALLOCATION_FLAGS = ["--expose-gc", "--min-semi-space-size=64", "--max-semi-space-size=64"];

const WINDOWS = 7;
/** Enough for the compiler to have optimised what runs, and with it to have removed allocations. */
const WARM_UP_CALLS = 200_000;
const FEWEST_CALLS = 100;

/**
 * Bytes that a call allocates on the heap: the growth of `heapUsed` over many calls, between a
 * full collection and the next one, median of several windows. A window in which the collector
 * ran does not count and is tried again with fewer calls. Memory outside the heap is not seen.
 */
export async function bytesPerCall({ run }: Pick<Subject, "run">): Promise<number | undefined> {
  const { gc } = globalThis;
  if (!gc)
    throw new Error(
      `Allocations can only be measured in a process started with ${ALLOCATION_FLAGS.join(" ")}.`,
    );
  let collections = 0;
  const observer = new PerformanceObserver((list) => void (collections += list.getEntries().length));
  observer.observe({ entryTypes: ["gc"] });
  try {
    await run(WARM_UP_CALLS);
    const windows: number[] = [];
    for (let calls = 10_000; windows.length < WINDOWS;) {
      gc();
      await reported();
      collections = 0;
      const before = process.memoryUsage().heapUsed;
      await run(calls);
      const after = process.memoryUsage().heapUsed;
      await reported();
      if (collections === 0) windows.push((after - before) / calls);
      else if ((calls = Math.floor(calls / 2)) < FEWEST_CALLS) return undefined;
    }
    return quantile(windows, 0.5);
  } finally {
    observer.disconnect();
  }
}

/** Collections are reported in a later turn of the event loop. */
async function reported(): Promise<void> {
  await nextTurn();
  await nextTurn();
}
