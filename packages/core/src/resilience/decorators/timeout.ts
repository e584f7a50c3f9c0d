import type { Duration } from "../../config/schema/units.js";
import { OperationTimeoutError } from "../../errors/index.js";
import { createMethodDecorator } from "../../operations/decorator.js";
import type { AroundPart, Binding, Invoke } from "../../plugin.js";
import {
  attemptLimit,
  callLimit,
  timeLimitSchema,
  timeoutSchema,
  type TimeoutOptions,
} from "../options/timeout.js";
import { withinTime } from "../timing/timed-call.js";
import { Timers } from "../timing/timers.js";

/**
 * Limits the time of one attempt, of the whole call, or of both. When it is up the caller gets an
 * `OperationTimeoutError`, also where the method goes on, and the method's
 * `currentOperation()?.signal` aborts, so that it need not. What it comes to later is dropped.
 *
 * The calls that the method makes have no more time than what is left of it: the tightest limit
 * around a call holds. A method that returns an async iterable has until its iteration ends.
 *
 * ```ts
 * class Rates {
 *   @retry(3)
 *   @timeout({ attempt: "2s", deadline: "10s" })
 *   async load(day: string) {
 *     return fetch(`https://rates.example/${day}`, { signal: currentOperation()?.signal });
 *   }
 * }
 * ```
 *
 * `@timeout("2s")` is short for `@timeout({ attempt: "2s" })`.
 */
export const timeout = createMethodDecorator<TimeoutOptions, Duration>({
  name: "timeout",
  schema: timeoutSchema,
  shorthand: { schema: timeLimitSchema, read: (attempt) => ({ attempt }) },
  serves: { streams: true },
  context: true,
  settings: (options) => [
    ...(attemptLimit(options) === undefined ? [] : ["timeout"]),
    ...(callLimit(options) === undefined ? [] : ["deadline"]),
  ],
  parts: [timeLimitPart("deadline", callLimit), timeLimitPart("timeout", attemptLimit)],
});

/** Why a call was cut: a limit of its own, what encloses it has no time left, or the kernel stops. */
export type TimeoutReason = "attempt" | "deadline" | "enclosing" | "stopped";

/** The part of an advice that limits one attempt (phase `timeout`) or the whole call (phase `deadline`). */
export function timeLimitPart<Options extends object>(
  phase: "timeout" | "deadline",
  limitOf: (options: Options) => number | undefined,
): AroundPart<Options> {
  return {
    at: phase,
    when: (options) => limitOf(options) !== undefined,
    around: (next, binding) =>
      aroundLimit(next, binding, phase === "timeout" ? "attempt" : "deadline", limitOf(binding.options)!),
  };
}

function aroundLimit<Options extends object>(
  next: Invoke,
  binding: Binding<Options>,
  own: "attempt" | "deadline",
  ownLimit: number,
): Invoke {
  const { id } = binding.operation;
  const timers = binding.resolve(Timers);
  const expired = binding.event("timeout:expire");
  const late = binding.event("timeout:late");

  const expire = (reason: TimeoutReason, limitMs: number): OperationTimeoutError => {
    if (expired.active) expired.publish({ reason, timeoutMs: limitMs });
    return tooLong(id, reason, limitMs);
  };

  return (self, args) => {
    const now = Date.now();
    const left = (binding.call()?.deadline ?? Infinity) - now;
    const limit = Math.min(ownLimit, left);
    const reason = left < ownLimit ? "enclosing" : own;
    if (limit <= 0) return Promise.reject(expire(reason, 0));
    const scope = binding.fork({ deadline: now + limit });
    return withinTime(
      {
        run: () => (scope ? scope.run(next, self, args) : next(self, args)),
        expire(end) {
          const error = expire(end === "stopped" ? end : reason, limit);
          scope?.abort(error);
          return error;
        },
        late(ok, outcome) {
          if (late.active)
            late.publish({ ok, lateMs: Date.now() - now - limit, error: ok ? undefined : outcome });
        },
      },
      limit,
      timers,
    );
  };
}

const stories: Record<TimeoutReason, (limitMs: number) => string> = {
  attempt: (limitMs) => `did not end within ${limitMs} ms, the time of one attempt`,
  deadline: (limitMs) => `did not end within ${limitMs} ms, the time of the whole call`,
  enclosing: (limitMs) =>
    limitMs > 0
      ? `did not end within ${limitMs} ms, all that was left to the call around it`
      : "was not called: the time of the call around it is up",
  stopped: () => "was still running when its kernel stopped",
};

function tooLong(operation: string, reason: TimeoutReason, timeoutMs: number): OperationTimeoutError {
  return new OperationTimeoutError(`${operation} ${stories[reason](timeoutMs)}.`, {
    context: { operation, reason, timeoutMs },
    // No further attempt has any time.
    ...(reason === "enclosing" || reason === "stopped" ? { retryable: false } : {}),
    suggestions: [
      "Hand `currentOperation()?.signal` to what the method waits for, so that it ends with the call.",
      `Give it more time where it needs that: operations."${operation}".timeout in the configuration.`,
    ],
  });
}
