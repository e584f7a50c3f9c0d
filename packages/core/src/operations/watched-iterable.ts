import type { EventEmitter } from "node:events";
import type { IterationWatch } from "./iteration.js";

/** The watch of an object that the caller has and may read, now or never. */
export interface ReadingWatch extends IterationWatch {
  /** Reading has begun; the first step says so too. */
  begin(): void;
}

type Steps = AsyncIterator<unknown, unknown, unknown> & Partial<AsyncIterable<unknown>>;

/** Objects that are watched already: one that is returned again is not wrapped again. */
const watched = new WeakSet<object>();

/** Iterations that nobody finishes end when their object is collected. */
const abandoned = new FinalizationRegistry<IterationWatch>((watch) => watch.end(true, undefined));

/**
 * Watches the iteration of an object that a plain function returned. The object stays the one
 * it is, with its class, its members and its identity: its iteration is replaced in place, so
 * that platform objects such as a `ReadableStream` still pass where they are checked.
 *
 * Answers whether the iteration is watched; otherwise the call is over with the return.
 */
export function watchIterable(iterable: AsyncIterable<unknown>, watch: ReadingWatch): boolean {
  if (watched.has(iterable) || !Object.isExtensible(iterable)) return false;
  watched.add(iterable);
  abandoned.register(iterable, watch);
  const { next } = iterable as Partial<Steps>;
  if (isNodeStream(iterable)) {
    watchNodeStream(iterable, watch);
  } else if (typeof next === "function") {
    watchSteps(iterable as unknown as Steps, watch);
  } else {
    const open = iterable[Symbol.asyncIterator];
    define(iterable, Symbol.asyncIterator, (...args: []) =>
      watchSteps(
        watch.step(() => open.apply(iterable, args)),
        watch,
      ),
    );
  }
  return true;
}

function watchSteps(iterator: Steps, watch: IterationWatch): Steps {
  const { next, return: leave, throw: fail } = iterator;
  const follow = async (step: () => Promise<IteratorResult<unknown, unknown>>, left: boolean) => {
    try {
      const result = await watch.step(step);
      if (left || result.done) watch.end(true, result.value);
      return result;
    } catch (error) {
      watch.end(false, error);
      throw error;
    }
  };
  define(iterator, "next", (...args: [unknown]) => follow(() => next.apply(iterator, args), false));
  if (leave) {
    define(iterator, "return", (...args: [unknown]) => {
      watch.leave();
      return follow(() => leave.apply(iterator, args), true);
    });
  }
  if (fail)
    define(iterator, "throw", (...args: [unknown]) => follow(() => fail.apply(iterator, args), false));
  return iterator;
}

/** Every way of reading a stream, a pipe or an iteration too, listens for its data first. */
const readingEvents = ["data", "readable"];

function watchNodeStream(stream: NodeStream, watch: ReadingWatch): void {
  // Not `finished()`: it listens for errors, and one that nobody else listens for must stay uncaught.
  stream.once("close", () => {
    const error = wasLeft(stream.errored) ? undefined : (stream.errored ?? undefined);
    watch.end(!error, error);
  });
  if (readingEvents.some((event) => stream.listenerCount(event) > 0)) return watch.begin();
  stream.on("newListener", function begin(event: string) {
    if (!readingEvents.includes(event)) return;
    stream.off("newListener", begin);
    watch.begin();
  });
}

/** Node destroys a stream whose iteration is left with an abort that nobody asked for, and so without a cause. */
function wasLeft(error: (Error & { readonly code?: unknown }) | null | undefined): boolean {
  return error?.name === "AbortError" && error.code === "ABORT_ERR" && error.cause === undefined;
}

function define(target: object, key: PropertyKey, value: unknown): void {
  Object.defineProperty(target, key, { value, configurable: true, writable: true });
}

type NodeStream = EventEmitter & { readonly errored?: Error | null };

function isNodeStream(value: object): value is NodeStream {
  const { pipe, once: listen } = value as { pipe?: unknown; once?: unknown };
  return typeof pipe === "function" && typeof listen === "function";
}
