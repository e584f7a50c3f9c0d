import type { JsonSchema } from "@mlmcp/core";
import type { Schema } from "./schemas.js";

/** Options of `@validated`. */
export interface ValidatedOptions {
  /**
   * JSON Schemas of the arguments, by position. An argument may be left out (or be `undefined`)
   * where its schema has `optional: true` or is `true`. Arguments beyond the list are not looked
   * at; end the list with `false` to refuse them.
   * @default the arguments are not checked
   */
  args?: readonly Schema[];
  /**
   * JSON Schema of the result, or of what a promise brings. A result that does not match never
   * enters a cache and does not reach the caller. Not for methods that return async iterables.
   * @default the result is not checked
   */
  returns?: Schema;
  /**
   * Converts arguments that have the wrong type where nothing is lost: `"5"` to 5, `"true"` to
   * true, 5 to `"5"`. The method gets the converted copy; the caller's own objects never change.
   * @default false
   */
  coerce?: boolean;
  /**
   * `enforce` refuses the call, `warn` only publishes `validation:failed` and lets it go on:
   * for schemas that are to be tried on live traffic first.
   * @default "enforce"
   */
  mode?: "enforce" | "warn";
}

export const validatedSchema = {
  type: "object",
  properties: {
    args: { type: "array", items: { type: ["object", "boolean"] } },
    returns: { type: ["object", "boolean"] },
    coerce: { type: "boolean", default: false },
    mode: { enum: ["enforce", "warn"], default: "enforce" },
  },
} satisfies JsonSchema;

/** The section `validation`. */
export interface ValidationSection {
  /**
   * Refuses loose schemas (a keyword without the `type` it belongs to, a required property that is
   * not listed, an open tuple, anything that its meta-schema forbids), and properties that a
   * schema with `properties` does not list, unless it says what else it admits.
   * @default false
   */
  strictMode: boolean;
}

export const validationSectionSchema = {
  type: "object",
  properties: { strictMode: { type: "boolean", default: false } },
} satisfies JsonSchema;

declare module "@mlmcp/core" {
  interface AdviceOptions {
    validated: ValidatedOptions;
  }
}
