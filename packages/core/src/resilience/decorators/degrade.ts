import { CircuitOpenError } from "../../errors/index.js";
import { continueWith } from "../../operations/continuation.js";
import { createMethodDecorator } from "../../operations/decorator.js";
import type { Binding, Invoke } from "../../plugin.js";
import { Breaker, REJECTED, type BreakerPolicy } from "../breaker.js";
import { CircuitBreakers } from "../circuit-breakers.js";
import { isCancellation, isProgrammingError, isRejection } from "../classify.js";
import { callFallback, fallbackProblem, mayFallBack, requireFallback } from "../fallback.js";
import { degradeSchema, type DegradeOptions, type EffectiveDegradeOptions } from "../options.js";

/**
 * Keeps an answer coming while the method fails: a fallback answers in its place, and after
 * some failures in a row a breaker stops calling it for a while.
 *
 * The fallback stands outside retries and runs once, after they are spent. It never runs for
 * invalid arguments, a wrong configuration or a missing kernel, nor for a call that was
 * cancelled; what it throws itself reaches the caller as it is. The breaker stands inside
 * retries, so that every attempt passes it. It counts what the method throws except the same
 * errors and what limits reject; `CircuitBreakers` lists and moves the breakers of a kernel.
 *
 * ```ts
 * class Delays {
 *   @degrade({ fallback: "sample", breaker: { failureThreshold: 5, resetAfter: "30s" } })
 *   async byAirport(code: string) { return this.database.query(code); }
 *
 *   async sample(code: string) { return this.lastKnown.get(code); }
 * }
 * ```
 */
export const degrade = createMethodDecorator<DegradeOptions>({
  name: "degrade",
  schema: degradeSchema,
  serves: { streams: true },
  context: true,
  check: ({ fallback }, operation) =>
    fallback === undefined ? undefined : fallbackProblem(fallback, operation),
  parts: [
    { at: "fallback", when: ({ fallback }) => fallback !== undefined, around: aroundFallback },
    { at: "breaker", when: ({ breaker }) => breaker !== false, around: aroundBreaker },
  ],
});

function aroundFallback(next: Invoke, binding: Binding<DegradeOptions>): Invoke {
  const { operation } = binding;
  const fallback = (binding.options as EffectiveDegradeOptions).fallback!;
  const fellBack = binding.event("degrade:fallback");
  const fallBack = async (error: unknown, self: unknown, args: unknown[]): Promise<unknown> => {
    if (!mayFallBack(error, binding.call()?.aborted === true)) throw error;
    if (fellBack.active) fellBack.publish({ error });
    const answer = await callFallback(fallback, operation, error, self, args);
    binding.note({ degraded: true });
    return answer;
  };
  return (self, args) => {
    requireFallback(fallback, self, operation);
    return continueWith(next, self, args, undefined, (error) => fallBack(error, self, args));
  };
}

function aroundBreaker(next: Invoke, binding: Binding<DegradeOptions>): Invoke {
  const { id } = binding.operation;
  const policy = (binding.options as EffectiveDegradeOptions).breaker as BreakerPolicy;
  const breakers = binding.resolve(CircuitBreakers);
  const rejected = binding.event("breaker:reject");
  const breaker = binding.keep(
    "breaker",
    () => createBreaker(policy, binding),
    (replaced) => {
      breakers.remove(id, replaced);
      replaced.dispose();
    },
  );
  breakers.add(id, breaker);
  return (self, args) => {
    const ticket = breaker.admit();
    if (ticket === REJECTED) {
      const retryAfterMs = breaker.retryAfter;
      if (rejected.active) rejected.publish({ retryAfterMs });
      return Promise.reject(circuitOpen(id, breaker, retryAfterMs));
    }
    return continueWith(
      next,
      self,
      args,
      (value) => {
        breaker.succeed(ticket);
        return value;
      },
      (error) => {
        if (isFailure(error, binding)) breaker.fail(ticket, error);
        else breaker.release(ticket);
        throw error;
      },
    );
  };
}

/** Errors that speak of the call or its caller, not of what the method depends on, do not count. */
function isFailure(error: unknown, binding: Binding<DegradeOptions>): boolean {
  return (
    !isProgrammingError(error) &&
    !isRejection(error) &&
    !isCancellation(error, binding.call()?.aborted === true)
  );
}

function createBreaker(policy: BreakerPolicy, binding: Binding<DegradeOptions>): Breaker {
  const opened = binding.event("breaker:open");
  const halfOpened = binding.event("breaker:halfOpen");
  const closed = binding.event("breaker:close");
  return new Breaker(policy, {
    opened: (reason, failures) => opened.publish({ reason, failures, resetAfterMs: policy.resetAfter }),
    halfOpened: () => halfOpened.publish({}),
    closed: (reason) => closed.publish({ reason }),
  });
}

function circuitOpen(
  operation: string,
  { state, failures, lastError }: Breaker,
  retryAfterMs: number,
): CircuitOpenError {
  const cause =
    failures === 0
      ? "was opened by hand"
      : `is open after ${failures} consecutive failure${failures === 1 ? "" : "s"}`;
  const probing = state === "halfOpen" ? ", and a probe is under way" : "";
  return new CircuitOpenError(
    `${operation} was not called: its breaker ${cause}${probing}. The next call can pass in ${retryAfterMs} ms.`,
    {
      ...(lastError === undefined ? {} : { cause: lastError }),
      context: { operation, retryAfterMs },
      suggestions: [
        "Find out why the method fails: the cause is the last error that counted.",
        "Give `@degrade` a fallback that answers meanwhile.",
        `Close it by hand once the cause is mended: kernel.resolve(CircuitBreakers).close("${operation}").`,
      ],
    },
  );
}
