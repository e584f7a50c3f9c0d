import { ConfigurationError, RateLimitError } from "../../errors/index.js";
import type { EventChannel } from "../../kernel/events.js";
import { createMethodDecorator } from "../../operations/decorator.js";
import type { Binding, Invoke } from "../../plugin.js";
import {
  limitSchema,
  rateLimitProblem,
  rateLimitSchema,
  type EffectiveRateLimitOptions,
  type RateLimitKey,
  type RateLimitOptions,
} from "../options/rate-limit.js";
import { isPromised } from "../classification/thrown.js";
import { leaveLimiter } from "../limits/limiters.js";
import { RateLimiter, type RateLimits } from "../limits/rate-limiter.js";
import { RateLimiters } from "../limits/rate-limiters.js";
import { RedisRateLimits } from "../limits/redis-rate-limits.js";
import { Delays } from "../retry/delays.js";
import { Timers } from "../timing/timers.js";

/**
 * Lets so many calls begin in any interval. Others wait for their turn if they
 * may, in the order in which they came, and are refused with a `RateLimitError` otherwise: its
 * `context.retryAfterMs` says when the next can begin. It is neither retried nor counted by a
 * breaker. Every attempt of a retry counts. A caller who gives up leaves the queue.
 *
 * ```ts
 * class Geocoder {
 *   @rateLimit({ limit: 50, interval: "1s", wait: "2s" })
 *   async locate(address: string) { return this.api.search(address); }
 *
 *   @rateLimit({ limit: 1000, interval: "1h", key: (tenant: string) => tenant })
 *   async export(tenant: string) { return this.api.export(tenant); }
 * }
 * ```
 *
 * Each process counts by itself, exactly. With `store` several count together in a Redis, in
 * windows around whose turn up to twice the limit can begin; while that Redis does not answer, each
 * process counts by itself.
 *
 * `@rateLimit(50)` is short for `@rateLimit({ limit: 50 })`, in each second.
 */
export const rateLimit = createMethodDecorator<RateLimitOptions, number>({
  name: "rateLimit",
  schema: rateLimitSchema,
  shorthand: { schema: limitSchema, read: (limit) => ({ limit }) },
  serves: { streams: true },
  context: true,
  check: rateLimitProblem,
  parts: [{ at: "rateLimit", around }],
});

function around(next: Invoke, binding: Binding<RateLimitOptions>): Invoke {
  const { id: operation } = binding.operation;
  const { key, wait, sharedAs, store, limit, interval, maxKeys } =
    binding.options as EffectiveRateLimitOptions;
  const limits: RateLimits = { limit, interval, maxKeys };
  const limiters = binding.resolve(RateLimiters);
  const timers = binding.resolve(Timers);
  const forgotten = binding.event("rateLimit:forget");
  const waits = binding.event("rateLimit:wait");
  const rejected = binding.event("rateLimit:reject");
  const membership = binding.keep(
    "limiter",
    () => {
      const create = () => new RateLimiter(limits, timers, reportTo(forgotten));
      const countsAll = key === undefined && store === undefined;
      return limiters.join({ operation, sharedAs, limits, create, countsAll });
    },
    leaveLimiter,
  );
  membership.confirm(binding.config);
  const { limiter } = membership;

  const reject = (of: string, retryAfterMs: number): Promise<never> => {
    if (rejected.active) rejected.publish({ key: of, retryAfterMs });
    return Promise.reject(tooMany(operation, sharedAs, limits, of, retryAfterMs));
  };
  const waitAndRun = async (of: string, delayMs: number, self: unknown, args: unknown[]) => {
    if (waits.active) waits.publish({ key: of, delayMs });
    const call = binding.call();
    if (!(await limiter.wait(of, call?.signal))) return reject(of, 0);
    // Its turn came and the caller gave up at the same moment.
    if (call?.aborted) throw call.reason;
    return next(self, args);
  };
  const here: Invoke = (self, args) => {
    const of = key ? keyOf(key, args, operation) : "";
    const retryAfterMs = limiter.take(of);
    if (retryAfterMs === 0) return next(self, args);
    return retryAfterMs <= wait ? waitAndRun(of, retryAfterMs, self, args) : reject(of, retryAfterMs);
  };
  if (store === undefined) return here;

  const failed = binding.event("rateLimit:storeFailed");
  const redis = binding.resolve(RedisRateLimits);
  binding.keep("store", () => redis.use(store), callIt);
  const delays = binding.resolve(Delays);
  const rate = { url: store, name: sharedAs ?? operation, limit, interval };
  return async (self, args) => {
    const of = key ? keyOf(key, args, operation) : "";
    const until = performance.now() + wait;
    for (;;) {
      let retryAfterMs: number;
      try {
        retryAfterMs = await redis.take(of, rate);
      } catch (error) {
        if (error instanceof ConfigurationError) throw error;
        if (failed.active) failed.publish({ error });
        return here(self, args);
      }
      const call = binding.call();
      if (call?.aborted) throw call.reason;
      if (retryAfterMs === 0) return next(self, args);
      if (performance.now() + retryAfterMs > until) return reject(of, retryAfterMs);
      if (waits.active) waits.publish({ key: of, delayMs: retryAfterMs });
      // Who else waits comes back at the same time: the Redis decides, and may send both on.
      if (!(await delays.wait(retryAfterMs, call?.signal))) return reject(of, 0);
    }
  };
}

/** Not where it is used: a closure made there would hold the binding, and with it the operation. */
function callIt(end: () => void): void {
  end();
}

function reportTo(forgotten: EventChannel<"rateLimit:forget">): (key: string) => void {
  return (key) => {
    if (forgotten.active) forgotten.publish({ key });
  };
}

function keyOf(key: RateLimitKey, args: unknown[], operation: string): string {
  let of: unknown;
  let cause: { cause?: unknown } = {};
  try {
    of = key(...args);
    // Under "undefined" or "[object Object]" strangers would share one limit.
    if (typeof of === "string" || typeof of === "number") return String(of);
  } catch (error) {
    cause = { cause: error };
  }
  const kind = of === null ? "null" : `a value of type ${typeof of}`;
  const received = isPromised(of) ? "a promise" : kind;
  const what = "cause" in cause ? "threw instead of giving" : `gave ${received} instead of`;
  throw new ConfigurationError(
    `${operation} was not called: the \`key\` of its @rateLimit ${what} a text or a number.`,
    { code: "MLMCP_RATE_LIMIT_KEY", ...cause, context: { operation } },
  );
}

function tooMany(
  operation: string,
  sharedAs: string | undefined,
  { limit, interval }: RateLimits,
  key: string,
  retryAfterMs: number,
): RateLimitError {
  const whose = sharedAs === undefined ? "its limit" : `the limit "${sharedAs}"`;
  const when =
    retryAfterMs > 0
      ? `The next call can begin in ${retryAfterMs} ms.`
      : "It still waited when its kernel stopped.";
  return new RateLimitError(
    `${operation} was not called: ${whose} of ${limit} calls in ${interval} ms is reached. ${when}`,
    {
      context: {
        operation,
        retryAfterMs,
        limit,
        interval,
        ...(key === "" ? {} : { key }),
        ...(sharedAs === undefined ? {} : { sharedAs }),
      },
      suggestions: [
        "Call again after `context.retryAfterMs`, or let calls wait for their turn: `wait`.",
        "Raise `limit` if what the method calls takes more.",
      ],
    },
  );
}
