import {
  BulkheadFullError,
  CircuitOpenError,
  isMlmcpError,
  RateLimitError,
  ResourceExhaustedError,
  ValidationError,
} from "../../errors/index.js";
import { classesByCode, errorClasses, type Classified, type ErrorClass } from "./error-class.js";
import { classifyStatus, statusOf } from "./http-status.js";
import { classifyByLibrary } from "./libraries.js";
import { systemCodes } from "./system-codes.js";
import { causesOf, isInstance, read, readList, readText } from "./thrown.js";

/**
 * What an error says about trying again, by what is known of Node, HTTP, databases and common
 * libraries. `ErrorClassifier` knows the application's own rules besides.
 *
 * An error of the framework is what it says of itself. Of others count, in this order: the members
 * of an `AggregateError` (the one that leaves the least hope speaks for all), a cancellation, what
 * a library's own fields say, the HTTP status, `code`, and the name. Where an error tells nothing,
 * its `cause` is asked. A `TypeError` or `ReferenceError` that no cause explains is a mistake in
 * the code, and permanent.
 *
 * ```ts
 * await fetch("http://localhost:1").catch(classifyError); // "transient"
 * await readFile("/nowhere").catch(classifyError); // "permanent"
 * classifyError(new Error("?")); // "unknown"
 * ```
 */
export function classifyError(error: unknown): Classified {
  return classify(error, 0) ?? "unknown";
}

/** `AggregateError`s within each other are followed this far. */
const deepestAggregate = 4;

function classify(error: unknown, depth: number): ErrorClass | undefined {
  const chain = causesOf(error);
  for (const link of chain) {
    const found =
      classifyOwn(link) ??
      classifyAggregate(link, depth) ??
      classifyCancellation(link) ??
      classifyByLibrary(link) ??
      classifyByStatus(link) ??
      systemCodes.get(readText(link, "code")) ??
      names.get(readText(link, "name")) ??
      classifyMemory(link);
    if (found) return found;
  }
  return chain.length === 0 ? undefined : classifyMistake(chain[0]);
}

/** The framework's errors. A limit that turned a call away is a resource of ours. */
function classifyOwn(error: unknown): ErrorClass | undefined {
  try {
    if (!isMlmcpError(error)) return undefined;
    if (isKind(error, { ValidationError })) return "validation";
    if (error.retryable) return "transient";
    const limits = { BulkheadFullError, CircuitOpenError, RateLimitError, ResourceExhaustedError };
    return isKind(error, limits) ? "resource" : "permanent";
  } catch {
    return undefined;
  }
}

/** By class, which sees subclasses with names of their own; by name for another copy of this package. */
function isKind(error: Error, kinds: Readonly<Record<string, new (...args: any[]) => unknown>>): boolean {
  return Object.hasOwn(kinds, error.name) || Object.values(kinds).some((kind) => isInstance(error, kind));
}

function classifyAggregate(error: unknown, depth: number): ErrorClass | undefined {
  if (depth >= deepestAggregate) return undefined;
  const members = readText(error, "name") === "AggregateError" ? readList(error, "errors") : undefined;
  const found = new Set(members?.map((member) => classify(member, depth + 1)));
  return errorClasses.find((errorClass) => found.has(errorClass));
}

function classifyCancellation(error: unknown): ErrorClass | undefined {
  const name = readText(error, "name");
  return /^(Abort|Cancell?ed|Cancel)Error$/.test(name) || read(error, "__CANCEL__") === true
    ? "cancelled"
    : undefined;
}

function classifyByStatus(error: unknown): ErrorClass | undefined {
  const status = statusOf(error);
  return status === undefined ? undefined : classifyStatus(status);
}

/** Names that mean one thing wherever they are used: DOM exceptions, schema libraries, clients. */
const names = classesByCode({
  transient: `
    TimeoutError NetworkError RequestTimeoutError ConnectTimeoutError HeadersTimeoutError BodyTimeoutError
    SocketError FetchError ThrottlingException TooManyRequestsException`,
  resource: "QuotaExceededError",
  validation: "ValidationError ZodError $ZodError ValiError TraversalError AssertError",
  permanent: "AssertionError DataCloneError NotSupportedError SecurityError NotAllowedError",
});

/** Of the engine's range errors those that say that something is too large for it, and a child's death of it. */
function classifyMemory(error: unknown): ErrorClass | undefined {
  const message = readText(error, "message");
  return (readText(error, "name") === "RangeError" && tooLarge.test(message)) || heapOfChild.test(message)
    ? "resource"
    : undefined;
}

const tooLarge =
  /^(invalid (array|string|typed array|array buffer) length|array buffer allocation failed|(map|set) maximum size exceeded|.*out of memory)/i;

/** What a child process leaves in the message of `execFile`'s error. */
const heapOfChild = /JavaScript heap out of memory/;

/** What browsers and runtimes call a connection that failed, in a `TypeError` that says no more. */
const networkFailure =
  /^(fetch failed|failed to fetch|load failed|terminated|network request failed|networkerror when attempting|the internet connection appears|the network connection was lost)/i;

function classifyMistake(error: unknown): ErrorClass | undefined {
  switch (readText(error, "name")) {
    case "TypeError":
      return networkFailure.test(readText(error, "message")) ? "transient" : "permanent";
    case "ReferenceError":
      return "permanent";
    case "RangeError":
      return /^maximum call stack/i.test(readText(error, "message")) ? "permanent" : undefined;
    default:
      return undefined;
  }
}
