import type { JsonSchema } from "../../config/schema/schema.js";
import type { ErrorContext } from "../handling/error-handler.js";

declare module "@mlmcp/core" {
  interface AdviceOptions {
    handled: HandledOptions | string;
  }
}

/** Options of `@handled`. */
export interface HandledOptions {
  /**
   * What was going on, for the log and for events: a text, an object, or a function that tells it
   * from the arguments, on the method's `this`. @default none; the operation's id is always there
   */
  context?: ErrorContext | { tell(...args: any[]): ErrorContext }["tell"];
  /** Whether the error reaches the caller, the same object; otherwise `undefined` does. @default true */
  rethrow?: boolean;
}

/** {@link HandledOptions} once the schema has read them. */
export type EffectiveHandledOptions = HandledOptions & { readonly rethrow: boolean };

export const contextSchema: JsonSchema = { type: "string", minLength: 1 };

export const handledSchema: JsonSchema = {
  type: "object",
  description: "Hands what a call fails with to the ErrorHandler: options of @handled.",
  properties: {
    context: {
      description: "What was going on, for the log and for events.",
      anyOf: [contextSchema, { typeof: "function" }, { type: "object" }],
    },
    rethrow: {
      description: "Whether the error reaches the caller; otherwise undefined does.",
      type: "boolean",
      default: true,
    },
  },
};
