/** The promise that was made last of a value that is there, and the value, until the frame has seen it. */
let last: Promise<unknown> | undefined;
let lastValue: unknown;

/**
 * A promise of a value that is there already, such as one that is remembered. Where it reaches the
 * frame of its call as it is, the call ends at once: a continuation would take longer than all else.
 *
 * @param value no promise
 */
export function settled<T>(value: T): Promise<T> {
  const promise = Promise.resolve(value);
  last = promise;
  lastValue = value;
  return promise;
}

/** Whether a call's result is known to be there; {@link takeValue} then gives it. */
export function isSettled(result: unknown): boolean {
  return result === last && last !== undefined;
}

/** The value of the promise that {@link isSettled} has found. Nothing holds it any more. */
export function takeValue(): unknown {
  const value = lastValue;
  last = lastValue = undefined;
  return value;
}
