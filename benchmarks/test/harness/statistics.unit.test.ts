import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { paired, quantile, spreadOf } from "../../src/harness/statistics.js";

const values = fc.array(fc.double({ min: 0, max: 1e9, noNaN: true }), { minLength: 1, maxLength: 50 });

describe("quantile", () => {
  it("is the middle value of an odd number of values, whatever their order", () => {
    expect(quantile([9, 1, 5], 0.5)).toBe(5);
  });

  it("lies between the two nearest values where it falls between them", () => {
    expect(quantile([10, 20], 0.5)).toBe(15);
    expect(quantile([1, 2, 3, 4], 0.25)).toBe(1.75);
  });

  it("begins at the smallest and ends at the largest value", () => {
    expect(quantile([3, 1, 2], 0)).toBe(1);
    expect(quantile([3, 1, 2], 1)).toBe(3);
  });

  it("compares numbers and not their texts", () => {
    expect(quantile([100, 9, 20], 0.5)).toBe(20);
  });

  it("leaves the values as they are", () => {
    const given = [3, 1, 2];
    quantile(given, 0.5);
    expect(given).toEqual([3, 1, 2]);
  });

  it("has no answer without values", () => {
    expect(() => quantile([], 0.5)).toThrow("Received no values");
  });

  it("never falls when the part grows, and never leaves the range of the values", () => {
    fc.assert(
      fc.property(
        values,
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (given, a, b) => {
          const [lower, upper] = [quantile(given, Math.min(a, b)), quantile(given, Math.max(a, b))];
          const slack = Math.max(...given) * 1e-12;
          expect(lower).toBeLessThanOrEqual(upper + slack);
          expect(lower).toBeGreaterThanOrEqual(Math.min(...given));
          expect(upper).toBeLessThanOrEqual(Math.max(...given) + slack);
        },
      ),
    );
  });
});

describe("spreadOf", () => {
  it("gives the median and the quartiles", () => {
    expect(spreadOf([5, 1, 4, 2, 3])).toEqual({ median: 3, p25: 2, p75: 4 });
  });

  it("hardly moves for one batch that something else has slowed down", () => {
    const calm = Array.from({ length: 100 }, (_, index) => 50 + (index % 5));
    expect(spreadOf([...calm, 5_000]).median).toBe(spreadOf(calm).median);
  });
});

describe("paired", () => {
  it("compares values of the same round only", () => {
    expect(paired([10, 40, 90], [5, 10, 15], (value, reference) => value / reference).median).toBe(4);
  });

  it("cancels what slows a whole round", () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0.5, max: 100, noNaN: true }), { minLength: 1, maxLength: 30 }),
        fc.double({ min: 0.1, max: 50, noNaN: true }),
        (slowness, factor) => {
          const reference = slowness.map((slow) => 30 * slow);
          const contender = slowness.map((slow) => 30 * slow * factor);
          const { median, p25, p75 } = paired(contender, reference, (value, other) => value / other);
          for (const ratio of [median, p25, p75]) expect(ratio).toBeCloseTo(factor, 6);
        },
      ),
    );
  });

  it("refuses rounds that do not match", () => {
    expect(() => paired([1, 2], [1], (value) => value)).toThrow(
      "Received 2 values and 1 to compare them with",
    );
  });
});
