import type { JsonSchema } from "../../config/schema/schema.js";
import type { Duration } from "../../config/schema/units.js";
import type { ChaosPolicy } from "../chaos.js";
import { LONGEST_TIMER } from "../../kernel/time-limit.js";

declare module "@mlmcp/core" {
  interface AdviceOptions {
    chaos: ChaosOptions | number;
  }
}

/** Gives a fault: called with the call's arguments. */
export type ChaosFunction = { call(...args: any[]): unknown }["call"];

/** Options of `@chaos`. A rate is the part of the calls that a fault befalls, from 0 to 1. */
export interface ChaosOptions {
  /** @default 1 where `error` is given, else 0 */
  errorRate?: number;
  /** What is thrown in place of the call: a message, or a function that answers it. @default an error with the code `MLMCP_CHAOS` */
  error?: string | ChaosFunction;
  /** @default 1 where `latency` is given, else 0 */
  latencyRate?: number;
  /** How late a call is made: a time, or two between which it is drawn. Milliseconds or a text such as `"2s"`. @default "1s" */
  latency?: Duration | { readonly min?: Duration; readonly max: Duration };
  /** @default 1 where `result` is given, else 0 */
  resultRate?: number;
  /** What the caller gets in place of the call's result: a value, or a function that answers it. */
  result?: { readonly value: unknown } | ChaosFunction;
}

/** {@link ChaosOptions} once the schema has read them. Times in milliseconds. */
interface EffectiveChaosOptions extends Partial<Omit<ChaosPolicy, "latency">> {
  readonly error?: string | ChaosFunction;
  readonly latency?: number | { readonly min?: number; readonly max: number };
  readonly result?: { readonly value: unknown } | ChaosFunction;
}

/** How late a call is where only the rate is given. Milliseconds. */
const defaultLatency = 1_000;

export const rateSchema: JsonSchema = { type: "number", minimum: 0, maximum: 1 };

const latencySchema: JsonSchema = { duration: true, maximum: LONGEST_TIMER };

export const chaosSchema: JsonSchema = {
  type: "object",
  description: "Faults made on purpose, where system.chaos admits them: options of @chaos.",
  properties: {
    errorRate: {
      description: "The part of the calls that fails. Default: 1 where an error is given, else 0.",
      ...rateSchema,
    },
    error: {
      description: "What is thrown in place of the call.",
      anyOf: [{ type: "string", minLength: 1 }, { typeof: "function" }],
    },
    latencyRate: {
      description: "The part of the calls that is late. Default: 1 where a latency is given, else 0.",
      ...rateSchema,
    },
    latency: {
      description: "How late a call is made, or between which times it is drawn.",
      anyOf: [
        latencySchema,
        { type: "object", required: ["max"], properties: { min: latencySchema, max: latencySchema } },
      ],
    },
    resultRate: {
      description: "The part of the calls with another result. Default: 1 where a result is given, else 0.",
      ...rateSchema,
    },
    result: {
      description: "What the caller gets in place of the result.",
      // No `required`: a value of `undefined` is the same as none.
      anyOf: [{ typeof: "function" }, { type: "object", properties: { value: {} } }],
    },
  },
};

/** Rates and times with what is said nothing about filled in. */
export function chaosPolicy(options: ChaosOptions): ChaosPolicy {
  const { error, latency, result, ...rates } = options as EffectiveChaosOptions;
  const { min = 0, max } =
    typeof latency === "object"
      ? latency
      : { min: latency ?? defaultLatency, max: latency ?? defaultLatency };
  return {
    errorRate: rates.errorRate ?? (error === undefined ? 0 : 1),
    latencyRate: rates.latencyRate ?? (latency === undefined ? 0 : 1),
    resultRate: rates.resultRate ?? (result === undefined ? 0 : 1),
    latency: { min, max },
  };
}

/** What is wrong with options that each by itself are right. */
export function chaosProblem(options: ChaosOptions, returns: string): string | undefined {
  const { latency, resultRate } = chaosPolicy(options);
  if (latency.min > latency.max)
    return `latency.min (${latency.min} ms) is more than latency.max (${latency.max} ms).`;
  if (resultRate > 0 && options.result === undefined)
    return "resultRate says how often, and `result` is missing: what the caller then gets.";
  if (resultRate > 0 && returns === "stream")
    return "result cannot stand in for what an async iterable yields. Use `error` or `latency`.";
  return undefined;
}
