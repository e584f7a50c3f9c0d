import type { Drain } from "../kernel/drain.js";
import type { Kernel } from "../kernel/kernel.js";
import type { After, Invoke, Observer } from "../plugin.js";
import { insideAfters } from "./after.js";
import { activeNode, activePlace, nodeAt, runInside } from "./active-node.js";
import { CallNode } from "./call.js";
import { endOfObject, watch } from "./ending.js";
import { OpenStream, relay, relaySync, type IterationWatch } from "./iteration.js";
import type { Operation } from "./operation.js";
import { kernelStopped } from "./not-running.js";
import { isSettled, takeValue } from "./settled.js";
import { shared } from "./shared-state.js";

/** What stands around a whole call: the count of calls in flight, observers, and the context. */
export interface Frame {
  readonly operation: Operation;
  readonly kernel: Kernel;
  readonly drain: Drain;
  readonly observer: Observer | undefined;
  /** After-advice that stands inside the observer and outside all else. */
  readonly afters: readonly After[];
  readonly contextual: boolean;
}

/**
 * The outermost step of a chain. Everything that must happen when a call ends happens on one
 * continuation, because each further one costs every call, and because a promise that is
 * continued on the side no longer tells the process that nobody handles its rejection.
 */
export function enclose(next: Invoke, frame: Frame): Invoke {
  if (frame.contextual) shared.contextInUse = true;
  if (frame.operation.returns === "stream")
    return streamFrame(frame.afters.length > 0 ? insideAfters(next, frame.afters) : next, frame);
  if (frame.operation.returns === "iterator") return iteratorFrame(next, frame);
  if (frame.afters.length > 0) return afterFrame(next, frame);
  if (frame.observer || frame.contextual) return fullFrame(next, frame);
  return countingFrame(next, frame);
}

/** Nothing to observe and no context: counting is all. */
function countingFrame(next: Invoke, { operation, drain }: Frame): Invoke {
  const { leaveWithValue, leaveWithError } = drain;
  return (self, args) => {
    drain.enter();
    let result: unknown;
    try {
      result = next(self, args);
    } catch (error) {
      drain.leave();
      if (operation.isAsync) return Promise.reject(error);
      throw error;
    }
    if (isSettled(result)) {
      takeValue();
      drain.leave();
      return result;
    }
    if (result instanceof Promise) return result.then(leaveWithValue, leaveWithError);
    if (typeof result === "object" && result !== null)
      return endOfObject(result, () => drain.leave(), { drain });
    drain.leave();
    return result;
  };
}

function fullFrame(next: Invoke, frame: Frame): Invoke {
  const { operation, kernel, drain, observer, contextual } = frame;
  // Read once: it is put together anew each time.
  const { id } = operation;
  return (self, args) => {
    drain.enter();
    const started = observer?.start(self, args);
    const place = contextual ? activePlace() : undefined;
    const parent = contextual ? nodeAt(place) : undefined;
    const node = contextual ? new CallNode({ kernel, id, parent }) : undefined;
    let result: unknown;
    try {
      result = node ? runInside(node, place, parent, next, self, args, started) : next(self, args);
    } catch (error) {
      endCall(frame, started, node, false, error);
      if (operation.isAsync) return Promise.reject(error);
      throw error;
    }
    if (isSettled(result)) {
      endCall(frame, started, node, true, takeValue());
      return result;
    }
    if (result instanceof Promise) return settle(result, frame, started, node);
    if (typeof result === "object" && result !== null) {
      return endOfObject(result, (ok, outcome) => endCall(frame, started, node, ok, outcome), {
        node,
        drain,
      });
    }
    endCall(frame, started, node, true, result);
    return result;
  };
}

/** Under after-advice a call gives a promise, and never throws at once. */
function afterFrame(next: Invoke, frame: Frame): Invoke {
  const { operation, kernel, drain, observer, contextual, afters } = frame;
  const { id } = operation;
  const run = insideAfters(next, afters, (started, node, ok, outcome) =>
    endCall(frame, started, node, ok, outcome),
  );
  return (self, args) => {
    drain.enter();
    const started: unknown = observer?.start(self, args);
    if (!contextual) return run(self, args, started);
    const place = activePlace();
    const parent = nodeAt(place);
    const node = new CallNode({ kernel, id, parent });
    // Continued inside the context, where the advice goes on.
    return runInside(node, place, parent, run, self, args, started);
  };
}

/**
 * Two closures and one promise are cheaper than an async function, which would also stand in the
 * stack trace of every error. Apart from its caller, so that calls that end at once make no closure.
 */
function settle(
  promise: Promise<unknown>,
  frame: Frame,
  started: unknown,
  node: CallNode | undefined,
): Promise<unknown> {
  return promise.then(
    (value) => {
      endCall(frame, started, node, true, value);
      return value;
    },
    (error: unknown) => {
      endCall(frame, started, node, false, error);
      throw error;
    },
  );
}

function endCall(
  { drain, observer }: IterationFrame,
  started: unknown,
  node: CallNode | undefined,
  ok: boolean,
  outcome: unknown,
): void {
  node?.end();
  observer?.end(started, ok, outcome);
  drain?.leave();
}

/** An async generator runs nothing before its first item is asked for, and neither does its chain. */
function streamFrame(next: Invoke, frame: Frame): Invoke {
  const run = async function* (self: unknown, args: unknown[], caller: CallNode | undefined) {
    const watcher = begin(frame, self, args, caller);
    let stream: OpenStream;
    try {
      const opened: unknown = await watcher.step(() => next(self, args));
      // A fallback answers with an iterable that nobody has opened yet.
      stream =
        opened instanceof OpenStream
          ? opened
          : await watcher.step(() => OpenStream.open(opened as AsyncIterable<unknown>));
    } catch (error) {
      watcher.end(false, error);
      throw error;
    }
    return yield* relay(stream, watcher);
  };
  // The caller is who asked for the stream, not who happens to read it.
  return (self, args) => run(self, args, activeNode());
}

/** A step of a synchronous generator cannot be interrupted by a stop: it need not be counted. */
function iteratorFrame(next: Invoke, frame: Frame): Invoke {
  const uncounted = { ...frame, drain: undefined };
  const run = function* (self: unknown, args: unknown[], caller: CallNode | undefined) {
    const watcher = begin(uncounted, self, args, caller);
    let iterator: IterableIterator<unknown, unknown, unknown>;
    try {
      iterator = watcher.step(() => next(self, args)) as IterableIterator<unknown, unknown, unknown>;
    } catch (error) {
      watcher.end(false, error);
      throw error;
    }
    return yield* relaySync(iterator, watcher);
  };
  return (self, args) => run(self, args, activeNode());
}

type IterationFrame = Omit<Frame, "drain"> & { readonly drain: Drain | undefined };

function begin(
  frame: IterationFrame,
  self: unknown,
  args: unknown[],
  parent: CallNode | undefined,
): IterationWatch {
  const { kernel, operation, contextual, drain, observer } = frame;
  if (!shared.running.has(kernel)) throw kernelStopped(operation, kernel);
  drain?.enter();
  const started: unknown = observer?.start(self, args);
  const node = contextual ? new CallNode({ kernel, id: operation.id, parent }) : undefined;
  return watch((ok, outcome) => endCall(frame, started, node, ok, outcome), node);
}
