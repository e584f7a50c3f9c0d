import { ConfigurationError, onEvent, type KernelConfig } from "@mlmcp/core";
import { createTestKernel } from "@mlmcp/core/testing";
import { monitorPlugin, PerformanceMonitor, timed } from "@mlmcp/plugin-monitor";
import { afterEach, describe, expect, it, vi } from "vitest";

/** Writes a decorator on a method: there its options are checked. */
function written(decorator: any): unknown {
  class Written {
    @decorator
    async method(): Promise<void> {}
  }
  return Written;
}

const kernelWith = (config: KernelConfig = {}) => createTestKernel({ plugins: [monitorPlugin], config });
afterEach(() => void vi.restoreAllMocks());

class Service {
  @timed()
  async run(value: number): Promise<number> {
    return value;
  }
}

describe("@timed", () => {
  it("is tuned by the section, and for one operation by `operations`", async () => {
    vi.spyOn(performance, "now").mockImplementation(() => (clock += 50));
    let clock = 0;
    const heard: number[] = [];
    const stop = onEvent("operation:slow", ({ slowMs }) => heard.push(slowMs));
    for (const config of [
      {},
      { monitor: { slow: "20ms" } },
      { monitor: { slow: "20ms" }, operations: { "Service.run": { timed: { slow: "49ms" } } } },
      { monitor: { slow: 50 } },
    ] satisfies KernelConfig[]) {
      await using kernel = await kernelWith(config);
      await kernel.adopt(new Service()).run(1);
    }
    stop();
    expect(heard).toEqual([20, 49]);
  });

  it("is off for one operation where the configuration says so", async () => {
    await using kernel = await kernelWith({ operations: { "Service.run": { timed: false } } });
    expect(await kernel.adopt(new Service()).run(1)).toBe(1);
    expect(kernel.resolve(PerformanceMonitor).summary()).toEqual([]);
  });

  it("never fails a call: a clock that throws is reported, and the call goes on", async () => {
    await using kernel = await kernelWith();
    const failed: unknown[] = [];
    const stop = onEvent("advice:failed", ({ advice, error }) => failed.push([advice, String(error)]));
    vi.spyOn(performance, "now").mockImplementation(() => {
      throw new Error("no clock");
    });
    expect(await kernel.adopt(new Service()).run(5)).toBe(5);
    stop();
    expect(failed).toEqual([["timed", "Error: no clock"]]);
    expect(kernel.resolve(PerformanceMonitor).summary()).toEqual([]);
  });

  it("counts every one of many calls at once", async () => {
    await using kernel = await kernelWith();
    const service = kernel.adopt(new Service());
    await Promise.all(Array.from({ length: 10_000 }, (_, index) => service.run(index)));
    expect(kernel.resolve(PerformanceMonitor).summary()).toMatchObject([
      { calls: 10_000, errors: 0, inFlight: 0 },
    ]);
  });

  it("times functions that a kernel wraps", async () => {
    await using kernel = await kernelWith();
    const add = kernel.wrap((a: number, b: number) => a + b, { name: "add", timed: true });
    expect(add(1, 2)).toBe(3);
    expect(kernel.resolve(PerformanceMonitor).summary()).toMatchObject([{ operation: "add", calls: 1 }]);
  });

  it("refuses to be used without parentheses, without a name, or with options that it does not have", () => {
    const { run } = Service.prototype;
    expect(() =>
      (timed as unknown as (...given: unknown[]) => unknown)(Service.prototype, "run", { value: run }),
    ).toThrow(/without parentheses/);
    expect(() => (timed as unknown as (...given: unknown[]) => unknown)(run, { kind: "method" })).toThrow(
      /without parentheses/,
    );
    for (const options of [{ labels: {} }, { slow: "soon" }, { buckets: [] }, { buckets: ["0ms"] }]) {
      expect(() => written(timed(options as never)), JSON.stringify(options)).toThrow(ConfigurationError);
    }
  });
});
