import type { JsonSchema } from "../../config/schema/schema.js";
import { parseDuration, type Duration } from "../../config/schema/units.js";
import type { BreakerTerms } from "../breaker/breaker-group.js";
import type { BreakerMode, WindowSize } from "../breaker/breaker-policy.js";
import { errorConditionsSchema, type ErrorConditions } from "../classification/error-condition.js";
import { timeLimitSchema } from "./timeout.js";

/** Which calls are slow, and how many of them open the breaker. */
export interface SlowCallOptions {
  /** A call that lasts longer is slow. Milliseconds or a text such as `"2s"`. */
  duration: Duration;
  /** Share of the window's calls, more than 0 and at most 1, that opens the breaker when they are slow. @default 0.5 */
  rate?: number;
}

/** The breaker of `@degrade`. */
export interface BreakerOptions {
  /**
   * Consecutive failures that open it; `false` for any number.
   * @default 3, or `false` where `failureRate` is given
   */
  failureThreshold?: number | false;
  /**
   * Share of the window's calls, more than 0 and at most 1, that opens it when they fail.
   * @default none
   */
  failureRate?: number | false;
  /**
   * What the rates look at: the last so many calls, or with a unit the time that has passed last
   * (`"30s"`, in tenths). At most 100,000 calls. @default 100
   */
  window?: number | Extract<Duration, string>;
  /** Calls that the window must hold before a rate opens it. @default 10, or the window where that is smaller */
  minimumCalls?: number;
  /** Opens it when too many calls are slow; while it is half-open, a slow probe is a failed one. @default none */
  slowCall?: false | SlowCallOptions;
  /**
   * Time from opening to the probes that may close it, and from one unanswered probe to the next.
   * Milliseconds or a text such as `"30s"`. @default "5m"
   */
  resetAfter?: Duration;
  /** Probes that must succeed in a row to close it; no more run at the same time. @default 1 */
  halfOpenProbes?: number;
  /** Time from its beginning in which it counts, but does not open. @default 0 */
  warmUp?: Duration;
  /**
   * The errors that count as failures, in the forms of `when` beside it. What a limit
   * rejects and what a caller gives up never counts. @default all but those of validation, of the
   * configuration and of cancelling
   */
  when?: ErrorConditions;
  /**
   * A breaker for each key, such as a tenant or a host: called with the arguments, on the
   * method's `this`. Default: one breaker for the operation.
   */
  key?: (...args: any[]) => string;
  /** Breakers by key that are kept; the one used longest ago that is not isolated makes room. @default 1000 */
  maxKeys?: number;
  /** Operations that give one name here share one breaker, and must agree on its other options. */
  sharedAs?: string;
  /** `shadow`: counts, changes state and publishes its events, but rejects no call. @default "enforce" */
  mode?: BreakerMode;
}

/** {@link BreakerOptions} once the schema has read them. Times in milliseconds. */
export interface EffectiveBreakerOptions {
  readonly failureThreshold?: number | false;
  readonly failureRate?: number | false;
  readonly window: number | string;
  readonly minimumCalls?: number;
  readonly slowCall?: false | { readonly duration: number; readonly rate: number };
  readonly resetAfter: number;
  readonly halfOpenProbes: number;
  readonly warmUp: number;
  readonly when?: ErrorConditions;
  readonly key?: (...args: unknown[]) => unknown;
  readonly maxKeys: number;
  readonly sharedAs?: string;
  readonly mode: BreakerMode;
}

/** What {@link BreakerOptions} are where nothing is said, as far as it does not depend on the others. */
const breakerDefaults = {
  window: 100,
  resetAfter: 300_000,
  halfOpenProbes: 1,
  warmUp: 0,
  maxKeys: 1000,
  mode: "enforce",
} satisfies EffectiveBreakerOptions;

const defaultThreshold = 3;
const defaultMinimumCalls = 10;
const defaultSlowRate = 0.5;

/** A shorter slice of a window could hold no whole millisecond. */
const shortestWindow = 10;

const rateSchema: JsonSchema = { type: "number", exclusiveMinimum: 0, maximum: 1 };
const offOr = (schema: JsonSchema): JsonSchema => ({ anyOf: [{ const: false }, schema] });

