import { ConfigurationError } from "../../errors/index.js";
import { continueWith } from "../../operations/continuation.js";
import type { Binding, Invoke } from "../../plugin.js";
import { REJECTED, SHADOWED, type Breaker } from "../breaker.js";
import type { BreakerGroup } from "../breaker-group.js";
import { CircuitBreakers, type BreakerUse } from "../circuit-breakers.js";
import { circuitOpen } from "../circuit-open.js";
import { isRejection } from "../classify.js";
import { termsOf, type EffectiveBreakerOptions } from "../options/breaker.js";
import { effective, type DegradeOptions } from "../options/degrade.js";
import { errorsMeant } from "./meant-errors.js";

/** The part of `@degrade` that stops calling a method that keeps failing. */
export function aroundBreaker(next: Invoke, binding: Binding<DegradeOptions>): Invoke {
  const { id } = binding.operation;
  const options = effective(binding.options).breaker as EffectiveBreakerOptions;
  const { key, when, sharedAs } = options;
  const counts = errorsMeant(when, binding);
  const rejected = binding.event("breaker:reject");
  const group = joinBreakers(options, binding);

  const reject = (breaker: Breaker, of: string | undefined): Promise<never> | undefined => {
    const { state, retryAfter } = breaker;
    const shadow = options.mode === "shadow";
    if (rejected.active) {
      rejected.publish({
        reason: state as Exclude<typeof state, "closed">,
        ...(retryAfter === undefined ? {} : { retryAfterMs: retryAfter }),
        ...(sharedAs === undefined ? {} : { sharedAs }),
        ...(of === undefined ? {} : { key: of }),
        ...(shadow ? { shadow } : {}),
      });
    }
    if (shadow) return undefined;
    const { name } = group;
    return Promise.reject(circuitOpen(id, breaker, { name, ...(of === undefined ? {} : { key: of }) }));
  };

  return (self, args) => {
    const of = key && keyOf(key, self, args, id);
    const breaker = of === undefined ? group.single! : group.of(of);
    const ticket = breaker.admit();
    if (ticket === REJECTED || ticket === SHADOWED) {
      const rejection = reject(breaker, of);
      if (rejection) return rejection;
    }
    const { timesCalls } = breaker;
    const startedAt = timesCalls ? performance.now() : 0;
    return continueWith(
      next,
      self,
      args,
      (value) => {
        breaker.succeed(ticket, timesCalls ? performance.now() - startedAt : 0);
        return value;
      },
      (error) => {
        if (isFailure(error)) breaker.fail(ticket, error, timesCalls ? performance.now() - startedAt : 0);
        else breaker.release(ticket);
        throw error;
      },
    );
  };

  /** Errors that speak of the call or its caller, not of what the method depends on, do not count. */
  function isFailure(error: unknown): boolean {
    return !isRejection(error) && binding.call()?.aborted !== true && counts(error);
  }
}

function joinBreakers(options: EffectiveBreakerOptions, binding: Binding<DegradeOptions>): BreakerGroup {
  const breakers = binding.resolve(CircuitBreakers);
  const use = binding.keep(
    "breaker",
    () => createUse(options, binding),
    (replaced) => breakers.leave(replaced),
  );
  return breakers.join(use);
}

function createUse(options: EffectiveBreakerOptions, binding: Binding<DegradeOptions>): BreakerUse {
  const terms = termsOf(options);
  const opened = binding.event("breaker:open");
  const halfOpened = binding.event("breaker:halfOpen");
  const closed = binding.event("breaker:close");
  const which = (key: string | undefined) => ({
    ...(terms.sharedAs === undefined ? {} : { sharedAs: terms.sharedAs }),
    ...(key === undefined ? {} : { key }),
    ...(terms.policy.mode === "shadow" ? { shadow: true } : {}),
  });
  return {
    operation: binding.operation.id,
    terms,
    listener: {
      opened({ reason, failures, window }, key) {
        const { resetAfter } = terms.policy;
        const until = reason === "isolated" ? {} : { resetAfterMs: resetAfter };
        opened.publish({ reason, failures, ...until, ...(window && { window }), ...which(key) });
      },
      halfOpened: (reason, key) => halfOpened.publish({ reason, ...which(key) }),
      closed: (reason, key) => closed.publish({ reason, ...which(key) }),
    },
  };
}

function keyOf(
  key: (...args: unknown[]) => unknown,
  self: unknown,
  args: readonly unknown[],
  operation: string,
): string {
  let answer: unknown;
  let cause: { cause?: unknown } = {};
  try {
    answer = Reflect.apply(key, self, args);
    if (typeof answer === "string") return answer;
  } catch (error) {
    cause = { cause: error };
  }
  const what = "cause" in cause ? "threw" : `gave a value of type ${typeof answer}`;
  throw new ConfigurationError(
    `${operation} was not called: the \`key\` of its breaker ${what}, and not a text.`,
    {
      code: "MLMCP_BREAKER_KEY",
      ...cause,
      context: { operation },
      suggestions: ["Let `breaker.key` give a text for every call, such as the id of a tenant."],
    },
  );
}
