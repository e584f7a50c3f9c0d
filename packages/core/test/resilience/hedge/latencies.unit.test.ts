import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Latencies } from "../../../src/resilience/hedge/latencies.js";

describe("Latencies", () => {
  it("say nothing before enough calls are known", () => {
    const latencies = new Latencies();
    for (let i = 0; i < 19; i++) latencies.record(i);
    expect(latencies.percentile(95)).toBeUndefined();
    latencies.record(19);
    expect(latencies.percentile(95)).toBe(18);
  });

  it("give the nearest rank of the latest 256 calls", () => {
    const durations = fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), {
      minLength: 20,
      maxLength: 600,
    });
    fc.assert(
      fc.property(durations, fc.integer({ min: 1, max: 100 }), (all, percentile) => {
        const latencies = new Latencies();
        for (const ms of all) latencies.record(ms);
        const latest = all.slice(-256).sort((a, b) => a - b);
        const value = latencies.percentile(percentile)!;
        expect(latest.filter((ms) => ms <= value).length).toBeGreaterThanOrEqual(
          (percentile / 100) * latest.length,
        );
        expect(latest.filter((ms) => ms < value).length).toBeLessThan((percentile / 100) * latest.length);
      }),
    );
  });

  it("follow the calls, some at a time", () => {
    const latencies = new Latencies();
    for (let i = 0; i < 20; i++) latencies.record(10);
    expect(latencies.percentile(50)).toBe(10);
    for (let i = 0; i < 300; i++) latencies.record(99);
    expect(latencies.percentile(50)).toBe(99);
    expect(latencies.percentile(10)).toBe(99);
  });
});
