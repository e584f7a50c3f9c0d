import {
  bulkhead,
  CircuitBreakers,
  createMethodDecorator,
  definePlugin,
  degrade,
  handled,
  hedge,
  rateLimit,
  retry,
  timeout,
  type EventName,
} from "@mlmcp/core";
import { createTestKernel } from "@mlmcp/core/testing";
import { monitorPlugin, PerformanceMonitor } from "@mlmcp/plugin-monitor";
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { parseExposition } from "./exposition.js";
import { eventMetrics } from "../src/event-metrics.js";

/** Publishes what only other plugins do. */
const published = createMethodDecorator<{ event?: string; fields?: object }>({
  name: "published",
  schema: { type: "object", properties: { event: { type: "string" }, fields: { type: "object" } } },
  parts: [
    {
      at: "observe",
      observe: (binding) => ({
        start: () => {
          const { event, fields } = binding.options;
          binding.event(event as EventName).publish((fields ?? {}) as never);
        },
        end: () => undefined,
      }),
    },
  ],
});
const publishing = definePlugin({ name: "publishing", decorators: [published] });

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
const fail = async (): Promise<never> => {
  throw Object.assign(new Error("down"), { code: "ECONNRESET" });
};

class Source {
  @retry({ maxRetries: 1, initialDelay: 0 })
  async spent(): Promise<never> {
    return fail();
  }

  @degrade({ breaker: { failureThreshold: 1, resetAfter: 100 } })
  async guarded(down: boolean): Promise<void> {
    if (down) await fail();
  }

  @degrade({ breaker: { failureThreshold: 1, mode: "shadow" } })
  async shadowed(): Promise<never> {
    return fail();
  }

  @degrade({ breaker: false, fallback: { value: 0 } })
  async degraded(): Promise<number> {
    return fail();
  }

  @timeout({ attempt: 10 })
  async slow(): Promise<void> {
    await pause(20);
  }

  @bulkhead(1)
  async crowded(): Promise<void> {
    await pause(10);
  }

  @rateLimit({ limit: 1, interval: "1h" })
  async often(): Promise<void> {}

  @hedge({ after: 10, idempotent: true })
  async late(): Promise<void> {
    await pause(50);
  }

  @hedge({ after: 10, idempotent: true, budget: { ratio: 0, minPerSecond: 0 } })
  async frugal(): Promise<void> {
    await pause(50);
  }

  @handled()
  async watched(): Promise<never> {
    return fail();
  }

  @published({ event: "cache:stale", fields: { reason: "slow" } })
  async stale(): Promise<void> {}

  @published({ event: "cache:refresh", fields: { ok: true } })
  async refreshed(): Promise<void> {}

  @published({ event: "cache:refresh", fields: { ok: false } })
  async notRefreshed(): Promise<void> {}

  @published({ event: "cache:set", fields: { tier: "store", bytes: 12 } })
  async written(): Promise<void> {}

  @published({ event: "cache:error", fields: { action: "get" } })
  async broken(): Promise<void> {}

  @published({ event: "cache:hit", fields: { tier: "memory" } })
  async hit(): Promise<void> {}

  @published({ event: "cache:miss" })
  async missed(): Promise<void> {}

  @published({ event: "validation:failed" })
  async wrong(): Promise<void> {}
}
afterAll(() => void Source);

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe("the metrics of events", () => {
  it("count what resilience, caches and validation publish, with the reason as a label", async () => {
    await using kernel = await createTestKernel({ plugins: [monitorPlugin, publishing] });
    const source = kernel.adopt(new Source());
    const all = async (...calls: Array<Promise<unknown>>) => {
      const settled = Promise.allSettled(calls);
      await vi.advanceTimersByTimeAsync(100);
      await settled;
    };
    await all(source.spent(), source.degraded(), source.slow(), source.late(), source.frugal());
    await all(source.crowded(), source.crowded(), source.often(), source.often(), source.watched());
    await all(source.hit(), source.missed(), source.wrong());
    await all(source.stale(), source.stale(), source.refreshed(), source.notRefreshed());
    await all(source.written(), source.broken());
    await all(source.guarded(true).catch(() => source.guarded(false)));
    await all(source.guarded(false));
    await all(source.shadowed().catch(() => source.shadowed()));
    kernel.resolve(CircuitBreakers).isolate("Source.guarded");

    const families = parseExposition(await kernel.resolve(PerformanceMonitor).metrics());
    const seen = [...new Set(Object.values(eventMetrics).map(({ name }) => name))].flatMap((name) =>
      families.get(name)!.samples.map(({ labels: { operation, ...labels }, value }) => {
        const text = Object.entries(labels).map(([label, of]) => `${label}=${of}`);
        return [name.replace(/^mlmcp_|_total$/g, ""), operation, ...text, value].join(" ");
      }),
    );
    expect(seen).toEqual([
      "cache_requests Source.hit result=hit tier=memory 1",
      "cache_requests Source.missed result=miss 1",
      "cache_stale Source.stale reason=slow 2",
      "cache_refreshes Source.refreshed outcome=ok 1",
      "cache_refreshes Source.notRefreshed outcome=error 1",
      "cache_writes Source.written tier=store 1",
      "cache_errors Source.broken action=get 1",
      "retry_attempts Source.spent 1",
      "retry_given_up Source.spent reason=exhausted 1",
      "degraded Source.degraded 1",
      "breaker_opened Source.guarded reason=failures mode=enforce 1",
      "breaker_opened Source.guarded reason=isolated mode=enforce 1",
      "breaker_opened Source.shadowed reason=failures mode=shadow 1",
      "breaker_half_opened Source.guarded reason=elapsed mode=enforce 1",
      "breaker_closed Source.guarded reason=probeSucceeded mode=enforce 1",
      "breaker_rejected Source.guarded reason=open mode=enforce 1",
      "breaker_rejected Source.shadowed reason=open mode=shadow 1",
      "timeouts Source.slow reason=attempt 1",
      "bulkhead_rejected Source.crowded reason=full 1",
      "rate_limit_rejected Source.often 1",
      "hedge_attempts Source.late 1",
      "hedge_throttled Source.frugal 1",
      "errors_handled Source.watched class=transient 1",
      "validation_failed Source.wrong 1",
    ]);
  });

  it("count what a cache does on no operation's behalf, under no operation's name, also while it starts", async () => {
    await using kernel = await createTestKernel({
      plugins: [
        definePlugin({
          name: "store",
          start: (own) => own.event("cache:error" as EventName).publish({ action: "open" } as never),
        }),
        monitorPlugin,
      ],
    });
    const families = parseExposition(await kernel.resolve(PerformanceMonitor).metrics());
    expect(families.get("mlmcp_cache_errors_total")?.samples).toEqual([
      { name: "mlmcp_cache_errors_total", labels: { operation: "", action: "open" }, value: 1 },
    ]);
    expect(kernel.resolve(PerformanceMonitor).summary()).toEqual([]);
  });
});
