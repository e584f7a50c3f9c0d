import type { Drain } from "../kernel/drain.js";
import type { CallNode } from "./call.js";
import { isAsyncIterable, OpenStream, relay, type IterationWatch } from "./iteration.js";
import { shared } from "./shared-state.js";
import { watchIterable, type ReadingWatch } from "./watched-iterable.js";

/** Told once how a call ended: with a value, or with what was thrown. */
export type End = (ok: boolean, outcome: unknown) => void;

/** Calls `end` when the result is there, settles or has been iterated; returns what to hand on instead of it. */
export function whenOver(result: unknown, end: End, node?: CallNode): unknown {
  if (result instanceof Promise) return followPromise(result, end);
  if (typeof result === "object" && result !== null) return endOfObject(result, end, { node });
  end(true, result);
  return result;
}

/** What of a call outlives its return, where it returned something to iterate. */
interface OpenCall {
  readonly node?: CallNode | undefined;
  /** Where the call is counted; `end` takes it off. */
  readonly drain?: Drain | undefined;
}

/**
 * A plain object ends the call at once, and so does a synchronous iterator: nothing tells one
 * that is about to be read from one that nobody will finish. An async iterable ends it with its
 * iteration.
 */
export function endOfObject(result: object, end: End, { node, drain }: OpenCall): unknown {
  if (isPromiseOfAnotherRealm(result)) return followPromise(result, end);
  if (isAsyncIterable(result)) {
    const reading = watchReading(watch(end, node), drain);
    if (watchIterable(result, reading)) return result;
    reading.end(true, result);
  } else {
    end(true, result);
  }
  return result;
}

/**
 * Nothing tells an iterable that is about to be read from one that nobody will read, or that is
 * read by other means, as the platform reads a web stream. So the call is not in flight between
 * its return and its first step: a stop would wait for it in vain.
 */
function watchReading(iteration: IterationWatch, drain: Drain | undefined): ReadingWatch {
  drain?.leave();
  let inFlight = false;
  const begin = () => {
    if (!inFlight) drain?.enter();
    inFlight = true;
  };
  return {
    begin,
    step(run) {
      begin();
      return iteration.step(run);
    },
    leave: () => iteration.leave(),
    end(ok, outcome) {
      begin();
      iteration.end(ok, outcome);
    },
  };
}

/** An iteration's watch that runs its steps in the call's context and ends at most once. */
export function watch(end: End, node?: CallNode): IterationWatch {
  let ended = false;
  return {
    step: (run) => (node ? shared.context.run(node, run) : run()),
    leave() {
      node?.abort(new DOMException("The iteration was left before its end.", "AbortError"));
    },
    end(ok, outcome) {
      if (ended) return;
      ended = true;
      end(ok, outcome);
    },
  };
}

function followPromise(promise: Promise<unknown>, end: End): Promise<unknown> {
  return promise.then(
    (value) => {
      if (value instanceof OpenStream) return OpenStream.open(relay(value, watch(end)));
      end(true, value);
      return value;
    },
    (error: unknown) => {
      end(false, error);
      throw error;
    },
  );
}

/**
 * Other thenables, such as query builders, are values: awaiting them would start what their
 * caller has not finished building.
 */
function isPromiseOfAnotherRealm(value: object): value is Promise<unknown> {
  return (
    Object.prototype.toString.call(value) === "[object Promise]" &&
    typeof (value as PromiseLike<unknown>).then === "function"
  );
}
