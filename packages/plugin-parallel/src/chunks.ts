import { ConfigurationError, ProcessingError } from "@mlmcp/core";

export interface ChunkedOptions {
  /** Items in a chunk. */
  readonly chunkSize: number;
  /** Chunks that run at once. */
  readonly concurrency: number;
}

/** How many items a chunk gets where nothing is said: an even split into four chunks a worker, so that a slow one does not keep the others waiting. */
export function defaultChunkSize(items: number, workers: number): number {
  return Math.max(1, Math.ceil(items / (workers * 4)));
}

/**
 * Runs `work` on each chunk of `items`, at most `concurrency` at once, and joins what it answers
 * in the order of the items. Chunks are cut when their turn comes. After the first failure no
 * further chunk begins; those that run are left to end.
 *
 * @throws ConfigurationError where `items` is not an array
 * @throws ProcessingError where a chunk's answer is not an array of the chunk's length
 */
export async function runChunked<Result>(
  label: string,
  items: unknown,
  { chunkSize, concurrency }: ChunkedOptions,
  work: (chunk: unknown[]) => Promise<unknown>,
): Promise<Result[]> {
  if (!Array.isArray(items)) {
    throw new ConfigurationError(
      `${label}: in map mode the first argument must be an array; received ${typeOf(items)}.`,
      {
        code: "MLMCP_PARALLEL_MAP",
        context: { operation: label },
        suggestions: [
          "Pass an array, such as Array.from(iterable).",
          'Use mode "call" to send the arguments as they are.',
        ],
      },
    );
  }
  const results = new Array<Result>(items.length);
  let next = 0;
  let failed = false;
  const runner = async (): Promise<void> => {
    while (next < items.length && !failed) {
      const start = next;
      const chunk: unknown[] = items.slice(start, start + chunkSize);
      next = start + chunk.length;
      try {
        const answer = await work(chunk);
        check(label, answer, chunk.length);
        for (let index = 0; index < answer.length; index++) results[start + index] = answer[index] as Result;
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  const runners = Math.min(concurrency, Math.ceil(items.length / chunkSize));
  await Promise.all(Array.from({ length: runners }, runner));
  return results;
}

function check(label: string, answer: unknown, length: number): asserts answer is unknown[] {
  if (Array.isArray(answer) && answer.length === length) return;
  const received = Array.isArray(answer) ? `an array of ${answer.length}` : typeOf(answer);
  throw new ProcessingError(
    `${label}: in map mode the method gets a part of the array and must return an array of the same length; ` +
      `for ${length} items it returned ${received}.`,
    {
      code: "MLMCP_PARALLEL_MAP",
      context: { operation: label, expected: length },
      suggestions: [
        "Return one result for each item, in order.",
        'Use mode "call" for a method that sums an array up.',
      ],
    },
  );
}

function typeOf(value: unknown): string {
  if (value === null) return "null";
  return typeof value === "object" ? `a ${value.constructor?.name ?? "object"}` : typeof value;
}
