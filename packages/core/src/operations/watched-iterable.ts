import type { EventEmitter } from "node:events";
import type { IterationWatch } from "./iteration.js";

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
export function watchIterable(iterable: AsyncIterable<unknown>, watch: IterationWatch): boolean {
  if (watched.has(iterable) || !Object.isExtensible(iterable)) return false;
  watched.add(iterable);
  abandoned.register(iterable, watch);
  const { next } = iterable as Partial<Steps>;
  if (isNodeStream(iterable)) {
    // Not `finished()`: it listens for errors, and one that nobody else listens for must stay uncaught.
    iterable.once("close", () => watch.end(!iterable.errored, iterable.errored ?? undefined));
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

function define(target: object, key: PropertyKey, value: unknown): void {
  Object.defineProperty(target, key, { value, configurable: true, writable: true });
}

function isNodeStream(value: object): value is EventEmitter & { readonly errored?: Error | null } {
  const { pipe, once: listen } = value as { pipe?: unknown; once?: unknown };
  return typeof pipe === "function" && typeof listen === "function";
}
