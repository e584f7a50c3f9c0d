import { ConfigurationError, ProcessingError } from "../../errors/index.js";
import { createMethodDecorator } from "../../operations/decorator.js";
import type { Binding, Invoke } from "../../plugin.js";
import { asChaosError, ChaosSource, drawFaults } from "../chaos.js";
import { Delays } from "../retry/delays.js";
import { chaosPolicy, chaosProblem, chaosSchema, rateSchema, type ChaosOptions } from "../options/chaos.js";

/**
 * Makes calls late, fail, or come to wrong results, at a rate: to see that what stands around the
 * method holds. It stands innermost, so that a retry, a breaker or a timeout meets the fault as if
 * it were the method's own.
 *
 * Off unless the configuration says `system: { chaos: true }`; in production the kernel does not
 * start with that, but only with `chaos: force`. A result of chaos never enters a cache.
 *
 * ```ts
 * class Rates {
 *   @chaos({ errorRate: 0.1, latency: { max: "3s" }, latencyRate: 0.2 })
 *   async load(day: string) { return this.api.rates(day); }
 * }
 * ```
 *
 * `@chaos(0.1)` is short for `@chaos({ errorRate: 0.1 })`.
 */
export const chaos = createMethodDecorator<ChaosOptions, number>({
  name: "chaos",
  schema: chaosSchema,
  shorthand: { schema: rateSchema, read: (errorRate) => ({ errorRate }) },
  enabled: (config) => config.get<boolean | "force">("system.chaos") !== false,
  serves: { streams: true },
  context: true,
  check: (options, { returns }) => chaosProblem(options, returns),
  parts: [{ at: "chaos", around }],
});

function around(next: Invoke, binding: Binding<ChaosOptions>): Invoke {
  const { id } = binding.operation;
  const { error, result } = binding.options;
  const policy = chaosPolicy(binding.options);
  if (policy.resultRate > 0) requireContext(binding);
  const source = binding.resolve(ChaosSource);
  const delays = binding.resolve(Delays);
  const struck = binding.event("chaos:strike");
  const random = (): number => source.random();

  const fault = async (kind: "error" | "result", self: unknown, args: unknown[]): Promise<unknown> => {
    if (struck.active) struck.publish({ fault: kind, latencyMs: 0 });
    if (kind === "error") throw asChaosError(await errorOf(error, id, self, args));
    // Whoever keeps results must not keep this one.
    binding.note({ degraded: true });
    return typeof result === "function" ? Reflect.apply(result, self, args) : structuredClone(result?.value);
  };
  const late = async (ms: number, run: () => unknown): Promise<unknown> => {
    await delays.wait(ms, binding.call()?.signal);
    return run();
  };
  return (self, args) => {
    const { latency, kind } = drawFaults(policy, random);
    if (latency === 0) return kind === "none" ? next(self, args) : fault(kind, self, args);
    if (struck.active) struck.publish({ fault: "latency", latencyMs: latency });
    return late(latency, () => (kind === "none" ? next(self, args) : fault(kind, self, args)));
  };
}

function errorOf(error: ChaosOptions["error"], operation: string, self: unknown, args: unknown[]): unknown {
  if (typeof error === "function") return Reflect.apply(error, self, args);
  return new ProcessingError(error ?? `${operation} fails because @chaos says so.`, {
    code: "MLMCP_CHAOS",
    retryable: true,
    context: { operation },
    suggestions: ["This is no fault: `system.chaos` is on in the configuration."],
  });
}

/** A cache is told of a wrong result through the call's context. */
function requireContext({ config, operation }: Binding<ChaosOptions>): void {
  if (config.get<boolean | undefined>("system.context") !== false) return;
  throw new ConfigurationError(
    `@chaos on ${operation.id} gives wrong results, and \`system.context\` is false: a cache could not be told and would keep them.`,
    {
      code: "MLMCP_CHAOS_CONTEXT",
      context: { operation: operation.id },
      suggestions: ["Leave `system.context` out, or `result` out of @chaos."],
    },
  );
}
