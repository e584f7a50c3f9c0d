import { inspect } from "node:util";
import type { JsonSchema } from "../../config/schema/schema.js";
import { errorClasses, type ErrorClass } from "./error-class.js";
import { errorConditionsSchema, type ErrorConditions } from "./error-condition.js";

/** What an application or a plugin knows about errors that the framework does not. */
export interface ErrorRule {
  /** Which errors it is about. */
  readonly match: ErrorConditions;
  readonly class: ErrorClass;
  /** What to do about them, for `getRecoverySuggestions`, the likeliest first. */
  readonly suggestions?: readonly string[];
}

/** Of {@link ErrorRule}. A configuration file can match by texts and numbers. */
export const errorRuleSchema: JsonSchema = {
  type: "object",
  required: ["match", "class"],
  properties: {
    match: {
      description: "Codes, names, HTTP statuses or classes of errors, or a list of these.",
      ...errorConditionsSchema,
    },
    class: { description: "What these errors are.", enum: errorClasses },
    suggestions: {
      description: "What to do about them, the likeliest first.",
      type: "array",
      items: { type: "string" },
    },
  },
};

/** What is wrong with a rule, without the schema compiler, which costs a start more than it is worth here. */
export function errorRuleProblem(rule: unknown): string | undefined {
  if (typeof rule !== "object" || rule === null)
    return `is ${inspect(rule)}; it must be \`{ match, class }\`.`;
  const { match, class: errorClass, suggestions = [] } = rule as Partial<Record<keyof ErrorRule, unknown>>;
  const conditions = [match].flat();
  if (conditions.length === 0 || !conditions.every(isCondition)) {
    return `has \`match: ${inspect(match)}\`; it must be an error class, a text, an HTTP status, a predicate, or a list of these.`;
  }
  if (!errorClasses.includes(errorClass as ErrorClass))
    return `has \`class: ${inspect(errorClass)}\`; it must be one of ${errorClasses.join(", ")}.`;
  if (!Array.isArray(suggestions) || !suggestions.every((text) => typeof text === "string"))
    return `has \`suggestions: ${inspect(suggestions)}\`; they must be a list of texts.`;
  return undefined;
}

function isCondition(condition: unknown): boolean {
  return (
    typeof condition === "function" ||
    Number.isInteger(condition) ||
    (typeof condition === "string" && condition !== "")
  );
}
