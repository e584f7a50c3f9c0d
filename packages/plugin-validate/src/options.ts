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
  description: "Checks arguments and result: options of @validated.",
  type: "object",
  properties: {
    args: {
      description: "JSON Schemas of the arguments, by position.",
      type: "array",
      items: { type: ["object", "boolean"] },
    },
    returns: { description: "JSON Schema of the result.", type: ["object", "boolean"] },
    coerce: {
      description: "Converts arguments that have the wrong type where nothing is lost.",
      type: "boolean",
      default: false,
    },
    mode: {
      description: "enforce refuses the call; warn only publishes validation:failed.",
      enum: ["enforce", "warn"],
      default: "enforce",
    },
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
  description: "The checks of @validated and InputValidator.",
  type: "object",
  properties: {
    strictMode: {
      description: "Refuses loose schemas, and properties that a schema does not list.",
      type: "boolean",
      default: false,
    },
  },
} satisfies JsonSchema;

declare module "@mlmcp/core" {
  interface AdviceOptions {
    validated: ValidatedOptions;
  }
  interface ConfigSections {
    validation: ValidationSection;
  }
}
