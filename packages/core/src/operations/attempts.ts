import { shared } from "./shared-state.js";

/** One try of an operation that failed. */
export interface Attempt {
  /** From 1. */
  readonly attempt: number;
  /** `undefined` where the attempt gave a value that `retryResultIf` refused. */
  readonly error: unknown;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  readonly durationMs: number;
  /** The pause after it in milliseconds; `undefined` after the last one. */
  readonly delayMs: number | undefined;
}

/**
 * What was tried before this error reached the caller, first attempt first. Empty where no
 * advice tries again, and for thrown values that are not objects.
 *
 * ```ts
 * await reports.load().catch((error) => console.error(attemptsOf(error).length, error));
 * ```
 */
export function attemptsOf(error: unknown): readonly Attempt[] {
  return (isObject(error) && shared.attempts.get(error)) || [];
}

/** For advice that tries again: remembers what was tried, without touching the error. */
export function recordAttempts(error: unknown, attempts: readonly Attempt[]): void {
  if (isObject(error)) shared.attempts.set(error, attempts);
}

function isObject(value: unknown): value is object {
  return (typeof value === "object" && value !== null) || typeof value === "function";
}
