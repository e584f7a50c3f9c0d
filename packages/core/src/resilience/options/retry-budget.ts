import type { JsonSchema } from "../../config/schema/schema.js";
import type { RetryBudgetPolicy } from "../retry/retry-budget.js";

/**
 * How many retries and hedges all calls together may make. Over the last ten seconds: `ratio` ×
 * calls + 10 × `minPerSecond`.
 */
export interface RetryBudgetOptions {
  /** Retries for each call; 0.2 is one for five calls. @default 0.2 */
  ratio?: number;
  /** Retries for each second whatever the calls, so that an operation that is seldom called has some. @default 10 */
  minPerSecond?: number;
  /**
   * Operations that give one name share the budget, as those should that call one service. Each
   * holds to its own `ratio` and `minPerSecond`. Default: a budget for the operation alone, which
   * its `@retry` and its `@hedge` share.
   */
  name?: string;
}

/** What {@link RetryBudgetOptions} are where nothing is said: Finagle's and Linkerd's. */
const retryBudgetDefaults: RetryBudgetPolicy = { ratio: 0.2, minPerSecond: 10 };

/** {@link RetryBudgetOptions} once the schema has read them. */
export type EffectiveRetryBudget = false | (RetryBudgetPolicy & { readonly name?: string });

export const retryBudgetSchema: JsonSchema = {
  anyOf: [
    { const: false },
    {
      type: "object",
      properties: {
        ratio: {
          description: "Retries for each call.",
          type: "number",
          minimum: 0,
          default: retryBudgetDefaults.ratio,
        },
        minPerSecond: {
          description: "Retries for each second whatever the calls.",
          type: "number",
          minimum: 0,
          default: retryBudgetDefaults.minPerSecond,
        },
        name: {
          description: "Operations that give one name share the budget.",
          type: "string",
          minLength: 1,
        },
      },
    },
  ],
};
