import type { JsonSchema } from "../config/schema.js";
import type { Duration } from "../config/units.js";
import type { BackoffStrategy, Jitter } from "./backoff.js";
import type { BreakerPolicy } from "./breaker.js";
import type { Fallback, FallbackFunction } from "./fallback.js";
import type { RetryPolicy } from "./retry.js";

declare module "@mlmcp/core" {
  interface AdviceOptions {
    retry: RetryOptions | number;
    degrade: DegradeOptions;
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
   * How the delay grows with each retry: times `factor`, by `initialDelay`, or not at all.
   * @default "exponential"
   */
  backoff?: BackoffStrategy;
  /** Delay before the first retry, without jitter. Milliseconds or a text such as `"1s"`. @default 100 */
  initialDelay?: Duration;
  /** No delay is longer. @default "30s" */
  maxDelay?: Duration;
  /** Growth of the `exponential` delay from one retry to the next; at least 1. @default 2 */
  factor?: number;
  /** `full`: each delay is drawn uniformly between 0 and what the backoff gives. @default "full" */
  jitter?: Jitter;
  /**
   * Says that running the method twice does no harm, because the work carries a key that the other
   * side knows it by, for example. Changes nothing about a call: `mlmcp doctor` asks it of methods
   * whose names sound as if twice were once too often (`charge`, `sendMail`).
   * @default not said
   */
  idempotent?: boolean;
}

/** The breaker of `@degrade`. */
export interface BreakerOptions {
  /** Consecutive failures that open it. @default 3 */
  failureThreshold?: number;
  /**
   * Time from opening to the probe that may close it, and from one unanswered probe to the next.
   * Milliseconds or a text such as `"30s"`. @default "5m"
   */
  resetAfter?: Duration;
}

/** Options of `@degrade`. */
export interface DegradeOptions {
  /**
   * Gives the answer where the method fails: a method of the same object by name, called with
   * the same arguments; a function, called with the error and then the arguments; or a value,
   * of which every caller gets a copy. Default: none, the error reaches the caller.
   */
  fallback?: string | FallbackFunction | { readonly value: unknown };
  /** Stops calling a method that keeps failing; `false` for none. @default all defaults of the breaker */
  breaker?: false | BreakerOptions;
}

/** What {@link RetryOptions} are where nothing is said. Times in milliseconds. */
export const retryDefaults: RetryPolicy = {
  maxRetries: 3,
  backoff: "exponential",
  initialDelay: 100,
  maxDelay: 30_000,
  factor: 2,
  jitter: "full",
};

/** What {@link BreakerOptions} are where nothing is said. Times in milliseconds. */
const breakerDefaults: BreakerPolicy = { failureThreshold: 3, resetAfter: 300_000 };

/** {@link RetryOptions} once the schema has read them. */
export type EffectiveRetryOptions = RetryPolicy;

/** {@link DegradeOptions} once the schema has read them. */
export interface EffectiveDegradeOptions {
  readonly fallback?: Fallback;
  readonly breaker: false | BreakerPolicy;
}

/** A timer that is set for longer runs out at once. */
const longestTimer = 2 ** 31 - 1;

export const maxRetriesSchema: JsonSchema = { type: "integer", minimum: 0 };

export const retrySchema: JsonSchema = {
  description: "Calls a method that failed again: options of @retry.",
  type: "object",
  properties: {
    maxRetries: {
      description: "Attempts after the first one. Default: errorHandling.maxRetries.",
      ...maxRetriesSchema,
      default: retryDefaults.maxRetries,
    },
    backoff: {
      description: "How the delay grows with each retry.",
      enum: ["exponential", "linear", "constant"],
      default: retryDefaults.backoff,
    },
    initialDelay: {
      description: "Delay before the first retry, without jitter.",
      duration: true,
      maximum: longestTimer,
      default: retryDefaults.initialDelay,
    },
    maxDelay: {
      description: "No delay is longer.",
      duration: true,
      maximum: longestTimer,
      default: retryDefaults.maxDelay,
    },
    factor: {
      description: "Growth of the exponential delay from one retry to the next.",
      type: "number",
      minimum: 1,
      default: retryDefaults.factor,
    },
    jitter: {
      description: "full: each delay is drawn between 0 and what the backoff gives.",
      enum: ["full", "none"],
      default: retryDefaults.jitter,
    },
    idempotent: {
      description: "Whether calling it twice does no more than calling it once; `mlmcp doctor` asks.",
      type: "boolean",
    },
  },
};

export const degradeSchema: JsonSchema = {
  description: "What happens where a method fails: options of @degrade.",
  type: "object",
  properties: {
    fallback: {
      description: "The method that answers where this one fails, by name, or the value that stands in.",
      anyOf: [
        { type: "string", minLength: 1 },
        { typeof: "function" },
        // No `required`: a value of `undefined` is the same as none.
        { type: "object", properties: { value: {} } },
      ],
    },
    breaker: {
      description: "Stops calling a method that keeps failing; false for none.",
      anyOf: [
        { const: false },
        {
          type: "object",
          properties: {
            failureThreshold: {
              description: "Consecutive failures that open it.",
              type: "integer",
              minimum: 1,
              default: breakerDefaults.failureThreshold,
            },
            resetAfter: {
              description: "Time from opening to the probe that may close it.",
              duration: true,
              minimum: 1,
              maximum: longestTimer,
              default: breakerDefaults.resetAfter,
            },
          },
        },
      ],
      default: {},
    },
  },
};
