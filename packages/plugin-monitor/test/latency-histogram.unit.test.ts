import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { HIGHEST, LatencyHistogram, LOWEST, RELATIVE_ERROR } from "../src/latency-histogram.js";

function histogramOf(durations: readonly number[]): LatencyHistogram {
  const histogram = new LatencyHistogram();
  for (const duration of durations) histogram.record(duration);
  return histogram;
}

/** The definition itself: at least the part `q` of the sorted values does not exceed the answer. */
function exactPercentile(durations: readonly number[], q: number): number {
  const sorted = [...durations].sort((a, b) => a - b);
  return sorted.find((value) => sorted.filter((other) => other <= value).length >= q * sorted.length - 1e-9)!;
}

const quantile = fc.constantFrom(0, 0.01, 0.07, 0.5, 0.9, 0.95, 0.99, 0.999, 1);

describe("a latency histogram", () => {
  it("gives every percentile within its stated error of the exact one", () => {
    const duration = fc.oneof(
      fc.double({ min: LOWEST, max: HIGHEST, noNaN: true, maxExcluded: true }),
      // Magnitudes evenly: a uniform double is nearly always a large one.
      fc.double({ min: -10, max: 27, noNaN: true, maxExcluded: true }).map((exponent) => 2 ** exponent),
      fc.constantFrom(LOWEST, 1, 2, 1000, 1.015625, 60_000),
    );
    fc.assert(
      fc.property(fc.array(duration, { minLength: 1, maxLength: 60 }), quantile, (durations, q) => {
        const exact = exactPercentile(durations, q);
        const estimate = histogramOf(durations).percentile(q)!;
        expect(Math.abs(estimate - exact)).toBeLessThanOrEqual(exact * RELATIVE_ERROR);
      }),
      { numRuns: 2_000 },
    );
  });

  it("holds the bound on a thousand values of one shape", () => {
    const durations = Array.from({ length: 1_000 }, (_, index) => Math.exp(index / 100));
    const histogram = histogramOf(durations);
    for (const q of [0.5, 0.95, 0.99]) {
      const exact = durations[Math.ceil(q * 1_000 - 1e-9) - 1]!;
      expect(Math.abs(histogram.percentile(q)! / exact - 1)).toBeLessThanOrEqual(RELATIVE_ERROR);
    }
  });

  it("never answers outside what it has seen", () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0, max: 1e12, noNaN: true }), { minLength: 1 }),
        quantile,
        (durations, q) => {
          const estimate = histogramOf(durations).percentile(q)!;
          expect(estimate).toBeGreaterThanOrEqual(Math.min(...durations));
          expect(estimate).toBeLessThanOrEqual(Math.max(...durations));
        },
      ),
    );
  });

  it("answers exactly where all durations are one", () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1e12, noNaN: true }), quantile, (duration, q) => {
        expect(histogramOf([duration, duration, duration]).percentile(q)).toBe(duration);
      }),
    );
  });

  it("grows with the percentile", () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 1e9, noNaN: true }), { minLength: 1 }), (durations) => {
        const histogram = histogramOf(durations);
        const answers = [0, 0.25, 0.5, 0.75, 0.95, 0.99, 1].map((q) => histogram.percentile(q)!);
        expect(answers).toEqual(answers.toSorted((a, b) => a - b));
      }),
    );
  });

  it("knows nothing before the first duration and after a reset", () => {
    const histogram = new LatencyHistogram();
    expect(histogram.percentile(0.5)).toBeUndefined();
    histogram.record(5);
    expect(histogram.count).toBe(1);
    histogram.reset();
    expect(histogram.count).toBe(0);
    expect(histogram.percentile(0.5)).toBeUndefined();
    histogram.record(3);
    expect(histogram.percentile(1)).toBe(3);
  });

  it("counts what a clock should not give, and stays usable", () => {
    const histogram = histogramOf([-1, 0, Number.NaN, Infinity, 10, 10, 10]);
    expect(histogram.count).toBe(7);
    expect(histogram.percentile(0.6)).toBeCloseTo(10, 0);
  });
});
