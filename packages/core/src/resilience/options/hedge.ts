import type { JsonSchema } from "../../config/schema/schema.js";
import type { Duration } from "../../config/schema/units.js";
import { LONGEST_TIMER } from "../../kernel/time-limit.js";
import { retryBudgetSchema, type EffectiveRetryBudget, type RetryBudgetOptions } from "./retry-budget.js";

declare module "@mlmcp/core" {
  interface AdviceOptions {
    hedge: HedgeOptions;
  }
}

/** A percentile of an operation's own latencies: `"p95"`. */
export type Percentile = `p${number}`;

/** Options of `@hedge`. */
export interface HedgeOptions {
  /**
   * Says that the method may run twice at the same time and do no harm, as reading does. Without it
   * the method cannot be hedged.
   */
  idempotent: true;
  /**
   * When a further attempt begins: a time after the one before it, in milliseconds or as a text such
   * as `"200ms"`, or a percentile of the method's latest latencies. A percentile hedges nothing until
   * 20 calls have shown how long they take. @default "p95"
   */
  after?: Duration | Percentile;
  /** Attempts besides the first one, from 1 to 5. @default 1 */
  maxHedges?: number;
  /**
   * Limits the hedges of all calls together, so that a service that has become slow does not get
   * twice the work: each takes one retry out of the budget, and none begins while it is spent. A
   * budget that `@retry` and `@hedge` share, by name or on one method, counts both. @default none
   */
  budget?: false | RetryBudgetOptions;
}

/** {@link HedgeOptions} once the schema has read them. `after` is a percentile or milliseconds. */
export interface EffectiveHedgeOptions {
  readonly after: Percentile | number;
  readonly maxHedges: number;
  readonly budget?: EffectiveRetryBudget;
}

export const hedgeSchema: JsonSchema = {
  type: "object",
  description: "A further attempt beside one that takes long: options of @hedge.",
  properties: {
    idempotent: {
      description: "Says that the method may run twice at the same time and do no harm.",
      const: true,
    },
    after: {
      description:
        "When a further attempt begins: after a time, or a percentile of the latest latencies such as p95.",
      anyOf: [
        { duration: true, maximum: LONGEST_TIMER },
        { type: "string", pattern: "^p(?:\\d{1,2}(?:\\.\\d+)?|100)$" },
      ],
      default: "p95",
    },
    maxHedges: {
      description: "Attempts besides the first one.",
      type: "integer",
      minimum: 1,
      maximum: 5,
      default: 1,
    },
    budget: {
      description: "Limits the hedges of all calls together, with the retries that share it; false for none.",
      ...retryBudgetSchema,
    },
  },
};
