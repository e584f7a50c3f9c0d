/** A time is measured in so many parts, so that it is seen in which of them this process stood still. */
const parts = 4;
/** Of how many parts that cannot be relied on it takes no account. */
const maxStalls = 2;

/**
 * Calls back once so much time has passed in which this process could have read an answer. What
 * comes while the event loop stands still (a long computation, a stopped process) lies unread: a
 * part of the time in which it did begins anew, twice at most.
 *
 * @returns what ends it
 */
export function afterTurning(ms: number, passed: () => void): () => void {
  let left = ms;
  let stalls = 0;
  let timer: NodeJS.Timeout;
  let grace: NodeJS.Immediate | undefined;
  const wait = (): void => {
    const part = Math.min(Math.ceil(ms / parts), left);
    const begun = performance.now();
    timer = setTimeout(() => {
      const hasStalled = performance.now() - begun > 2 * part && ++stalls <= maxStalls;
      if (!hasStalled) left -= part;
      if (left > 0) wait();
      // Where the loop was busy for a moment, the answer may be there and only unread.
      else grace = setImmediate(passed);
    }, part);
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
