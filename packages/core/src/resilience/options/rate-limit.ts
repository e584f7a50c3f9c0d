import type { JsonSchema } from "../../config/schema/schema.js";
import type { Duration } from "../../config/schema/units.js";
import { LONGEST_TIMER } from "../../kernel/time-limit.js";
import type { RateLimits } from "../limits/rate-limiter.js";
import { timeLimitSchema } from "./timeout.js";

declare module "@mlmcp/core" {
  interface AdviceOptions {
    rateLimit: RateLimitOptions | number;
  }
}

/**
 * Says whose calls a call counts with: called with its arguments.
 *
 * Written as a method, because only those may narrow what they are given: `(tenant: string) => …`.
 */
export type RateLimitKey = { call(...args: any[]): string | number }["call"];

/** Options of `@rateLimit`. */
export interface RateLimitOptions {
  /** Calls that may begin in any interval; at least 1. Each that counts takes some 10 bytes. @default 100 */
  limit?: number;
  /** Milliseconds or a text such as `"1m"`. @default "1s" */
  interval?: Duration;
  /**
   * Counts the calls of each key by themselves, such as those of each tenant:
   * `(tenant: string) => tenant`. Default: all calls together.
   */
  key?: RateLimitKey;
  /** Keys that are remembered; beyond them the one is forgotten that was used least recently. @default 10000 */
  maxKeys?: number;
  /**
   * The longest that a call waits for its turn, where it would be refused otherwise. Milliseconds or
   * a text such as `"500ms"`. @default 0
   */
  wait?: Duration;
  /** Operations that give one name here share one limit. Default: each has its own. */
  sharedAs?: string;
  /**
   * A Redis or Valkey in which several processes count together: `"redis://localhost:6379"`, or
   * `rediss://` (TLS), `valkey://`, `valkeys://` (TLS). Needs the packages `rate-limiter-flexible` and
   * `ioredis`, and an interval of whole seconds. Default: each process counts by itself.
   */
  store?: `${"redis" | "rediss" | "valkey" | "valkeys"}://${string}`;
}

/** {@link RateLimitOptions} once the schema has read them. Times in milliseconds. */
export interface EffectiveRateLimitOptions extends RateLimits {
  readonly key?: RateLimitKey;
  readonly wait: number;
  readonly sharedAs?: string;
  readonly store?: string;
}

/** What {@link RateLimitOptions} are where nothing is said. Times in milliseconds. */
const rateLimitDefaults = { limit: 100, interval: 1_000, maxKeys: 10_000, wait: 0 };

export const limitSchema: JsonSchema = { type: "integer", minimum: 1 };

export const rateLimitSchema: JsonSchema = {
  type: "object",
  description: "How many calls may begin in any interval: options of @rateLimit.",
  properties: {
    limit: {
      description: "Calls that may begin in any interval.",
      ...limitSchema,
      default: rateLimitDefaults.limit,
    },
    interval: { description: "The interval.", ...timeLimitSchema, default: rateLimitDefaults.interval },
    key: { typeof: "function" },
    maxKeys: {
      description: "Keys that are remembered; beyond them the one used least recently is forgotten.",
      type: "integer",
      minimum: 1,
      default: rateLimitDefaults.maxKeys,
    },
    wait: {
      description: "The longest that a call waits for its turn, where it would be refused otherwise.",
      duration: true,
      maximum: LONGEST_TIMER,
      default: rateLimitDefaults.wait,
    },
    sharedAs: {
      description: "Operations that give one name here share one limit.",
      type: "string",
      minLength: 1,
    },
    // It may hold a password.
    store: {
      description:
        "A Redis or Valkey in which several processes count together: redis://, rediss://, valkey:// or valkeys://, as redis://host:6379.",
      type: "string",
      pattern: "^(rediss?|valkeys?)://.",
      secret: true,
    },
  },
};

/** What is wrong with options that each by itself are right. */
export function rateLimitProblem(options: RateLimitOptions): string | undefined {
  const { store, interval } = options as EffectiveRateLimitOptions;
  if (store === undefined || interval % 1_000 === 0) return undefined;
  return `interval is ${interval} ms, and a Redis counts in whole seconds. Use "1s" or a multiple of it, or no store.`;
}
