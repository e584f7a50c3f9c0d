import type { CallNode } from "./call.js";
import { isAsyncIterable, OpenStream, relay, type IterationWatch } from "./iteration.js";
import { shared } from "./shared-state.js";
import { watchIterable } from "./watched-iterable.js";

/** Told once how a call ended: with a value, or with what was thrown. */
export type End = (ok: boolean, outcome: unknown) => void;

/** Calls `end` when the result is there, settles or has been iterated; returns what to hand on instead of it. */
export function whenOver(result: unknown, end: End, node?: CallNode): unknown {
  if (result instanceof Promise) return followPromise(result, end);
  if (typeof result === "object" && result !== null) return endOfObject(result, end, node);
  end(true, result);
  return result;
}

/**
 * A plain object ends the call at once, and so does a synchronous iterator: nothing tells one
 * that is about to be read from one that nobody will finish. An async iterable ends it with its
 * iteration.
 */
export function endOfObject(result: object, end: End, node?: CallNode): unknown {
  if (isPromiseOfAnotherRealm(result)) return followPromise(result, end);
  if (isAsyncIterable(result) && watchIterable(result, watch(end, node))) return result;
  end(true, result);
  return result;
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
