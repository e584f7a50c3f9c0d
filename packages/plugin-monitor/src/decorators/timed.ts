import { createMethodDecorator, type Binding, type Observer } from "@mlmcp/core";
import { timedSchema, type MonitorSection, type TimedOptions } from "../options.js";
import { PerformanceMonitor } from "../performance-monitor.js";

/**
 * Times every call of a method: how many, how long, how many failed, how many are running.
 *
 * ```ts
 * class Reports {
 *   @timed({ slow: "2s" })
 *   async summarise(airport: string): Promise<Summary> { ... }
 * }
 *
 * kernel.resolve(PerformanceMonitor).summary(); // [{ operation: "Reports.summarise", calls: 1, p50: 12.4, … }]
 * ```
 *
 * It stands outermost: the time is what the caller waits, retries and fallbacks included, and a
 * call that a cache answers is a call. A method that returns an async iterable is timed until
 * its iteration ends. Methods that do not return a promise stay synchronous.
 *
 * `@timed("name")` is short for `@timed({ name: "name" })`: the operation's id where the class's
 * own name will not do.
 */
export const timed = createMethodDecorator<TimedOptions, string>({
  name: "timed",
  schema: timedSchema,
  shorthand: { schema: { type: "string", minLength: 1 }, read: (name) => ({ name }) },
  serves: { sync: true, streams: true },
  defaults(config) {
    const { slow, buckets } = config.section<MonitorSection>("monitor");
    return { slow, buckets };
  },
  enabled: (config) => config.get("performance.enableMonitoring", true),
  parts: [{ observe }],
});

/** Two clock readings are most of what timing costs: nothing else may be slow here. */
function observe(binding: Binding<TimedOptions>): Observer<number> {
  // Durations are numbers once the options have passed their schema, and the section has bounds.
  const { slow = Infinity, buckets } = binding.options as { slow?: number; buckets: readonly number[] };
  const timing = binding.resolve(PerformanceMonitor).timing(binding.operation.id, buckets);
  const tooSlow = binding.event("operation:slow");
  // The global is an accessor, and reading it twice a call shows in what timing costs.
  const clock = performance;
  return {
    start() {
      const now = clock.now();
      timing.enter();
      return now;
    },
    end(started, ok) {
      const durationMs = clock.now() - started;
      timing.leave(durationMs, ok);
      if (durationMs > slow) tooSlow.publish({ durationMs, slowMs: slow });
    },
  };
}
