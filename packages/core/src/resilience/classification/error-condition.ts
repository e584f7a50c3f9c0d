import type { JsonSchema } from "../../config/schema/schema.js";
import { errorClasses, type Classified } from "./error-class.js";
import { statusOf } from "./http-status.js";
import { sqliteCodeOf } from "./libraries.js";
import { sqlStateOf } from "./sql-state.js";
import { causesOf, isInstance, isPromised, read, readText } from "./thrown.js";

/**
 * Answers for an error, at once: it may not be async.
 *
 * Written as a method, because only those may narrow what they are given: `(error: HttpError) => …`.
 */
export type ErrorPredicate = { test(error: unknown): boolean }["test"];

/**
 * Which errors are meant:
 *
 * - a class: what is an instance of it;
 * - a text: an error with this `code`, this name or a class of this name, or of this class of
 *   {@link ErrorClass}; codes are also looked for in the causes, where `fetch` puts them;
 * - a number: an HTTP status, or another number that is the error's `code`;
 * - any other function: what it answers true for.
 */
export type ErrorCondition = (abstract new (...args: any[]) => unknown) | ErrorPredicate | string | number;

/** One condition, or several of which one must hold. */
export type ErrorConditions = ErrorCondition | readonly ErrorCondition[];

const conditionSchemas: readonly JsonSchema[] = [
  { type: "string", minLength: 1 },
  { type: "integer" },
  { typeof: "function" },
];

/** Of {@link ErrorConditions}. A configuration file can give texts and numbers. */
export const errorConditionsSchema: JsonSchema = {
  anyOf: [...conditionSchemas, { type: "array", items: { anyOf: conditionSchemas }, minItems: 1 }],
};

/**
 * A function that tells whether an error is meant. It throws what a predicate throws, and a
 * TypeError where a predicate gives a promise, which would otherwise count as true.
 *
 * @param classify gives the class of an error, for conditions that name one
 */
export function errorMatcher(
  conditions: ErrorConditions,
  classify: (error: unknown) => Classified,
): (error: unknown) => boolean {
  const matchers = [conditions].flat().map((condition) => matcherOf(condition as ErrorCondition, classify));
  if (matchers.length === 1) return matchers[0]!;
  return (error) => matchers.some((matches) => matches(error));
}

function matcherOf(
  condition: ErrorCondition,
  classify: (error: unknown) => Classified,
): (error: unknown) => boolean {
  if (typeof condition === "number") return (error) => hasNumber(error, condition);
  if (typeof condition === "string") {
    return (errorClasses as readonly string[]).includes(condition)
      ? (error) => classify(error) === condition
      : (error) => hasCode(error, condition) || isNamed(error, condition);
  }
  if (isClass(condition)) return (error) => isInstance(error, condition);
  return (error) => {
    const answer: unknown = condition(error);
    if (isPromised(answer))
      throw new TypeError("A condition for errors answered with a promise. Make it answer at once.");
    return Boolean(answer);
  };
}

/** An error class, or a class of anything else that is thrown. Neither can be told by its type alone. */
function isClass(condition: Function): condition is abstract new (...args: any[]) => unknown {
  return (
    condition === Error ||
    condition.prototype instanceof Error ||
    /^class\b/.test(Function.prototype.toString.call(condition))
  );
}

function hasNumber(error: unknown, number: number): boolean {
  return causesOf(error).some((link) => statusOf(link) === number || read(link, "code") === number);
}

function hasCode(error: unknown, code: string): boolean {
  return causesOf(error).some(
    (link) => read(link, "code") === code || sqlStateOf(link) === code || sqliteCodeOf(link) === code,
  );
}

function isNamed(error: unknown, name: string): boolean {
  if (readText(error, "name") === name) return true;
  try {
    let prototype: unknown =
      typeof error === "object" && error !== null ? Object.getPrototypeOf(error) : null;
    for (
      ;
      typeof prototype === "object" && prototype !== null;
      prototype = Object.getPrototypeOf(prototype)
    ) {
      if (readText(prototype, "constructor", "name") === name) return true;
    }
  } catch {
    // A revoked proxy has no prototype.
  }
  return false;
}
