import { channel } from "node:diagnostics_channel";
import {
  createMethodDecorator,
  degrade,
  definePlugin,
  retry,
  type EventName,
  type KernelConfig,
} from "@mlmcp/core";
import { createTestKernel, decoratorContract, pluginContract } from "@mlmcp/core/testing";
import { monitorPlugin, PerformanceMonitor, timed } from "@mlmcp/plugin-monitor";
import { describe, expect, it } from "vitest";
import { parseExposition } from "./exposition.js";

/** Publishes what a cache does: a miss at the first call with an argument, then hits. */
const remembered = createMethodDecorator({
  name: "remembered",
  schema: { type: "object" },
  parts: [
    {
      at: "cache",
      around: (next, binding) => {
        const kept = new Map<unknown, unknown>();
        const [hit, miss] = (["cache:hit", "cache:miss"] as string[] as EventName[]).map((name) =>
          binding.event(name),
        );
        return async (self, args) => {
          (kept.has(args[0]) ? hit : miss)!.publish({} as never);
          if (!kept.has(args[0])) kept.set(args[0], await next(self, args));
          return kept.get(args[0]);
        };
      },
    },
  ],
});
const rememberPlugin = definePlugin({ name: "remember", decorators: [remembered] });
const kernelWith = (config: KernelConfig = {}, env: NodeJS.ProcessEnv = {}) =>
  createTestKernel({ plugins: [monitorPlugin, rememberPlugin], config, env });
const listened = () =>
  ["cache:hit", "cache:miss", "retry:attempt", "degrade:fallback"].map(
    (name) => channel(`mlmcp:${name}`).hasSubscribers,
  );

class Source {
  failures = 0;

  @timed()
  @remembered()
  @degrade({ fallback: "sample" })
  @retry({ maxRetries: 2, initialDelay: 0 })
  async load(name: string): Promise<string> {
    if (this.failures-- > 0) throw new Error("down");
    return name;
  }

  sample(): string {
    return "sample";
  }

  @retry({ maxRetries: 1, initialDelay: 0 })
  async untimed(): Promise<number> {
    if (this.failures-- > 0) throw new Error("down");
    return 1;
  }
}

describe("the plugin keeps the contract of plugins:", () => {
  for (const { title, run } of pluginContract({ plugin: monitorPlugin }))
    it(title, () => expect(run()).resolves.toBeUndefined());
});

describe("@timed keeps the contract of decorators:", () => {
  for (const options of [undefined, { slow: "1s", buckets: [1, "1s"] }]) {
    describe(JSON.stringify(options) ?? "without options", () => {
      for (const { title, run } of decoratorContract({ decorator: timed, plugins: [monitorPlugin], options }))
        it(title, () => expect(run()).resolves.toBeUndefined());
    });
  }
});

