import type { Invoke } from "../plugin.js";

/**
 * Runs a step that gives a promise, and goes on when it is over: what `await next(self, args)` in
 * a `try` does, without a suspended function for each call. What the step throws at once counts as
 * a rejection. Without `onValue` the value is handed on as it is.
 *
 * ```ts
 * around: (next) => (self, args) => continueWith(next, self, args, undefined, (error) => [])
 * ```
 */
export function continueWith(
  next: Invoke,
  self: unknown,
  args: unknown[],
  onValue: ((value: unknown) => unknown) | undefined,
  onError: (error: unknown) => unknown,
): Promise<unknown> {
  let result: unknown;
  try {
    result = next(self, args);
  } catch (error) {
    result = Promise.reject(error);
  }
  return (result instanceof Promise ? result : Promise.resolve(result)).then(onValue, onError);
}
