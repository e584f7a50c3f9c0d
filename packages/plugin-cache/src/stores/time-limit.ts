/** A time is measured in so many parts, so that it is seen in which of them this process stood still. */
const parts = 24;
/** Timers keep to whole milliseconds. */
const shortestPartMs = 2;
/** By how much a part may be longer than it should: a loop that has anything to do is a little late. */
const lateness = 1.5;
/** So many parts that were later do not count at all: what came may need more than one turn to be read. */
const maxStalls = 2;

/**
 * Calls back once so much time has passed in which this process could have read an answer. What
 * comes while the event loop stands still (a long computation, a stopped process) lies unread. So
 * of no part more counts than its length and a little lateness: however long the loop takes to turn,
 * it turns some 15 times before the time is over. Where it is not held up the time is over in time.
 *
 * @returns what ends it
 */
export function afterTurning(ms: number, passed: () => void): () => void {
  const part = Math.max(ms / parts, shortestPartMs);
  let left = ms;
  let stalls = 0;
  let timer: NodeJS.Timeout;
  let grace: NodeJS.Immediate | undefined;
  const wait = (): void => {
    const begun = performance.now();
    const end = (): void => {
      const took = performance.now() - begun;
      const hasStalled = took > lateness * part && ++stalls <= maxStalls;
      if (!hasStalled) left -= Math.min(took, lateness * part);
      if (left >= 1) wait();
      // Where the loop was busy for a moment, the answer may be there and only unread.
      else grace = setImmediate(passed);
    };
    timer = setTimeout(end, Math.ceil(Math.min(part, left)));
  };
  wait();
  return () => {
    clearTimeout(timer);
    if (grace) clearImmediate(grace);
  };
}

/**
 * What the work answers, where it does so in time. Otherwise it goes on, and how it ends is of no
 * interest.
 *
 * @throws what the work fails with, or what `late` makes
 */
export async function within<T>(
  ms: number,
  work: Promise<T>,
  late: () => unknown = () => new Error(`no answer within ${ms} ms`),
): Promise<T> {
  let end: (() => void) | undefined;
  const limit = new Promise<never>((_, reject) => {
    end = afterTurning(ms, () => reject(late()));
  });
  try {
    return await Promise.race([work, limit]);
  } finally {
    end?.();
  }
}
