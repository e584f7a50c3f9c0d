import { recordAttempts } from "../../operations/attempts.js";
import { createMethodDecorator } from "../../operations/decorator.js";
import type { After, Binding, Invoke } from "../../plugin.js";
import { ErrorClassifier } from "../classification/error-classifier.js";
import { Delays } from "../retry/delays.js";
import {
  maxRetriesSchema,
  retrySchema,
  type EffectiveRetryOptions,
  type RetryOptions,
} from "../options/retry.js";
import { RetryBudgets } from "../retry/retry-budget.js";
import { retryJudge } from "../retry/retry-judgement.js";
import { retry as retryCall, type RetriedCall } from "../retry/retry.js";
import { now } from "../timing/clock.js";

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
  parts: [{ at: "retry", after }],
});

function after(next: Invoke, binding: Binding<RetryOptions>): After<number> {
  const delays = binding.resolve(Delays);
  const classifier = binding.resolve(ErrorClassifier);
  const policy = binding.options as EffectiveRetryOptions;
  const retrying = binding.event("retry:attempt");
  const gaveUp = binding.event("retry:giveUp");
  const failed = binding.event("advice:failed");
  const misjudged = (error: unknown): void => failed.publish({ advice: "retry", error });
  const { isRetryable, isRefused } = retryJudge(policy, (error) => classifier.classify(error), misjudged);
  const budget = policy.budget
    ? binding.resolve(RetryBudgets).join(binding.operation, policy.budget, binding.config)
    : undefined;

  const again = (self: unknown, args: unknown[]): RetriedCall => ({
    caller: binding.call(),
    attempt: (attempt) => binding.derive({ attempt }, next, self, args),
    isRetryable,
    isRefused: isRefused ?? acceptAll,
    withdraw: () => !budget || budget.withdraw(now()),
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

  return {
    // The running call counts as the first attempt: nothing is derived for it.
    begin() {
      const startedAt = now();
      budget?.called(startedAt);
      return startedAt;
    },
    ...(isRefused && {
      returned: (value, startedAt, self, args) =>
        isRefused(value)
          ? retryCall({ refused: true, outcome: value, startedAt }, again(self, args), policy, delays)
          : value,
    }),
    threw: (error, startedAt, self, args) =>
      retryCall({ refused: false, outcome: error, startedAt }, again(self, args), policy, delays),
  };
}

function acceptAll(): boolean {
  return false;
}
