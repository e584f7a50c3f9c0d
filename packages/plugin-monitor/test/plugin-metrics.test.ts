import { definePlugin, type KernelConfig, type MetricSample } from "@mlmcp/core";
import { createTestKernel } from "@mlmcp/core/testing";
import { monitorPlugin, PerformanceMonitor } from "@mlmcp/plugin-monitor";
import { describe, expect, it } from "vitest";
import { parseExposition } from "./exposition.js";

const counterOf = (plugin: string, name: string, ...samples: MetricSample[]) =>
  definePlugin({
    name: plugin,
    metrics: [{ name, help: `Counted by ${plugin}.`, type: "counter", read: () => samples }],
  });
const start = (plugins: ReadonlyArray<ReturnType<typeof definePlugin>>, config: KernelConfig = {}) =>
  createTestKernel({ plugins: [monitorPlugin, ...plugins], config });
const samplesOf = (text: string, name: string) =>
  parseExposition(text)
    .get(name)
    ?.samples.map(({ labels, value }) => ({ ...labels, value }));

describe("the metrics of other plugins", () => {
  it("stand beside the monitor's own, as they are when they are asked for", async () => {
    const queue = { length: 3 };
    const post = definePlugin({
      name: "post",
      metrics: [
        { name: "post_queue_letters", help: "Letters that wait.", type: "gauge", read: () => queue.length },
      ],
    });
    await using kernel = await start([
      post,
      counterOf("parcels", "parcels_sent_total", { value: 2, labels: { to: 'a"b\\c\nd' } }),
    ]);
    const monitor = kernel.resolve(PerformanceMonitor);
    monitor.operation("block", () => 1);
    const families = parseExposition(await monitor.metrics());
    expect(families.get("post_queue_letters")).toEqual({
      name: "post_queue_letters",
      type: "gauge",
      help: "Letters that wait.",
      samples: [{ name: "post_queue_letters", labels: {}, value: 3 }],
    });
    expect(families.get("parcels_sent_total")).toMatchObject({
      type: "counter",
      samples: [{ labels: { to: 'a"b\\c\nd' }, value: 2 }],
    });
    expect(families.get("mlmcp_operation_calls_total")!.samples).toHaveLength(2);
    queue.length = 0;
    expect(samplesOf(await monitor.metrics(), "post_queue_letters")).toEqual([{ value: 0 }]);
  });

  it("make one where several tell of it, the monitor among them, and one series of equal labels", async () => {
    const errors = "mlmcp_cache_errors_total";
    await using kernel = await start([
      counterOf("one", errors, { value: 1, labels: { operation: "A.a", action: "get" } }),
      counterOf("two", errors, { value: 2, labels: { action: "get", operation: "A.a" } }, { value: 5 }),
    ]);
    const monitor = kernel.resolve(PerformanceMonitor);
    monitor.count("A.a", "cache:error", { action: "get" });
    monitor.count("A.a", "cache:error", { action: "set" });
    const text = await monitor.metrics();
    expect(samplesOf(text, errors)).toEqual([
      { operation: "A.a", action: "get", value: 4 },
      { operation: "A.a", action: "set", value: 1 },
      { value: 5 },
    ]);
    expect(parseExposition(text).get(errors)!.help).toBe("Failures of a cache itself, by what it was doing.");
  });

  it("tell no more operations apart than the monitor does", async () => {
    const dropped = ["a", "b", "c"].map((operation, index) => ({ value: index + 1, labels: { operation } }));
    await using kernel = await start([counterOf("p", "p_dropped_total", ...dropped)], {
      monitor: { maxOperations: 2 },
    });
    const monitor = kernel.resolve(PerformanceMonitor);
    monitor.operation("b", () => 1);
    expect(samplesOf(await monitor.metrics(), "p_dropped_total")).toEqual([
      { operation: "a", value: 1 },
      { operation: "b", value: 2 },
      { operation: "(other)", value: 3 },
    ]);
  });

  it("are left out under performance.enableMonitoring: false, and once the kernel has stopped", async () => {
    const plugin = counterOf("p", "p_dropped_total", { value: 1 });
    await using silent = await start([plugin], { performance: { enableMonitoring: false } });
    expect(await silent.resolve(PerformanceMonitor).metrics()).not.toContain("p_dropped");
    const kernel = await start([plugin]);
    const monitor = kernel.resolve(PerformanceMonitor);
    expect(await monitor.metrics()).toContain("p_dropped_total 1");
    await kernel.stop();
    expect(await monitor.metrics()).not.toContain("p_dropped");
  });
});
