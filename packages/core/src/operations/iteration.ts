import { activeNode } from "./active-node.js";
import type { CallNode } from "./call.js";
import { shared } from "./shared-state.js";

/** Hears of an iteration from its first step to its end; `end` runs once. */
export interface IterationWatch {
  /** Runs one step of the iteration where it belongs, such as in its call's context. */
  step<T>(run: () => T): T;
  /** The consumer stops before the end; the iterator's own clean-up follows, then `end`. */
  leave(): void;
  end(ok: boolean, outcome: unknown): void;
}

/** An async iterator whose first item has been asked for: what advice sees of a call that streams. */
export class OpenStream {
  /** The call that it was opened in, such as one attempt of several: its later items belong there too. */
  readonly #node: CallNode | undefined = activeNode();

  private constructor(
    readonly iterator: AsyncIterator<unknown, unknown, unknown>,
    readonly first: Promise<IteratorResult<unknown, unknown>>,
  ) {}

  static async open(iterable: AsyncIterable<unknown>): Promise<OpenStream> {
    const iterator = iterable[Symbol.asyncIterator]();
    const stream = new OpenStream(iterator, iterator.next());
    await stream.first;
    return stream;
  }

  step<T>(run: () => T): T {
    return this.#node ? shared.context.run(this.#node, run) : run();
  }
}

export function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return (
    typeof value === "object" &&
    value !== null &&
    typeof (value as Partial<AsyncIterable<unknown>>)[Symbol.asyncIterator] === "function"
  );
}

/** Hands on what an open stream yields, with everything that the consumer sends, throws or returns. */
export async function* relay(
  stream: OpenStream,
  watch: IterationWatch,
): AsyncGenerator<unknown, unknown, unknown> {
  const { iterator } = stream;
  const step = <T>(run: () => T): T => watch.step(() => stream.step(run));
  let finishedItself = false;
  try {
    let current = await stream.first;
    while (!current.done) {
      let sent: unknown;
      let thrown: { error: unknown } | undefined;
      try {
        sent = yield current.value;
      } catch (error) {
        thrown = { error };
      }
      current = await step(() => {
        if (!thrown) return iterator.next(sent);
        if (iterator.throw) return iterator.throw(thrown.error);
        throw thrown.error;
      });
    }
    finishedItself = true;
    watch.end(true, current.value);
    return current.value;
  } catch (error) {
    finishedItself = true;
    watch.end(false, error);
    throw error;
  } finally {
    if (!finishedItself) {
      watch.leave();
      try {
        await step(() => iterator.return?.());
      } finally {
        watch.end(true, undefined);
      }
    }
  }
}

/** The same for a synchronous generator. */
export function* relaySync(
  iterator: IterableIterator<unknown, unknown, unknown>,
  watch: IterationWatch,
): Generator<unknown, unknown, unknown> {
  let finishedItself = false;
  try {
    const value = yield* iterator;
    finishedItself = true;
    watch.end(true, value);
    return value;
  } catch (error) {
    finishedItself = true;
    watch.end(false, error);
    throw error;
  } finally {
    if (!finishedItself) {
      watch.leave();
      watch.end(true, undefined);
    }
  }
}
