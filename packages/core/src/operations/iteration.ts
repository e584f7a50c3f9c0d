import { finished, type Readable } from "node:stream";

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
  constructor(
    readonly iterator: AsyncIterator<unknown, unknown, unknown>,
    readonly first: IteratorResult<unknown, unknown>,
  ) {}

  static async open(iterable: AsyncIterable<unknown>): Promise<OpenStream> {
    const iterator = iterable[Symbol.asyncIterator]();
    return new OpenStream(iterator, await iterator.next());
  }
}

export function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return (
    isObject(value) && typeof (value as Partial<AsyncIterable<unknown>>)[Symbol.asyncIterator] === "function"
  );
}

/** A generator object or another iterator that can be iterated itself; not an array, a Map or a Set. */
export function isIterableIterator(value: unknown): value is IterableIterator<unknown, unknown, unknown> {
  return (
    isObject(value) &&
    typeof (value as Partial<Iterator<unknown>>).next === "function" &&
    typeof (value as Partial<Iterable<unknown>>)[Symbol.iterator] === "function"
  );
}

/** Hands on what an open stream yields, with everything that the consumer sends, throws or returns. */
export async function* relay(
  stream: OpenStream,
  watch: IterationWatch,
): AsyncGenerator<unknown, unknown, unknown> {
  const { iterator } = stream;
  let step = stream.first;
  let finishedItself = false;
  try {
    while (!step.done) {
      let sent: unknown;
      let thrown: { error: unknown } | undefined;
      try {
        sent = yield step.value;
      } catch (error) {
        thrown = { error };
      }
      step = await watch.step(() => {
        if (!thrown) return iterator.next(sent);
        if (iterator.throw) return iterator.throw(thrown.error);
        throw thrown.error;
      });
    }
    finishedItself = true;
    watch.end(true, step.value);
    return step.value;
  } catch (error) {
    finishedItself = true;
    watch.end(false, error);
    throw error;
  } finally {
    if (!finishedItself) {
      watch.leave();
      try {
        await watch.step(() => iterator.return?.());
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

/**
 * Watches an async iterable that a plain function returned, and keeps it the object it is: a
 * Node stream is returned as such and watched for its end, an iterator is relayed, and any
 * other object is seen through a proxy whose one difference is its iteration.
 */
export function watchIterable(iterable: AsyncIterable<unknown>, watch: IterationWatch): unknown {
  if (isNodeStream(iterable)) {
    finished(iterable, (error) => watch.end(!error, error ?? undefined));
    return iterable;
  }
  const relayed = async function* (): AsyncGenerator<unknown, unknown, unknown> {
    let stream: OpenStream;
    try {
      stream = await watch.step(() => OpenStream.open(iterable));
    } catch (error) {
      watch.end(false, error);
      throw error;
    }
    return yield* relay(stream, watch);
  };
  if (typeof (iterable as Partial<AsyncIterator<unknown>>).next === "function") return relayed();
  return new Proxy(iterable, {
    get(target, key) {
      if (key === Symbol.asyncIterator) return relayed;
      const value: unknown = Reflect.get(target, key, target);
      // Bound, because methods that use private fields refuse a proxy as their `this`.
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

function isNodeStream(value: AsyncIterable<unknown>): value is Readable {
  const { pipe, on } = value as Partial<Readable>;
  return typeof pipe === "function" && typeof on === "function";
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
