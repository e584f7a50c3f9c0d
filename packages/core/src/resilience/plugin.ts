import type { ErrorHandlingOptions } from "../config/sections.js";
import { definePlugin, type PluginKernel } from "../plugin.js";
import { Bulkheads } from "./limits/bulkheads.js";
import { ChaosSource } from "./chaos.js";
import type { BreakerTerms } from "./breaker/breaker-group.js";
import { CircuitBreakers } from "./breaker/circuit-breakers.js";
import { ErrorClassifier } from "./classification/error-classifier.js";
import { bulkhead } from "./decorators/bulkhead.js";
import { chaos } from "./decorators/chaos.js";
import { degrade } from "./decorators/degrade.js";
import { handled } from "./decorators/handled.js";
import { hedge } from "./decorators/hedge.js";
import { rateLimit } from "./decorators/rate-limit.js";
import { retry } from "./decorators/retry.js";
import { timeout } from "./decorators/timeout.js";
import { Delays } from "./retry/delays.js";
import { ErrorHandler } from "./handling/error-handler.js";
import { errorLogOf } from "./handling/error-log-section.js";
import { termsOf, type EffectiveBreakerOptions } from "./options/breaker.js";
import { metrics } from "./metrics.js";
import { chaosOff, sharedLimits } from "./production-checks.js";
import { RateLimiters } from "./limits/rate-limiters.js";
import { RedisRateLimits } from "./limits/redis-rate-limits.js";
import { RetryBudgets } from "./retry/retry-budget.js";
import { Timers } from "./timing/timers.js";
import "./events.js";

/** The decorators of resilience, the state that they keep in a kernel, its health and its metrics. */
export const resiliencePlugin = definePlugin({
  name: "resilience",
  decorators: [retry, timeout, bulkhead, rateLimit, hedge, chaos, degrade, handled],
  register(kernel) {
    const { services } = kernel;
    services.value(Delays, new Delays());
    const classifier = new ErrorClassifier();
    services.value(ErrorClassifier, classifier);
    services.value(ErrorHandler, new ErrorHandler(classifier));
    services.value(RetryBudgets, new RetryBudgets());
    services.value(Timers, new Timers());
    services.value(Bulkheads, new Bulkheads());
    services.value(RateLimiters, new RateLimiters());
    services.value(RedisRateLimits, new RedisRateLimits());
    services.value(ChaosSource, new ChaosSource());
    services.value(CircuitBreakers, new CircuitBreakers((id) => breakerTermsOf(kernel, id)));
  },
  async start(kernel) {
    await configureErrors(kernel);
    const breakers = kernel.resolve(CircuitBreakers);
    // A breaker that the configuration turned off would stay open for ever: no call probes it.
    kernel.onStop(
      kernel.hooks.hook("kernel:reloaded", () =>
        breakers.retain((id) => breakerTermsOf(kernel, id) !== undefined),
      ),
    );
  },
  reload: configureErrors,
  // Only calls that outlast the time to drain still wait here.
  async stop(kernel) {
    kernel.resolve(Delays).end();
    kernel.resolve(Timers).end();
    kernel.resolve(RedisRateLimits).end();
    await kernel.resolve(ErrorHandler).flush();
  },
  productionChecks: [chaosOff, sharedLimits],
  healthChecks: [
    (kernel) => ({
      name: "breakers",
      critical: false,
      check() {
        const breakers = kernel.resolve(CircuitBreakers).list();
        const notClosed = breakers.filter(({ state, mode }) => state !== "closed" && mode === "enforce");
        return {
          status: notClosed.length > 0 ? "degraded" : "up",
          details: { breakers: breakers.length, notClosed },
        };
      },
    }),
  ],
  metrics,
});

async function configureErrors(kernel: PluginKernel): Promise<void> {
  const { rules = [] } = kernel.config.section<ErrorHandlingOptions>("errorHandling");
  kernel.resolve(ErrorClassifier).configure(rules);
  await kernel.resolve(ErrorHandler).logTo(errorLogOf(kernel.config));
}

/** What an operation wants of its breaker at present; nothing where it passes none. */
function breakerTermsOf({ operations }: PluginKernel, id: string): BreakerTerms | undefined {
  try {
    const step = operations
      .explain(id)
      .chain.find(({ advice, placement }) => advice === degrade.advice.name && placement === "breaker");
    const options = step?.options.find(({ name }) => name === "breaker")?.value;
    return options ? termsOf(options as EffectiveBreakerOptions) : undefined;
  } catch {
    // Gone, or given options that cannot work, which every call of it reports: nothing passes.
    return undefined;
  }
}
