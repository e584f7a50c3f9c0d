import { isDeepStrictEqual } from "node:util";
import { ConfigurationError } from "../../errors/index.js";
import { isAsyncIterable } from "../../operations/iteration.js";

/**
 * Gives the answer where the method has failed: called with what it failed with and the call's
 * arguments, on the method's `this`.
 *
 * Written as a method, because only those may narrow what they are given: `(error: Error, id: string) => …`.
 */
export type FallbackFunction = { call(this: unknown, error: unknown, ...args: any[]): unknown }["call"];

/** A method of the same object by name, a function, a value, or `"stale"`: an earlier answer. */
export type Fallback = string | FallbackFunction | { readonly value: unknown };

/** What of a method matters to its fallback. */
export interface FallbackSubject {
  readonly id: string;
  readonly methodName: string | symbol;
  readonly kind: "method" | "static" | "function";
  readonly returns: string;
}

/** What is wrong with a fallback, as far as it shows before there is an object to call it on. */
export function fallbackProblem(fallback: Fallback, subject: FallbackSubject): string | undefined {
  if (typeof fallback === "function" || fallback === "stale") return undefined;
  if (typeof fallback === "string") {
    if (subject.kind === "function")
      return `fallback: "${fallback}" names a method, but a plain function has none. Give a function.`;
    if (fallback === subject.methodName)
      return `fallback: "${fallback}" is the method itself. Name another method; where @degrade stands on the class, leave it out there: \`except: ["${fallback}"]\`.`;
    return undefined;
  }
  if (subject.returns === "stream" && !isIterable(fallback.value)) {
    return "fallback.value must be iterable, because the method returns an async iterable.";
  }
  return isPlainData(fallback.value)
    ? undefined
    : "fallback.value must be plain data, because every caller gets a copy of its own. Give a function that returns the object.";
}

/**
 * @throws ConfigurationError where the object has no method of the fallback's name. Asked before
 * the method runs: an object's own fields and the methods of subclasses are not known earlier,
 * and the first outage would be too late.
 */
export function requireFallback(
  fallback: Fallback | undefined,
  self: unknown,
  subject: FallbackSubject,
): void {
  if (typeof fallback !== "string" || fallback === "stale") return;
  if (typeof (self as Record<string, unknown> | null | undefined)?.[fallback] === "function") return;
  throw new ConfigurationError(
    `The fallback of ${subject.id} is "${fallback}", and the object has no method of that name.`,
    {
      code: "MLMCP_FALLBACK_MISSING",
      context: { operation: subject.id, fallback },
      suggestions: [`Add a method ${fallback}(...) with the same parameters, or name one that is there.`],
    },
  );
}

/** The answer of a fallback, whatever its form; what it throws goes to the caller as it is. */
export async function callFallback(
  fallback: Fallback,
  subject: FallbackSubject,
  error: unknown,
  self: unknown,
  args: readonly unknown[],
): Promise<unknown> {
  return fitAnswer(await answerOf(fallback, error, self, args), subject, error);
}

/**
 * An answer as the method's caller expects it.
 *
 * @throws ConfigurationError where a method that streams needs items, and the answer has none.
 */
export function fitAnswer(answer: unknown, subject: FallbackSubject, error: unknown): unknown {
  if (subject.returns !== "stream" || isAsyncIterable(answer)) return answer;
  if (isIterable(answer)) return iterate(answer);
  const received = answer === null ? "null" : `a value of type ${typeof answer}`;
  throw new ConfigurationError(
    `The fallback of ${subject.id} gave ${received}, but the method streams. The method's own error is the cause.`,
    {
      code: "MLMCP_FALLBACK_RESULT",
      cause: error,
      context: { operation: subject.id },
      suggestions: ["Give an array, an iterable, or a generator: its items take the place of the method's."],
    },
  );
}

function answerOf(fallback: Fallback, error: unknown, self: unknown, args: readonly unknown[]): unknown {
  if (typeof fallback === "function") return Reflect.apply(fallback, self, [error, ...args]) as unknown;
  if (typeof fallback === "string")
    return (self as Record<string, (...args: unknown[]) => unknown>)[fallback]!(...args);
  return structuredClone(fallback.value);
}

async function* iterate(items: Iterable<unknown>): AsyncGenerator<unknown> {
  yield* items;
}

/** A text, which is iterable too, is more likely a message than a stream of characters. */
function isIterable(value: unknown): value is Iterable<unknown> {
  return typeof value === "object" && value !== null && Symbol.iterator in value;
}

/** Whether a copy is as good as the value: the comparison also sees prototypes, which cloning loses. */
function isPlainData(value: unknown): boolean {
  try {
    return isDeepStrictEqual(structuredClone(value), value);
  } catch {
    // A function, a symbol, a promise: what has no copy.
    return false;
  }
}
