import type { JsonSchema } from "../../config/schema/schema.js";
import type { Duration } from "../../config/schema/units.js";
import { errorConditionsSchema, type ErrorConditions } from "../classification/error-condition.js";
import type { Fallback, FallbackFunction } from "../fallback/fallback.js";
import { breakerSchema, type BreakerOptions, type EffectiveBreakerOptions } from "./breaker.js";
import { bulkheadSchema, type BulkheadOptions, type EffectiveBulkheadOptions } from "./bulkhead.js";
import { timeLimitSchema } from "./timeout.js";

declare module "@mlmcp/core" {
  interface AdviceOptions {
    degrade: DegradeOptions;
  }
}

/**
 * Options of `@degrade`. `Method` is the name of the fallback method where it is known to the
 * compiler, which then checks that the class has it.
 */
export interface DegradeOptions<Method extends string = string> {
  /**
   * Gives the answer where the method fails: a method of the same object by name, called with
   * the same arguments; a function, called with the error and then the arguments; a value, of
   * which every caller gets a copy; or `"stale"`, an earlier answer that a cache still has.
   * Default: none, the error reaches the caller.
   */
  fallback?: Method | "stale" | FallbackFunction | { readonly value: unknown };
  /**
   * The errors that the fallback stands in for: an error class, a predicate, a text (an error's
   * `code`, its name, or a class of `classifyError`), an HTTP status, or a list of these.
   * @default all but those of validation, of the configuration and of cancelling
   */
  when?: ErrorConditions;
  /** Stops calling a method that keeps failing; `false` for none. @default all defaults of the breaker */
  breaker?: false | BreakerOptions;
  /** As `@timeout({ attempt })`: the longest that one attempt may take. @default no limit */
  timeout?: false | Duration;
  /** As `@timeout({ deadline })`: the longest that the whole call may take. @default no limit */
  deadline?: false | Duration;
  /** As `@bulkhead()`: how many calls may run at the same time. @default no limit */
  bulkhead?: false | BulkheadOptions;
}

/** {@link DegradeOptions} once the schema has read them. */
export interface EffectiveDegradeOptions {
  readonly fallback?: Fallback;
  readonly when?: ErrorConditions;
  readonly breaker: false | EffectiveBreakerOptions;
  readonly timeout?: false | number;
  readonly deadline?: false | number;
  readonly bulkhead?: false | EffectiveBulkheadOptions;
}

const offOr = (schema: JsonSchema): JsonSchema => ({ anyOf: [{ const: false }, schema] });

export const degradeSchema: JsonSchema = {
  type: "object",
  description: "What happens where a method fails: options of @degrade.",
  properties: {
    fallback: {
      description:
        "The method that answers where this one fails, by name; a value; or stale, an earlier answer.",
      anyOf: [
        { type: "string", minLength: 1 },
        { typeof: "function" },
        // No `required`: a value of `undefined` is the same as none.
        { type: "object", properties: { value: {} } },
      ],
    },
    when: { description: "The errors that the fallback stands in for.", ...errorConditionsSchema },
    breaker: {
      description: "Stops calling a method that keeps failing; false for none.",
      ...offOr(breakerSchema),
      default: {},
    },
    timeout: { description: "The longest that one attempt may take.", ...offOr(timeLimitSchema) },
    deadline: { description: "The longest that the whole call may take.", ...offOr(timeLimitSchema) },
    bulkhead: { description: "How many calls may run at the same time.", ...offOr(bulkheadSchema) },
  },
};

/** The settings that other decorators can give too: those that are given, and not to turn something off. */
export function settingsOf({ timeout, deadline, bulkhead }: DegradeOptions): string[] {
  const given = Object.entries({ timeout, deadline, bulkhead });
  return given.flatMap(([name, value]) => (value === undefined || value === false ? [] : [name]));
}

/** The options of a chain, which the schema has read. */
export function effective(options: DegradeOptions): EffectiveDegradeOptions {
  return options as EffectiveDegradeOptions;
}
