import { ConfigurationError } from "../errors/index.js";
import type { Drain } from "../kernel/drain.js";
import type { After, Invoke, Observer } from "../plugin.js";
import { insideAfters } from "./after.js";
import { OperationBinding, type BindingHost } from "./binding.js";
import { resolveChain, type ChainContext, type ChainStep } from "./chain.js";
import { enclose } from "./frame.js";
import { isAsyncIterable, OpenStream } from "./iteration.js";
import { guarded, observeStep, together } from "./observers.js";
import type { AnyFunction, Operation } from "./operation.js";

/** What a kernel gives to the compiler of its operations. */
export interface CompileHost extends BindingHost, ChainContext {
  readonly drain: Drain;
  /** `true`: every call has a context; `false`: none; otherwise those whose advice asks for it. */
  readonly context: boolean | undefined;
}

/** Builds an operation's call path, from the method outwards. */
export function compile(operation: Operation, host: CompileHost): Invoke {
  const { steps, wantsContext } = resolveChain(operation, host);
  const contextual = host.context ?? wantsContext;
  // What stands outermost and is no step in the path shares the frame's continuation.
  let observers: Observer[] = [];
  let afters: After[] = [];
  let next = methodStep(operation, steps);
  const inside = () => (afters.length > 0 ? insideAfters(next, afters) : next);
  const close = () => {
    next = inside();
    for (const observer of observers.reverse()) next = observeStep(next, observer);
    observers = [];
    afters = [];
  };
  for (const step of [...steps].reverse()) {
    const binding = new OperationBinding(host, operation, step.options, {
      advice: step.advice.name,
      contextual,
    });
    if ("around" in step.part) {
      close();
      next = step.part.around(next, binding);
    } else if ("after" in step.part) {
      if (observers.length > 0) close();
      afters = [step.part.after(inside(), binding), ...afters];
    } else {
      const failed = binding.event("advice:failed");
      const report = (error: unknown) => failed.publish({ advice: step.advice.name, error });
      observers.unshift(guarded(step.part.observe(binding), report));
    }
  }
  return enclose(next, {
    operation,
    kernel: host.kernel,
    drain: host.drain,
    afters,
    observer: together(observers),
    contextual,
  });
}

/** The innermost step: the method itself. */
function methodStep(operation: Operation, steps: readonly ChainStep[]): Invoke {
  const { method } = operation;
  if (operation.returns === "stream") {
    return (self, args) => OpenStream.open(method.apply(self, args) as AsyncIterable<unknown>);
  }
  const demanding = steps.find(({ advice }) => !advice.serves?.sync);
  if (!demanding || operation.returns === "promise") return directly(method);
  return (self, args) => {
    const result: unknown = method.apply(self, args);
    if (typeof (result as PromiseLike<unknown> | null | undefined)?.then === "function") return result;
    throw synchronousResult(operation, demanding.advice.name, result);
  };
}

/**
 * Hands the arguments on one by one, as long as they are few: `apply` needs an array, which the
 * compiler can otherwise leave out where it puts the whole path into its caller.
 */
function directly(method: AnyFunction): Invoke {
  return (self, args) => {
    switch (args.length) {
      case 0:
        return method.call(self) as unknown;
      case 1:
        return method.call(self, args[0]) as unknown;
      case 2:
        return method.call(self, args[0], args[1]) as unknown;
      case 3:
        return method.call(self, args[0], args[1], args[2]) as unknown;
      default:
        return method.apply(self, args) as unknown;
    }
  };
}

function synchronousResult(operation: Operation, decorator: string, result: unknown): ConfigurationError {
  const streams = isAsyncIterable(result);
  const received = streams
    ? "an async iterable"
    : result === null
      ? "null"
      : `a value of type ${typeof result}`;
  const mend = streams ? "Declare it as an async generator (`async *`)" : "Make it `async`";
  return new ConfigurationError(
    `${operation.id} returned ${received}, but @${decorator} needs a promise. The method has already run. ${mend}, or remove @${decorator}.`,
    { code: "MLMCP_SYNCHRONOUS_METHOD", context: { operation: operation.id, decorator } },
  );
}
