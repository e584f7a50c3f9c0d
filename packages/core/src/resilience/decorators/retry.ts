import { recordAttempts } from "../../operations/attempts.js";
import { continueWith } from "../../operations/continuation.js";
import { createMethodDecorator } from "../../operations/decorator.js";
import type { Binding, Invoke } from "../../plugin.js";
import { ErrorClassifier } from "../classification/error-classifier.js";
import { Delays } from "../delays.js";
import {
  maxRetriesSchema,
  retrySchema,
  type EffectiveRetryOptions,
  type RetryOptions,
} from "../options/retry.js";
import { RetryBudget, RetryBudgets } from "../retry-budget.js";
import { retryJudge } from "../retry-judgement.js";
import { retry as retryCall, type RetriedCall } from "../retry.js";

/**
 * Calls the method again when it fails, with growing, jittered delays. The last error reaches
 * the caller as the same object; `attemptsOf(error)` tells what was tried.
 *
 * Tried again is what is transient and what nothing is known about; `classifyError` tells which
 * is which, the rules of the `ErrorClassifier` first. Not tried again: invalid arguments, an open
 * breaker, a full bulkhead, an `AbortError`, HTTP 404, a full disk, a `TypeError`, …; `retryIf`
 * and `abortIf` say otherwise. No attempt follows once the caller's signal has aborted; during a
 * delay the call rejects with the abort reason at once. A method that returns an async iterable
 * is tried again until its first item, not after it.
 *
 * ```ts
 * class Rates {
 *   @retry({ maxRetries: 5, initialDelay: "200ms", maxElapsed: "10s", budget: { name: "rates" } })
 *   async load(day: string) {
 *     return fetch(`https://rates.example/${day}`, { signal: currentOperation()?.signal });
 *   }
 * }
 * ```
 *
 * `@retry(5)` is short for `@retry({ maxRetries: 5 })`.
 */
export const retry = createMethodDecorator<RetryOptions, number>({
  name: "retry",
  schema: retrySchema,
  shorthand: { schema: maxRetriesSchema, read: (maxRetries) => ({ maxRetries }) },
  defaults: (config) => ({ maxRetries: config.get<number | undefined>("errorHandling.maxRetries") }),
  serves: { streams: true },
  context: true,
  check: ({ retryResultIf }, { returns }) =>
    retryResultIf && returns === "stream"
      ? "retryResultIf: a method that streams has no result to judge. Remove it."
      : undefined,
  parts: [{ at: "retry", around }],
});

function around(next: Invoke, binding: Binding<RetryOptions>): Invoke {
  const delays = binding.resolve(Delays);
  const classifier = binding.resolve(ErrorClassifier);
  const policy = binding.options as EffectiveRetryOptions;
  const retrying = binding.event("retry:attempt");
  const gaveUp = binding.event("retry:giveUp");
  const failed = binding.event("advice:failed");
  const misjudged = (error: unknown): void => failed.publish({ advice: "retry", error });
  const { isRetryable, isRefused } = retryJudge(policy, (error) => classifier.classify(error), misjudged);
  const allowance = policy.budget || undefined;
  const budget = allowance && budgetOf(allowance.name, binding);

  const again = (self: unknown, args: unknown[]): RetriedCall => ({
    caller: binding.call(),
    attempt: (attempt) => binding.derive({ attempt }, next, self, args),
    isRetryable,
    isRefused: isRefused ?? acceptAll,
    withdraw: () => !budget || budget.withdraw(allowance!, Date.now()),
    misjudged,
    retrying(attempt, delayMs, error) {
      if (retrying.active) retrying.publish({ attempt, delayMs, error });
    },
    succeeded: (attempts) => binding.note({ attempts }),
    gaveUp(reason, error, attempts) {
      recordAttempts(error, attempts);
      binding.note({ attempts: attempts.length });
      if (gaveUp.active) gaveUp.publish({ attempts: attempts.length, reason, error });
    },
  });

  return (self, args) => {
    const startedAt = Date.now();
    budget?.called(startedAt);
    // The running call counts as the first attempt: nothing is derived for it.
    return continueWith(
      next,
      self,
      args,
      isRefused &&
        ((value) =>
          isRefused(value)
            ? retryCall({ refused: true, outcome: value, startedAt }, again(self, args), policy, delays)
            : value),
      (error) => retryCall({ refused: false, outcome: error, startedAt }, again(self, args), policy, delays),
    );
  };
}

/** One that others share by name, or the operation's own. */
function budgetOf(name: string | undefined, binding: Binding<RetryOptions>): RetryBudget {
  return name === undefined
    ? binding.keep("budget", () => new RetryBudget())
    : binding.resolve(RetryBudgets).of(name);
}

function acceptAll(): boolean {
  return false;
}
