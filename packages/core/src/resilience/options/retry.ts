import type { JsonSchema } from "../../config/schema/schema.js";
import type { Duration } from "../../config/schema/units.js";
import { LONGEST_TIMER } from "../../kernel/time-limit.js";
import type { BackoffStrategy, Jitter } from "../retry/backoff.js";
import { errorConditionsSchema, type ErrorConditions } from "../classification/error-condition.js";
import type { BackoffFunction } from "../retry/retry-delay.js";
import type { RetryConditions } from "../retry/retry-judgement.js";
import type { RetryPolicy } from "../retry/retry.js";
import { retryBudgetSchema, type EffectiveRetryBudget, type RetryBudgetOptions } from "./retry-budget.js";

declare module "@mlmcp/core" {
  interface AdviceOptions {
    retry: RetryOptions | number;
  }
}

/** Options of `@retry`. */
export interface RetryOptions {
  /**
   * Attempts after the first one; the method is called at most `1 + maxRetries` times.
   * @default `errorHandling.maxRetries` of the configuration, which is 3
   */
  maxRetries?: number;
  /**
   * How the delay grows with each retry: times `factor`, by `initialDelay`, or not at all;
   * `decorrelated`: drawn between `initialDelay` and three times the delay before. A function
   * gives the milliseconds itself, from the number of the attempt that failed and its error (or
   * the value that `retryResultIf` refused); `jitter` leaves them as they are.
   * @default "exponential"
   */
  backoff?: BackoffStrategy | BackoffFunction;
  /** Delay before the first retry, without jitter. Milliseconds or a text such as `"1s"`. @default 100 */
  initialDelay?: Duration;
  /** No delay is longer. @default "30s" */
  maxDelay?: Duration;
  /** Growth of the `exponential` delay from one retry to the next; at least 1. @default 2 */
  factor?: number;
  /**
   * `full`: each delay is drawn uniformly between 0 and what the backoff gives; `equal`: between
   * half of it and all.
   * @default "full"
   */
  jitter?: Jitter;
  /**
   * No attempt begins later than so long after the first one; where the next delay would end
   * after that, the call fails at once. Milliseconds or a text such as `"10s"`. @default no limit
   */
  maxElapsed?: Duration;
  /**
   * The errors to retry: classes, texts (a `code`, a name, or a class of `classifyError`), HTTP
   * statuses, predicates, or a list of these. Default: what is transient or unknown.
   */
  retryIf?: ErrorConditions;
  /** Errors that are not retried, whatever `retryIf` says; in the same forms. @default none */
  abortIf?: ErrorConditions;
  /**
   * Values that are as good as an error: true for one that asks for another attempt. Of the last
   * attempt the caller gets the value. Answers at once. @default none
   */
  retryResultIf?: { judge(value: unknown): boolean }["judge"];
  /**
   * Whether a delay lasts as long as the error asks for: by `retryAfter` (seconds or a date),
   * `retryAfterMs`, or the header `Retry-After` of `headers` or `response.headers`; of a value
   * that was refused, too. At most `maxDelay`. @default true
   */
  respectRetryAfter?: boolean;
  /** Limits the retries of all calls together, so that they do not multiply an outage. @default none */
  budget?: false | RetryBudgetOptions;
  /**
   * Whether calling the method twice does no more than calling it once. Only says so: `mlmcp doctor`
   * warns of a retried method such as `createOrder` unless this is `true`.
   */
  idempotent?: boolean;
}

/** What {@link RetryOptions} are where nothing is said. Times in milliseconds. */
export const retryDefaults = {
  maxRetries: 3,
  backoff: "exponential",
  initialDelay: 100,
  maxDelay: 30_000,
  factor: 2,
  jitter: "full",
  respectRetryAfter: true,
} as const satisfies RetryPolicy;

/** {@link RetryOptions} once the schema has read them. */
export interface EffectiveRetryOptions extends RetryPolicy, RetryConditions {
  readonly budget?: EffectiveRetryBudget;
}

const duration: JsonSchema = { duration: true, maximum: LONGEST_TIMER };

export const maxRetriesSchema: JsonSchema = { type: "integer", minimum: 0 };

export const retrySchema: JsonSchema = {
  type: "object",
  description: "Calls a method that failed again: options of @retry.",
  properties: {
    maxRetries: {
      description: "Attempts after the first one. Default: errorHandling.maxRetries.",
      ...maxRetriesSchema,
      default: retryDefaults.maxRetries,
    },
    backoff: {
      description: "How the delay grows with each retry.",
      anyOf: [{ enum: ["exponential", "linear", "constant", "decorrelated"] }, { typeof: "function" }],
      default: retryDefaults.backoff,
    },
    initialDelay: {
      description: "Delay before the first retry, without jitter.",
      ...duration,
      default: retryDefaults.initialDelay,
    },
    maxDelay: { description: "No delay is longer.", ...duration, default: retryDefaults.maxDelay },
    factor: {
      description: "Growth of the exponential delay from one retry to the next.",
      type: "number",
      minimum: 1,
      default: retryDefaults.factor,
    },
    jitter: {
      description:
        "full: each delay is drawn between 0 and what the backoff gives; equal: between half of it and all.",
      enum: ["full", "equal", "none"],
      default: retryDefaults.jitter,
    },
    maxElapsed: { description: "No attempt begins later than so long after the first one.", duration: true },
    retryIf: {
      description:
        "The errors to retry: codes, names, HTTP statuses or classes. Default: what is transient or unknown.",
      ...errorConditionsSchema,
    },
    abortIf: { description: "Errors that are not retried, whatever retryIf says.", ...errorConditionsSchema },
    retryResultIf: { typeof: "function" },
    respectRetryAfter: {
      description: "Whether a delay lasts as long as the error asks for, up to maxDelay.",
      type: "boolean",
      default: retryDefaults.respectRetryAfter,
    },
    budget: {
      description: "Limits the retries of all calls together; false for none.",
      ...retryBudgetSchema,
    },
    idempotent: {
      description: "Whether calling it twice does no more than calling it once; `mlmcp doctor` asks.",
      type: "boolean",
    },
  },
};
