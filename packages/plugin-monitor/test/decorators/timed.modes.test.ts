import { type Kernel, onEvent } from "@mlmcp/core";
import { createTestKernel } from "@mlmcp/core/testing";
import { monitorPlugin, PerformanceMonitor, timed, type OperationSummary } from "@mlmcp/plugin-monitor";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

const wait = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

class Reports {
  @timed({ slow: 100 })
  async summarise(ms: number): Promise<number> {
    await wait(ms);
    return ms;
  }

  @timed("reports/total")
  total(): number {
    vi.advanceTimersByTime(3);
    return 7;
  }

  @timed()
  async fail(ms: number): Promise<never> {
    await wait(ms);
    throw new Error("no");
  }

  @timed()
  throwing(): never {
    throw new Error("no");
  }

  @timed()
  async *rows(count: number, fault?: Error): AsyncGenerator<number> {
    for (let row = 0; row < count; row++) {
      await wait(10);
      yield row;
    }
    if (fault) throw fault;
  }

  @timed()
  static parse(text: string): number {
    return Number(text);
  }
}

@timed()
class Whole {
  one(): number {
    return 1;
  }
  async two(): Promise<number> {
    return 2;
  }
}

describe("@timed", () => {
  let kernel: Kernel;
  let reports: Reports;
  const rowOf = (operation: string): OperationSummary | undefined =>
    kernel
      .resolve(PerformanceMonitor)
      .summary()
      .find((row) => row.operation === operation);

  beforeEach(async () => {
    kernel = await createTestKernel({ plugins: [monitorPlugin] });
    reports = kernel.adopt(new Reports());
    vi.useFakeTimers({ toFake: ["setTimeout", "performance"] });
  });
  afterEach(async () => {
    vi.useRealTimers();
    await kernel.stop();
  });

  it("times an async method until its promise settles", async () => {
    const call = reports.summarise(40);
    await vi.advanceTimersByTimeAsync(40);
    expect(await call).toBe(40);
    expect(rowOf("Reports.summarise")).toMatchObject({ calls: 1, errors: 0, p50: 40, total: 40 });
  });

  it("times a synchronous method and leaves it so, under the name that it is given", () => {
    expect(reports.total()).toBe(7);
    expect(rowOf("reports/total")).toMatchObject({ calls: 1, total: 3 });
    expect(Reports.parse("5")).toBe(5);
    expect(rowOf("Reports.static.parse")).toMatchObject({ calls: 1 });
  });

  it("counts errors, thrown and rejected, with their time", async () => {
    const call = reports.fail(25).catch((error: unknown) => String(error));
    await vi.advanceTimersByTimeAsync(25);
    expect(await call).toBe("Error: no");
    expect(rowOf("Reports.fail")).toMatchObject({ calls: 1, errors: 1, total: 25 });
    expect(() => reports.throwing()).toThrow("no");
    expect(rowOf("Reports.throwing")).toMatchObject({ calls: 1, errors: 1 });
  });

  it("times calls that run at once each by itself", async () => {
    const calls = Promise.all([30, 10, 20].map((ms) => reports.summarise(ms)));
    await vi.advanceTimersByTimeAsync(10);
    expect(rowOf("Reports.summarise")).toMatchObject({ calls: 1, inFlight: 2, total: 10 });
    await vi.advanceTimersByTimeAsync(20);
    expect(await calls).toEqual([30, 10, 20]);
    expect(rowOf("Reports.summarise")).toMatchObject({ calls: 3, inFlight: 0, total: 60 });
  });

  describe("on a stream", () => {
    it("lasts until the iteration has ended", async () => {
      const rows: number[] = [];
      const iteration = (async () => {
        for await (const row of reports.rows(3)) rows.push(row);
      })();
      await vi.advanceTimersByTimeAsync(20);
      expect(rowOf("Reports.rows")).toMatchObject({ calls: 0, inFlight: 1 });
      await vi.advanceTimersByTimeAsync(10);
      await iteration;
      expect(rows).toEqual([0, 1, 2]);
      expect(rowOf("Reports.rows")).toMatchObject({ calls: 1, inFlight: 0, errors: 0, total: 30 });
    });

    it("ends when the iteration is left or fails", async () => {
      const left = (async () => {
        for await (const _ of reports.rows(3)) break;
      })();
      await vi.advanceTimersByTimeAsync(10);
      await left;
      expect(rowOf("Reports.rows")).toMatchObject({ calls: 1, inFlight: 0, errors: 0, total: 10 });
      const failed = (async () => {
        for await (const _ of reports.rows(1, new Error("no"))) continue;
      })().catch((error: unknown) => String(error));
      await vi.advanceTimersByTimeAsync(10);
      expect(await failed).toBe("Error: no");
      expect(rowOf("Reports.rows")).toMatchObject({ calls: 2, inFlight: 0, errors: 1, total: 20 });
    });
  });

  it("publishes a call that is slower than it should be, and no other", async () => {
    const slow: unknown[] = [];
    const stop = onEvent("operation:slow", (event) => slow.push(event));
    const calls = Promise.all([100, 101].map((ms) => reports.summarise(ms)));
    await vi.advanceTimersByTimeAsync(101);
    await calls;
    stop();
    expect(slow).toEqual([
      { kernel: kernel.id, operation: "Reports.summarise", durationMs: 101, slowMs: 100 },
    ]);
  });

  it("times every method of a class", async () => {
    const whole = kernel.adopt(new Whole());
    expect(whole.one() + (await whole.two())).toBe(3);
    expect(rowOf("Whole.one")).toMatchObject({ calls: 1 });
    expect(rowOf("Whole.two")).toMatchObject({ calls: 1 });
  });
});
