/**
 * Calls something that always fails, several times, and tells what came of it: the last error,
 * and how often the work itself was run for the `attempts` calls.
 */
export async function whatComesOfFailing(
  attempts: number,
  call: () => Promise<unknown>,
  runs: () => number,
): Promise<{ error: unknown; runs: number }> {
  let error: unknown;
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    try {
      await call();
    } catch (thrown) {
      error = thrown;
    }
  }
  return { error: error instanceof Error ? error.message : error, runs: runs() };
}
