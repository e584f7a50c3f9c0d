import { types } from "node:util";
import { ConfigurationError, createMethodDecorator, type Binding, type Invoke } from "@mlmcp/core";
import { ArgumentsCheck } from "../arguments.js";
import { invalidArguments, invalidResult } from "../faults.js";
import { InputValidator } from "../input-validator.js";
import { issuesOf } from "../issues.js";
import { validatedSchema, type ValidatedOptions } from "../options.js";

/**
 * Checks the arguments of a method, and its result, against JSON Schemas.
 *
 * ```ts
 * class Flights {
 *   @validated({
 *     args: [{ type: "string", pattern: "^[A-Z]{3}$" }, { type: "integer", minimum: 1, optional: true }],
 *     returns: { type: "array" },
 *   })
 *   async departures(airport: string, limit = 10): Promise<Flight[]> { ... }
 * }
 *
 * await flights.departures("lax"); // ValidationError: Flights.departures was called with arguments
 * // that are not valid: args[0] must match pattern "^[A-Z]{3}$" (received "lax")
 * ```
 *
 * Arguments are checked before anything else happens to a call: a wrong one reaches no cache
 * key, no retry and no method. The result is checked inside the cache, so that a wrong one is
 * never stored. All that is wrong is in one error. Methods that do not return a promise stay
 * synchronous. With an async generator the arguments are checked when the first item is asked for.
 *
 * @throws ValidationError `MLMCP_VALIDATION` for arguments, `MLMCP_VALIDATION_RESULT` for a result
 */
export const validated = createMethodDecorator<ValidatedOptions>({
  name: "validated",
  schema: validatedSchema,
  serves: { sync: true, streams: true },
  protects: "arguments and results reach the method and its callers unchecked",
  check({ args, returns }, operation) {
    if (args === undefined && returns === undefined)
      return "there is nothing to check. Give args, returns, or both.";
    if (returns !== undefined && (operation.returns === "stream" || operation.returns === "iterator")) {
      return "returns cannot be checked on a method that yields items. Remove it, or check each item with InputValidator.";
    }
    return undefined;
  },
  parts: [
    { at: "validate", when: ({ args }) => args !== undefined, around: checkArguments },
    { at: "verify", when: ({ returns }) => returns !== undefined, around: checkResult },
  ],
});

function checkArguments(next: Invoke, binding: Binding<ValidatedOptions>): Invoke {
  const { id } = binding.operation;
  const { args: schemas = [], coerce, mode = "enforce" } = binding.options;
  const check = new ArgumentsCheck(schemas, binding.resolve(InputValidator).compiler, `@validated on ${id}`);
  const failed = binding.event("validation:failed");

  return (self, args) => {
    if (check.accepts(args)) return next(self, args);
    const converted = coerce ? check.convert(args) : args;
    const issues = check.issues(converted);
    if (issues.length === 0) return next(self, converted);
    failed.publish({ subject: "arguments", mode, issues });
    if (mode === "warn") return next(self, args);
    throw invalidArguments(id, issues);
  };
}

function checkResult(next: Invoke, binding: Binding<ValidatedOptions>): Invoke {
  const { id } = binding.operation;
  const { returns = true, mode = "enforce" } = binding.options;
  const check = binding.resolve(InputValidator).compiler.compile(returns, `returns of @validated on ${id}`);
  const failed = binding.event("validation:failed");

  const verify = (result: unknown): unknown => {
    if (isAsyncIterable(result)) {
      throw new ConfigurationError(
        `${id} gave an async iterable, which @validated({ returns }) cannot check. The method has already run.`,
        {
          code: "MLMCP_DECORATION",
          context: { operation: id, decorator: "validated" },
          suggestions: ["Remove returns, and check each item with InputValidator where it is used."],
        },
      );
    }
    if (check(result)) return result;
    const issues = issuesOf(check.errors ?? [], result, { root: "result" });
    failed.publish({ subject: "result", mode, issues });
    if (mode === "warn") return result;
    throw invalidResult(id, issues);
  };
  return (self, args) => {
    const result = next(self, args);
    return result instanceof Promise || types.isPromise(result) ? result.then(verify) : verify(result);
  };
}

function isAsyncIterable(value: unknown): boolean {
  return typeof value === "object" && value !== null && Symbol.asyncIterator in value;
}
