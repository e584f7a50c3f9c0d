import {
  BulkheadFullError,
  CircuitOpenError,
  ConfigurationError,
  isMlmcpError,
  KernelNotStartedError,
  RateLimitError,
  ValidationError,
} from "../../errors/index.js";

type Kinds = Readonly<Record<string, new (...args: never[]) => unknown>>;

const programming: Kinds = { ConfigurationError, KernelNotStartedError, ValidationError };
const rejections: Kinds = { BulkheadFullError, CircuitOpenError, RateLimitError };

/** The call itself is wrong: no other attempt and no other source of the answer can mend it. */
export function isProgrammingError(error: unknown): boolean {
  return isOneOf(programming, error);
}

/** A limit turned the call away before the method ran, so it says nothing about the method. */
export function isRejection(error: unknown): boolean {
  return isOneOf(rejections, error);
}

/**
 * Somebody gave the work up. An `AbortError` counts whoever aborted: where the signal reached
 * the method as a plain argument, nothing else tells it from a failure.
 */
export function isCancellation(error: unknown, callerAborted: boolean): boolean {
  return callerAborted || isAbortError(error);
}

function isAbortError(error: unknown): boolean {
  return read(
    () => typeof error === "object" && error !== null && (error as { name?: unknown }).name === "AbortError",
    false,
  );
}

/** By class, which sees subclasses with names of their own; by name for another copy of this package. */
function isOneOf(kinds: Kinds, error: unknown): boolean {
  return read(
    () =>
      isMlmcpError(error) &&
      (Object.hasOwn(kinds, error.name) || Object.values(kinds).some((kind) => error instanceof kind)),
    false,
  );
}

/** Anything can be thrown: a revoked proxy, a getter that throws. Their caller must get them all the same. */
function read(classify: () => boolean, otherwise: boolean): boolean {
  try {
    return classify();
  } catch {
    return otherwise;
  }
}
