import { ValidationError } from "@mlmcp/core";
import { summaryOf, type ValueIssue } from "./issues.js";

const CONVERTIBLE = new Set(["number", "integer", "boolean", "string"]);

/** Arguments that do not match: the code is `MLMCP_VALIDATION`. */
export function invalidArguments(operation: string, issues: readonly ValueIssue[]): ValidationError {
  const mayConvert = issues.some(({ keyword, expected }) => keyword === "type" && CONVERTIBLE.has(expected));
  return new ValidationError(
    `${operation} was called with arguments that are not valid: ${summaryOf(issues)}`,
    {
      context: { operation, subject: "arguments", issues },
      suggestions: [
        `Pass what @validated({ args }) of ${operation} describes.`,
        ...(mayConvert ? ["Where values arrive as text, @validated({ coerce: true }) converts them."] : []),
      ],
    },
  );
}

/** A result that does not match: the caller is not to blame, and the code is `MLMCP_VALIDATION_RESULT`. */
export function invalidResult(operation: string, issues: readonly ValueIssue[]): ValidationError {
  return new ValidationError(`${operation} gave a result that is not valid: ${summaryOf(issues)}`, {
    code: "MLMCP_VALIDATION_RESULT",
    context: { operation, subject: "result", issues },
    suggestions: [`Let ${operation} return what @validated({ returns }) describes, or correct that schema.`],
  });
}

/** A value checked by hand that does not match: the code is `MLMCP_VALIDATION`. */
export function invalidValue(issues: readonly ValueIssue[]): ValidationError {
  return new ValidationError(`The input is not valid: ${summaryOf(issues)}`, {
    context: { subject: "value", issues },
    suggestions: ["Correct the values that the issues name."],
  });
}
