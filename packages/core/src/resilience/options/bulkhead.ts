import type { JsonSchema } from "../../config/schema/schema.js";
import type { Duration } from "../../config/schema/units.js";
import type { BulkheadLimits } from "../limits/bulkhead.js";
import { timeLimitSchema } from "./timeout.js";

declare module "@mlmcp/core" {
  interface AdviceOptions {
    bulkhead: BulkheadOptions | number;
  }
}

/** Options of `@bulkhead`. */
export interface BulkheadOptions {
  /** Calls that may run at the same time; at least 1. @default 10 */
  maxConcurrent?: number;
  /** Calls that may wait for a place; one more is refused. @default 0 */
  queue?: number;
  /**
   * The longest that a call waits for a place. Milliseconds or a text such as `"500ms"`.
   * @default as long as the call has
   */
  queueTimeout?: Duration;
  /** Operations that give one name here share one bulkhead. Default: each has its own. */
  sharedAs?: string;
}

/** What {@link BulkheadOptions} are where nothing is said. */
const bulkheadDefaults: BulkheadLimits = { maxConcurrent: 10, queue: 0 };

/** {@link BulkheadOptions} once the schema has read them. */
export type EffectiveBulkheadOptions = BulkheadLimits & { readonly sharedAs?: string };

export const maxConcurrentSchema: JsonSchema = { type: "integer", minimum: 1 };

export const bulkheadSchema: JsonSchema = {
  type: "object",
  description: "How many calls run at the same time: options of @bulkhead.",
  properties: {
    maxConcurrent: {
      description: "Calls that may run at the same time.",
      ...maxConcurrentSchema,
      default: bulkheadDefaults.maxConcurrent,
    },
    queue: {
      description: "Calls that may wait for a place; one more is refused.",
      type: "integer",
      minimum: 0,
      default: bulkheadDefaults.queue,
    },
    queueTimeout: { description: "The longest that a call waits for a place.", ...timeLimitSchema },
    sharedAs: {
      description: "Operations that give one name here share one bulkhead.",
      type: "string",
      minLength: 1,
    },
  },
};
