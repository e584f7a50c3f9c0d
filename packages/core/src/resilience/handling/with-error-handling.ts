import { describeThrown, isPromised } from "../classification/thrown.js";
import type { ErrorContext, ErrorHandler } from "./error-handler.js";

/** Options of {@link withErrorHandling}. */
export interface ErrorHandlingWrapOptions<Args extends unknown[]> {
  /** Who classifies, counts and logs: `kernel.resolve(ErrorHandler)`, or one of its own. */
  readonly handler: ErrorHandler;
  /** What was going on, or a function that tells it from the arguments. @default the function's name */
  readonly context?: ErrorContext | ((...args: Args) => ErrorContext);
  /** Whether the error reaches the caller, the same object; otherwise `undefined` does. @default true */
  readonly rethrow?: boolean;
}

/**
 * A function that hands every error of `fn` to an error handler, be it thrown or the rejection of
 * a promise. Results, `this` and whether it is synchronous stay as they are.
 *
 * ```ts
 * const load = withErrorHandling(readRows, { handler, context: (file) => ({ file }), rethrow: false });
 * const rows = (await load("data.csv")) ?? [];
 * ```
 */
export function withErrorHandling<This, Args extends unknown[], Result>(
  fn: (this: This, ...args: Args) => Result,
  options: ErrorHandlingWrapOptions<Args> & { readonly rethrow: false },
): (
  this: This,
  ...args: Args
) => Result extends Promise<infer Value> ? Promise<Value | undefined> : Result | undefined;
export function withErrorHandling<This, Args extends unknown[], Result>(
  fn: (this: This, ...args: Args) => Result,
  options: ErrorHandlingWrapOptions<Args>,
): (this: This, ...args: Args) => Result;
export function withErrorHandling<This, Args extends unknown[]>(
  fn: (this: This, ...args: Args) => unknown,
  { handler, context = fn.name || "anonymous function", rethrow = true }: ErrorHandlingWrapOptions<Args>,
): (this: This, ...args: Args) => unknown {
  return function (this: This, ...args: Args): unknown {
    const onError = (error: unknown): undefined => {
      handler.handle(error, contextOf(context, this, args));
      if (rethrow) throw error;
      return undefined;
    };
    let result: unknown;
    try {
      result = fn.apply(this, args);
    } catch (error) {
      return onError(error);
    }
    return result instanceof Promise ? result.then(undefined, onError) : result;
  };
}

/** The context of one call. A function that fails says so in its place: the error must not be lost over it. */
export function contextOf(
  context: ErrorContext | ((...args: any[]) => ErrorContext) | undefined,
  self: unknown,
  args: readonly unknown[],
): ErrorContext | undefined {
  if (typeof context !== "function") return context;
  try {
    const told: unknown = Reflect.apply(context, self, args);
    return isPromised(told) ? { contextFailed: "It gave a promise." } : (told as ErrorContext);
  } catch (failure) {
    return { contextFailed: describeThrown(failure) };
  }
}
