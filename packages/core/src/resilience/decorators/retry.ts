import { recordAttempts } from "../../operations/attempts.js";
import { continueWith } from "../../operations/continuation.js";
import { createMethodDecorator } from "../../operations/decorator.js";
import type { Binding, Invoke } from "../../plugin.js";
import { Delays } from "../delays.js";
import { maxRetriesSchema, retrySchema, type EffectiveRetryOptions, type RetryOptions } from "../options.js";
import { retry as retryCall, type RetriedCall } from "../retry.js";

/**
 * Calls the method again when it fails, with growing, jittered delays. The last error reaches
 * the caller as the same object; `attemptsOf(error)` tells what was tried.
 *
 * Not tried again: what the framework's errors call not retryable (invalid arguments, an open
 * breaker, a full bulkhead, …), and an `AbortError`. No attempt follows once the caller's
 * signal has aborted; during a delay the call rejects with the abort reason at once. A method
 * that returns an async iterable is tried again until its first item, not after it.
 *
 * ```ts
 * class Rates {
 *   @retry({ maxRetries: 5, initialDelay: "200ms" })
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
  parts: [{ at: "retry", around }],
});

function around(next: Invoke, binding: Binding<RetryOptions>): Invoke {
  const delays = binding.resolve(Delays);
  const policy = binding.options as EffectiveRetryOptions;
  const retrying = binding.event("retry:attempt");
  const gaveUp = binding.event("retry:giveUp");

  const again = (self: unknown, args: unknown[]): RetriedCall => ({
    caller: binding.call(),
    attempt: (attempt) => binding.derive({ attempt }, next, self, args),
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
    // The running call counts as the first attempt: nothing is derived for it.
    return continueWith(next, self, args, undefined, (error) =>
      retryCall({ error, startedAt }, again(self, args), policy, delays),
    );
  };
}
