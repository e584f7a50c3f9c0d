import { PerformanceMonitor } from "@mlmcp/plugin-monitor";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { parseExposition, type Family } from "./exposition.js";

const sampleOf = (families: Map<string, Family>, family: string, labels: Record<string, string>) =>
  families
    .get(family)
    ?.samples.find((sample) => Object.entries(labels).every(([key, value]) => sample.labels[key] === value))
    ?.value;

describe("PerformanceMonitor", () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "performance"] }));
  afterEach(() => void vi.useRealTimers());

  const after = <T>(ms: number, value: T) => new Promise<T>((resolve) => setTimeout(resolve, ms, value));

  it("times a block until its promise settles, and gives what the block gives", async () => {
    const monitor = new PerformanceMonitor();
    const result = monitor.operation("load", () => after(250, "rows"));
    await vi.advanceTimersByTimeAsync(250);
    await expect(result).resolves.toBe("rows");
    expect(monitor.summary()).toEqual([
      {
        operation: "load",
        calls: 1,
        errors: 0,
        cached: 0,
        retried: 0,
        degraded: 0,
        inFlight: 0,
        p50: 250,
        p95: 250,
        p99: 250,
        total: 250,
      },
    ]);
  });

  it("keeps a synchronous block synchronous", () => {
    const monitor = new PerformanceMonitor();
    const result: number = monitor.operation("add", () => {
      vi.advanceTimersByTime(5);
      return 3;
    });
    expect(result).toBe(3);
    expect(monitor.summary()[0]).toMatchObject({ calls: 1, total: 5 });
  });

  it("counts an error as a call and hands on the same object", async () => {
    const monitor = new PerformanceMonitor();
    const fault = new Error("no");
    expect(() =>
      monitor.operation("m", () => {
        throw fault;
      }),
    ).toThrow(fault);
    await expect(monitor.operation("m", () => Promise.reject(fault))).rejects.toBe(fault);
    expect(monitor.summary()[0]).toMatchObject({ calls: 2, errors: 2, inFlight: 0 });
  });

  it("counts calls that run at once, each with its own time", async () => {
    const monitor = new PerformanceMonitor();
    const calls = [300, 100, 200].map((ms) => monitor.operation("m", () => after(ms, ms)));
    await vi.advanceTimersByTimeAsync(100);
    expect(monitor.summary()[0]).toMatchObject({ calls: 1, inFlight: 2, total: 100 });
    await vi.advanceTimersByTimeAsync(200);
    expect(await Promise.all(calls)).toEqual([300, 100, 200]);
    expect(monitor.summary()[0]).toMatchObject({
      calls: 3,
      inFlight: 0,
      total: 600,
      p50: expect.closeTo(200, -1),
    });
  });

  it("leaves the operation that took most time first", () => {
    const monitor = new PerformanceMonitor();
    monitor.operation("short", () => void vi.advanceTimersByTime(1));
    monitor.operation("long", () => void vi.advanceTimersByTime(10));
    expect(monitor.summary().map(({ operation }) => operation)).toEqual(["long", "short"]);
  });

  it("starts anew on reset, but still counts the end of calls in flight", async () => {
    const monitor = new PerformanceMonitor();
    monitor.operation("done", () => 1);
    const running = monitor.operation("running", () => after(10, 1));
    monitor.reset();
    expect(monitor.summary()).toMatchObject([
      { operation: "running", calls: 0, inFlight: 1, p50: undefined },
    ]);
    await vi.advanceTimersByTimeAsync(10);
    await running;
    expect(monitor.summary()).toMatchObject([{ operation: "running", calls: 1, inFlight: 0, p50: 10 }]);
  });

  it("runs the block and nothing else when it is turned off", () => {
    const monitor = new PerformanceMonitor({ enabled: false });
    expect(monitor.operation("m", () => 1)).toBe(1);
    expect(monitor.summary()).toEqual([]);
  });

  it("counts operations beyond the limit together, and never loses a call", () => {
    const monitor = new PerformanceMonitor({ maxOperations: 3 });
    for (let index = 0; index < 1_000; index++) monitor.operation(`user ${index % 100}`, () => 1);
    const summary = monitor.summary();
    expect(summary.map(({ operation }) => operation).toSorted()).toEqual([
      "(other)",
      "user 0",
      "user 1",
      "user 2",
    ]);
    expect(summary.reduce((calls, row) => calls + row.calls, 0)).toBe(1_000);
  });

  describe("as Prometheus text", () => {
    it("gives every family of its operations", async () => {
      const monitor = new PerformanceMonitor({ buckets: [10, 100] });
      monitor.operation("m", () => void vi.advanceTimersByTime(10));
      expect(() =>
        monitor.operation("m", () => {
          vi.advanceTimersByTime(50);
          throw new Error("no");
        }),
      ).toThrow();
      void monitor.operation("m", () => after(1, 1));
      const families = parseExposition(await monitor.metrics());
      const duration = families.get("mlmcp_operation_duration_seconds");
      expect(duration?.type).toBe("histogram");
      expect(duration?.samples).toEqual([
        { name: "mlmcp_operation_duration_seconds_bucket", labels: { operation: "m", le: "0.01" }, value: 1 },
        { name: "mlmcp_operation_duration_seconds_bucket", labels: { operation: "m", le: "0.1" }, value: 2 },
        { name: "mlmcp_operation_duration_seconds_bucket", labels: { operation: "m", le: "+Inf" }, value: 2 },
        { name: "mlmcp_operation_duration_seconds_sum", labels: { operation: "m" }, value: 0.06 },
        { name: "mlmcp_operation_duration_seconds_count", labels: { operation: "m" }, value: 2 },
      ]);
      expect(sampleOf(families, "mlmcp_operation_calls_total", { operation: "m", outcome: "ok" })).toBe(1);
      expect(sampleOf(families, "mlmcp_operation_calls_total", { operation: "m", outcome: "error" })).toBe(1);
      expect(sampleOf(families, "mlmcp_operation_in_flight", { operation: "m" })).toBe(1);
    });

    it("is valid before anything was called", async () => {
      const families = parseExposition(await new PerformanceMonitor().metrics());
      expect([...families.values()].flatMap(({ samples }) => samples)).toEqual([]);
      expect(families.has("mlmcp_operation_calls_total")).toBe(true);
    });

    it("is valid for any operation names, and tells them apart", async () => {
      const name = fc.oneof(
        fc.string({ unit: "binary" }),
        fc.constantFrom(
          'a"b',
          "a\nb",
          "a\\nb",
          "a\\",
          "",
          " ",
          "{}",
          "café ☕",
          "__proto__",
          "le",
          '",le="1',
          "\r\n",
          "# TYPE x y",
        ),
      );
      await fc.assert(
        fc.asyncProperty(fc.uniqueArray(name, { maxLength: 10 }), async (names) => {
          const monitor = new PerformanceMonitor();
          for (const operation of names) monitor.operation(operation, () => 1);
          const calls = parseExposition(await monitor.metrics()).get("mlmcp_operation_calls_total")!;
          const seen = calls.samples
            .filter(({ labels }) => labels["outcome"] === "ok")
            .map(({ labels }) => labels["operation"]);
          expect(seen.toSorted()).toEqual(names.toSorted());
        }),
        { numRuns: 300 },
      );
    });

    it("counts what events say, also of operations that are not timed", async () => {
      const monitor = new PerformanceMonitor();
      for (const event of ["cache:hit", "cache:hit", "cache:miss"] as const) monitor.count("m", event);
      for (const event of ["retry:attempt", "degrade:fallback", "validation:failed"] as const)
        monitor.count("m", event);
      const families = parseExposition(await monitor.metrics());
      expect(sampleOf(families, "mlmcp_cache_requests_total", { operation: "m", result: "hit" })).toBe(2);
      expect(sampleOf(families, "mlmcp_cache_requests_total", { operation: "m", result: "miss" })).toBe(1);
      for (const family of [
        "mlmcp_retry_attempts_total",
        "mlmcp_degraded_total",
        "mlmcp_validation_failed_total",
      ]) {
        expect(sampleOf(families, family, { operation: "m" }), family).toBe(1);
      }
      expect(monitor.summary()).toEqual([]);
    });

    it("shares nothing with another monitor of the process, nor with the library's global registry", async () => {
      const [one, other] = [new PerformanceMonitor(), new PerformanceMonitor()];
      one.operation("mine", () => 1);
      expect(await other.metrics()).not.toContain("mine");
      expect(await one.metrics()).toContain("mine");
      const { register } = await import("prom-client");
      expect(await register.metrics()).not.toContain("mlmcp_");
    });
  });
});