describe("the monitor of a kernel", () => {
  it("tells how calls came to their results: cached, retried, degraded", async () => {
    await using kernel = await kernelWith();
    const source = kernel.adopt(new Source());
    await source.load("a");
    await source.load("a");
    await source.load("a");
    source.failures = 1;
    await source.load("b");
    source.failures = 3;
    expect(await source.load("c")).toBe("sample");
    expect(kernel.resolve(PerformanceMonitor).summary()).toMatchObject([
      { operation: "Source.load", calls: 5, errors: 0, cached: 2, retried: 3, degraded: 1, inFlight: 0 },
    ]);
    const families = parseExposition(await kernel.resolve(PerformanceMonitor).metrics());
    const values = (family: string) =>
      families.get(family)!.samples.map(({ labels, value }) => [...Object.values(labels), value].join(" "));
    expect(values("mlmcp_operation_calls_total")).toEqual(["Source.load ok 5", "Source.load error 0"]);
    expect(values("mlmcp_cache_requests_total").toSorted()).toEqual([
      "Source.load hit 2",
      "Source.load miss 3",
    ]);
    expect(values("mlmcp_retry_attempts_total")).toEqual(["Source.load 3"]);
    expect(values("mlmcp_degraded_total")).toEqual(["Source.load 1"]);
  });

  it("counts what happens in operations that are not timed, in its metrics only", async () => {
    await using kernel = await kernelWith();
    const source = kernel.adopt(new Source());
    source.failures = 1;
    await source.untimed();
    const monitor = kernel.resolve(PerformanceMonitor);
    expect(monitor.summary()).toEqual([]);
    expect(await monitor.metrics()).toContain('mlmcp_retry_attempts_total{operation="Source.untimed"} 1');
  });

  it("hears nothing of another kernel", async () => {
    await using one = await kernelWith();
    await using other = await kernelWith();
    const source = one.adopt(new Source());
    await source.load("a");
    await source.load("a");
    expect(one.resolve(PerformanceMonitor).summary()).toMatchObject([{ calls: 2, cached: 1 }]);
    expect(other.resolve(PerformanceMonitor).summary()).toEqual([]);
    expect(await other.resolve(PerformanceMonitor).metrics()).not.toContain("Source.load");
  });

  it("listens from start to stop, and can still be read afterwards", async () => {
    expect(listened()).toEqual([false, false, false, false]);
    const kernel = await kernelWith();
    const monitor = kernel.resolve(PerformanceMonitor);
    expect(listened()).toEqual([true, true, true, true]);
    await kernel.adopt(new Source()).load("a");
    await kernel.stop();
    expect(listened()).toEqual([false, false, false, false]);
    expect(monitor.summaryTable()).toMatch(/^operation +calls[^]*\nSource\.load +1 /);
  });

  it("neither times nor listens under performance.enableMonitoring: false, and follows a reload", async () => {
    const env: NodeJS.ProcessEnv = { MLMCP_PERFORMANCE_ENABLE_MONITORING: "false" };
    await using kernel = await kernelWith({}, env);
    const monitor = kernel.resolve(PerformanceMonitor);
    const source = kernel.adopt(new Source());
    await source.load("a");
    monitor.operation("block", () => 1);
    expect(listened()).toEqual([false, false, false, false]);
    expect(monitor.summary()).toEqual([]);

    env["MLMCP_PERFORMANCE_ENABLE_MONITORING"] = "true";
    await kernel.reload();
    await source.load("a");
    expect(listened()).toEqual([true, true, true, true]);
    expect(monitor.summary()).toMatchObject([{ operation: "Source.load", calls: 1 }]);

    env["MLMCP_PERFORMANCE_ENABLE_MONITORING"] = "false";
    await kernel.reload();
    await source.load("a");
    expect(listened()).toEqual([false, false, false, false]);
    expect(monitor.summary()).toMatchObject([{ operation: "Source.load", calls: 1 }]);
  });

  it("keeps its counts over a reload; other bounds start with empty buckets", async () => {
    const env: NodeJS.ProcessEnv = { MLMCP_MONITOR_BUCKETS: '["1s", "1m"]' };
    await using kernel = await kernelWith({}, env);
    const monitor = kernel.resolve(PerformanceMonitor);
    const source = kernel.adopt(new Source());
    const bucketsOf = async () =>
      parseExposition(await monitor.metrics())
        .get("mlmcp_operation_duration_seconds")!
        .samples.filter(({ labels }) => labels["le"])
        .map(({ labels, value }) => `${labels["le"]}: ${value}`);
    await source.load("a");
    expect(await bucketsOf()).toEqual(["1: 1", "60: 1", "+Inf: 1"]);
    await kernel.reload();
    await source.load("a");
    expect(await bucketsOf()).toEqual(["1: 2", "60: 2", "+Inf: 2"]);
    env["MLMCP_MONITOR_BUCKETS"] = "[2000]";
    await kernel.reload();
    await source.load("a");
    expect(await bucketsOf()).toEqual(["2: 1", "+Inf: 1"]);
    expect(monitor.summary()).toMatchObject([{ calls: 3 }]);
  });

  it("bounds how many operations it tells apart", async () => {
    await using kernel = await kernelWith({ monitor: { maxOperations: 1 } });
    const monitor = kernel.resolve(PerformanceMonitor);
    for (const name of ["a", "b", "c"]) monitor.operation(name, () => 1);
    expect(
      monitor
        .summary()
        .map(({ operation, calls }) => `${operation} ${calls}`)
        .toSorted(),
    ).toEqual(["(other) 2", "a 1"]);
  });

  it.each([{ buckets: [] }, { buckets: [0] }, { buckets: ["soon"] }, { maxOperations: 0 }, { slow: -1 }])(
    "refuses the section %j",
    async (monitor) => {
      await expect(kernelWith({ monitor: monitor as object })).rejects.toThrow(/monitor/);
    },
  );
});
