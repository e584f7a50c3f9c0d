import { ConfigurationError, OperationTimeoutError } from "../../errors/index.js";
import type { After, Binding, Invoke } from "../../plugin.js";
import { REJECTED, SHADOWED, type Breaker, type Ticket } from "../breaker/breaker.js";
import type { BreakerGroup } from "../breaker/breaker-group.js";
import { CircuitBreakers, type BreakerUse } from "../breaker/circuit-breakers.js";
import { circuitOpen } from "../breaker/circuit-open.js";
import { isRejection } from "../classification/classify.js";
import { isInstance, isPromised, read } from "../classification/thrown.js";
import { termsOf, type EffectiveBreakerOptions } from "../options/breaker.js";
import { effective, type DegradeOptions } from "../options/degrade.js";
import { errorsMeant } from "./meant-errors.js";
import type { TimeoutReason } from "./timeout.js";

/** What a breaker was asked for. */
interface Admission {
  readonly breaker: Breaker;
  readonly ticket: Ticket;
  /** Where it wants to know how long calls take. */
  readonly startedAt: number;
}

/** The part of `@degrade` that stops calling a method that keeps failing. */
export function afterBreaker(_next: Invoke, binding: Binding<DegradeOptions>): After<Admission> {
  const { id } = binding.operation;
  const options = effective(binding.options).breaker as EffectiveBreakerOptions;
  const { key, when, sharedAs } = options;
  const counts = errorsMeant(when, binding);
  const rejected = binding.event("breaker:reject");
  const group = joinBreakers(options, binding);

  const reject = (breaker: Breaker, of: string | undefined): void => {
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
    if (shadow) return;
    const { name } = group;
    throw circuitOpen(id, breaker, { name, ...(of === undefined ? {} : { key: of }) });
  };

  return {
    begin(self, args) {
      const of = key && keyOf(key, self, args, id);
      const breaker = of === undefined ? group.single! : group.of(of);
      const ticket = breaker.admit();
      if (ticket === REJECTED || ticket === SHADOWED) reject(breaker, of);
      return { breaker, ticket, startedAt: breaker.timesCalls ? performance.now() : 0 };
    },
    returned(value, { breaker, ticket, startedAt }) {
      breaker.succeed(ticket, breaker.timesCalls ? performance.now() - startedAt : 0);
      return value;
    },
    threw(error, { breaker, ticket, startedAt }) {
      if (isFailure(error))
        breaker.fail(ticket, error, breaker.timesCalls ? performance.now() - startedAt : 0);
      else breaker.release(ticket);
      throw error;
    },
  };

  /** Errors that speak of the call or its caller, not of what the method depends on, do not count. */
  function isFailure(error: unknown): boolean {
    if (isRejection(error) || isCutFromOutside(error, id) || binding.call()?.aborted === true) return false;
    return counts(error);
  }
}

/** What encloses the call had no more time, or its kernel stops; whose timer is first is chance. */
function isCutFromOutside(error: unknown, operation: string): boolean {
  if (!isInstance(error, OperationTimeoutError) || read(error, "context", "operation") !== operation)
    return false;
  const reason = read(error, "context", "reason") as TimeoutReason | undefined;
  return reason === "enclosing" || reason === "stopped";
}

function joinBreakers(options: EffectiveBreakerOptions, binding: Binding<DegradeOptions>): BreakerGroup {
  const breakers = binding.resolve(CircuitBreakers);
  const { use } = binding.keep("breaker", () => ({ breakers, use: createUse(options, binding) }), leave);
  return breakers.join(use);
}

/** Not where it is used: a closure made there would hold the binding, and with it the operation. */
function leave({ breakers, use }: { breakers: CircuitBreakers; use: BreakerUse }): void {
  breakers.leave(use);
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
  const received = isPromised(answer) ? "a promise" : `a value of type ${typeof answer}`;
  const what = "cause" in cause ? "threw instead of giving" : `gave ${received} instead of`;
  throw new ConfigurationError(`${operation} was not called: the \`key\` of its breaker ${what} a text.`, {
    code: "MLMCP_BREAKER_KEY",
    ...cause,
    context: { operation },
    suggestions: ["Let `breaker.key` give a text for every call, such as the id of a tenant."],
  });
}