export const breakerSchema: JsonSchema = {
  type: "object",
  description: "The breaker of @degrade.",
  properties: {
    failureThreshold: {
      description: "Consecutive failures that open it. Default: 3, or false where a failureRate is given.",
      ...offOr({ type: "integer", minimum: 1 }),
    },
    failureRate: {
      description: "Share of the window's calls that opens it when they fail.",
      ...offOr(rateSchema),
    },
    window: {
      description:
        "What the rates look at: the last so many calls, or with a unit the time that has passed last.",
      // A text stays a text: as milliseconds it would be a number of calls.
      anyOf: [
        { type: "integer", minimum: 1, maximum: 100_000 },
        { type: "string", pattern: "^\\s*\\d+(\\.\\d+)?\\s*(ms|s|m|h|d)\\s*$" },
      ],
      default: breakerDefaults.window,
    },
    minimumCalls: {
      description:
        "Calls that the window must hold before a rate opens it. Default: 10, or the window where that is smaller.",
      type: "integer",
      minimum: 1,
    },
    slowCall: {
      description: "Opens it when too many calls are slow.",
      ...offOr({
        type: "object",
        required: ["duration"],
        properties: { duration: timeLimitSchema, rate: { ...rateSchema, default: defaultSlowRate } },
      }),
    },
    resetAfter: {
      description: "Time from opening to the probes that may close it.",
      ...timeLimitSchema,
      default: breakerDefaults.resetAfter,
    },
    halfOpenProbes: {
      description: "Probes that must succeed in a row to close it.",
      type: "integer",
      minimum: 1,
      default: breakerDefaults.halfOpenProbes,
    },
    warmUp: {
      description: "Time from its beginning in which it counts, but does not open.",
      duration: true,
      default: breakerDefaults.warmUp,
    },
    when: { description: "The errors that count as failures.", ...errorConditionsSchema },
    key: { typeof: "function" },
    maxKeys: {
      description: "Breakers by key that are kept.",
      type: "integer",
      minimum: 1,
      default: breakerDefaults.maxKeys,
    },
    sharedAs: {
      description: "Operations that give one name here share one breaker.",
      type: "string",
      minLength: 1,
    },
    mode: {
      description: "shadow counts and publishes, but rejects no call.",
      enum: ["enforce", "shadow"],
      default: breakerDefaults.mode,
    },
  },
};

/** What options of a breaker contradict each other in, as far as the schema cannot tell. */
export function breakerProblem(options: EffectiveBreakerOptions): string | undefined {
  const window = windowOf(options);
  if ("ms" in window)
    return window.ms >= shortestWindow
      ? undefined
      : `breaker.window: must be at least ${shortestWindow} ms, received "${options.window}".`;
  return options.minimumCalls === undefined || options.minimumCalls <= window.calls
    ? undefined
    : `breaker.minimumCalls: a window of ${window.calls} calls never holds ${options.minimumCalls}. Widen the window, or ask for fewer.`;
}

/** The terms that a breaker of these options works by. `when` and `key` are each operation's own. */
export function termsOf(options: EffectiveBreakerOptions): BreakerTerms {
  const { failureRate = false, slowCall = false, resetAfter, halfOpenProbes, warmUp, mode } = options;
  const window = windowOf(options);
  const { failureThreshold = failureRate === false ? defaultThreshold : false } = options;
  const fitting = "calls" in window ? Math.min(defaultMinimumCalls, window.calls) : defaultMinimumCalls;
  const { minimumCalls = fitting } = options;
  return {
    policy: {
      failureThreshold,
      failureRate,
      slowCall,
      window,
      minimumCalls,
      resetAfter,
      halfOpenProbes,
      warmUp,
      mode,
    },
    ...(options.key ? { maxKeys: options.maxKeys } : {}),
    ...(options.sharedAs === undefined ? {} : { sharedAs: options.sharedAs }),
  };
}

function windowOf({ window }: EffectiveBreakerOptions): WindowSize {
  return typeof window === "number" ? { calls: window } : { ms: parseDuration(window)! };
}
