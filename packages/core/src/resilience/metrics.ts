import type { MetricSample } from "../kernel/metrics.js";
import type { Metric, PluginKernel } from "../plugin.js";
import { CircuitBreakers, type BreakerStatus, type BreakerSummary } from "./breaker/circuit-breakers.js";
import { Bulkheads, type BulkheadStatus } from "./limits/bulkheads.js";
import { RateLimiters, type RateLimiterStatus } from "./limits/rate-limiters.js";
import { RetryBudgets } from "./retry/retry-budget.js";
import { now } from "./timing/clock.js";

/**
 * How breakers, limits and budgets are at this moment, as the binding of Resilience4j to Micrometer
 * tells it. What happens in calls, such as rejections, is told by events.
 */
export const metrics: readonly Metric[] = [
  {
    name: "mlmcp_breaker_state",
    help: "Breakers in each state: 1 in the state of a single one and 0 in the others, and how many there are of one for each key.",
    type: "gauge",
    read: (kernel) =>
      ofBreakers(kernel, ({ states }, labels) =>
        Object.entries(states).map(([state, value]) => ({ value, labels: { ...labels, state } })),
      ),
  },
  ofSingleBreaker(
    "consecutive_failures",
    "Failures in a row of a single breaker; while it is not closed, those before it opened.",
    ({ failures }) => failures,
  ),
  ofSingleBreaker(
    "window_calls",
    "Calls in the window that the rates of a single breaker are taken of; while it is not closed, when it opened.",
    ({ window }) => window?.calls,
  ),
  ofSingleBreaker(
    "window_failed_calls",
    "Calls in that window that failed.",
    ({ window }) => window?.failures,
  ),
  ofSingleBreaker("window_slow_calls", "Calls in that window that were slow.", ({ window }) => window?.slow),
  ofBulkheads("running", "Calls that hold a place.", ({ running }) => running),
  ofBulkheads("waiting", "Calls that wait for a place.", ({ waiting }) => waiting),
  ofBulkheads("max_concurrent", "Calls that may run at the same time.", ({ maxConcurrent }) => maxConcurrent),
  ofBulkheads("max_waiting", "Calls that may wait for a place.", ({ queue }) => queue),
  ofRateLimits(
    "available_permits",
    "Calls that could begin now, where no key and no Redis counts.",
    ({ available }) => available,
  ),
  ofRateLimits("max_permits", "Calls that may begin in an interval, of each key.", ({ limit }) => limit),
  ofRateLimits("waiting", "Calls that wait for their turn in this process.", ({ waiting }) => waiting),
  {
    name: "mlmcp_retry_budget_available",
    help: "Retries and hedges that the operation could make now.",
    type: "gauge",
    *read(kernel) {
      const budgets = kernel.resolve(RetryBudgets);
      for (const operation of kernel.operations.list()) {
        for (const [budget = "", use] of budgets.usesOf(operation, kernel.config))
          yield { value: use.available(now()), labels: { operation: operation.id, budget } };
      }
    },
  },
];

type Labels = NonNullable<MetricSample["labels"]>;

function ofBreakers(
  kernel: PluginKernel,
  samplesOf: (breaker: BreakerSummary, labels: Labels) => MetricSample[],
): MetricSample[] {
  return kernel
    .resolve(CircuitBreakers)
    .summary()
    .flatMap((breaker) => samplesOf(breaker, { operation: breaker.operation, mode: breaker.mode }));
}

/** No value for breakers by key, which may be many, nor where the breaker does not know one. */
function ofSingleBreaker(
  what: string,
  help: string,
  valueOf: (breaker: Pick<BreakerStatus, "failures" | "window">) => number | undefined,
): Metric {
  return {
    name: `mlmcp_breaker_${what}`,
    help,
    type: "gauge",
    read: (kernel) =>
      ofBreakers(kernel, ({ single }, labels) => {
        const value = single && valueOf(single);
        return value === undefined ? [] : [{ value, labels }];
      }),
  };
}

function ofBulkheads(what: string, help: string, valueOf: (bulkhead: BulkheadStatus) => number): Metric {
  return {
    name: `mlmcp_bulkhead_${what}`,
    help,
    type: "gauge",
    read: (kernel) => byName(kernel.resolve(Bulkheads).list(), valueOf),
  };
}

function ofRateLimits(
  what: string,
  help: string,
  valueOf: (limit: RateLimiterStatus) => number | undefined,
): Metric {
  return {
    name: `mlmcp_rate_limit_${what}`,
    help,
    type: "gauge",
    read: (kernel) => byName(kernel.resolve(RateLimiters).list(), valueOf),
  };
}

function byName<Status extends { readonly name: string }>(
  limits: readonly Status[],
  valueOf: (status: Status) => number | undefined,
): MetricSample[] {
  return limits.flatMap((limit) => {
    const value = valueOf(limit);
    return value === undefined ? [] : [{ value, labels: { operation: limit.name } }];
  });
}
