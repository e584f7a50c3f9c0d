import { definePlugin, type PluginKernel } from "../plugin.js";
import { CircuitBreakers } from "./circuit-breakers.js";
import { degrade } from "./decorators/degrade.js";
import { retry } from "./decorators/retry.js";
import { Delays } from "./delays.js";
import "./events.js";

/** `@retry` and `@degrade`, their breakers, and the health of these. */
export const resiliencePlugin = definePlugin({
  name: "resilience",
  decorators: [retry, degrade],
  register({ services }) {
    services.value(Delays, new Delays());
    services.value(CircuitBreakers, new CircuitBreakers());
  },
  start(kernel) {
    const breakers = kernel.resolve(CircuitBreakers);
    // A breaker that the configuration turned off would stay open for ever: no call probes it.
    kernel.onStop(
      kernel.hooks.hook("kernel:reloaded", () => breakers.retain((id) => passesBreaker(kernel, id))),
    );
  },
  // Only calls that outlast the time to drain still wait for a retry here.
  stop: (kernel) => kernel.resolve(Delays).end(),
  healthChecks: [
    (kernel) => ({
      name: "breakers",
      critical: false,
      check() {
        const breakers = kernel.resolve(CircuitBreakers).list();
        const notClosed = breakers.filter(({ state }) => state !== "closed");
        return {
          status: notClosed.length > 0 ? "degraded" : "up",
          details: { breakers: breakers.length, notClosed },
        };
      },
    }),
  ],
});

function passesBreaker({ operations }: PluginKernel, id: string): boolean {
  try {
    return operations
      .explain(id)
      .chain.some(({ advice, placement }) => advice === degrade.advice.name && placement === "breaker");
  } catch {
    // Gone, or given options that cannot work, which every call of it reports: nothing passes.
    return false;
  }
}
