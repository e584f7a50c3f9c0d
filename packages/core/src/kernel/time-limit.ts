/** The longest that `setTimeout` can wait, 24.8 days in milliseconds; it fires at once for more. */
export const LONGEST_TIMER = 2 ** 31 - 1;

/** Something took longer than it may; it may still end later. */
export class TimeLimitError extends Error {}

/**
 * Waits for a step, but no longer than `limit` milliseconds, nor than until a signal aborts. `late`
 * says what it means that the time is over, or makes the error of it.
 *
 * @throws TimeLimitError, or the reason of the signal
 */
export async function within<T>(
  limit: number,
  run: () => T | PromiseLike<T>,
  late: string | (() => Error),
  signal?: AbortSignal,
): Promise<T> {
  signal?.throwIfAborted();
  let timer: NodeJS.Timeout | undefined;
  let abandon: (() => void) | undefined;
  const given = new Promise<never>((_, reject) => {
    const end = (): void => reject(typeof late === "string" ? new TimeLimitError(late) : late());
    timer = setTimeout(end, Math.min(limit, LONGEST_TIMER));
    abandon = () => reject(signal!.reason as Error);
    signal?.addEventListener("abort", abandon);
  });
  try {
    return await Promise.race([run(), given]);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", abandon!);
  }
}
