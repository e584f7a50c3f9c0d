/** The longest that `setTimeout` can wait, 24.8 days in milliseconds; it fires at once for more. */
export const LONGEST_TIMER = 2 ** 31 - 1;

/** Something took longer than it may; it may still end later. */
export class TimeLimitError extends Error {}

/** Waits for a step, but no longer than `limit` milliseconds. `late` says what it then means. */
export async function within<T>(limit: number, run: () => T | PromiseLike<T>, late: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new TimeLimitError(late)), Math.min(limit, LONGEST_TIMER));
  });
  try {
    return await Promise.race([run(), tooLate]);
  } finally {
    clearTimeout(timer);
  }
}
