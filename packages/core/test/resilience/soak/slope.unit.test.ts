import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { slopeOf } from "./slope.js";

describe("the slope of points", () => {
  it("is that of the line on which they lie, without doubt", () => {
    fc.assert(
      fc.property(fc.integer({ min: -50, max: 50 }), fc.integer({ min: -50, max: 50 }), (slope, offset) => {
        const { value, upper } = slopeOf([1, 2, 3, 5, 8].map((x) => [x, offset + slope * x] as const));
        expect(value).toBeCloseTo(slope, 9);
        expect(upper).toBeCloseTo(slope, 6);
      }),
    );
  });

  it("is in doubt as far as they scatter", () => {
    // By hand: slope 0.6, residuals -0.2, 0.6, -0.6 and 0.2 of 0.8 in all, error √(0.8 / 2 / 5).
    const { value, upper } = slopeOf([
      [1, 1],
      [2, 2.4],
      [3, 1.8],
      [4, 3.2],
    ]);
    expect(value).toBeCloseTo(0.6, 9);
    expect(upper).toBeCloseTo(0.6 + 2.92 * Math.sqrt(0.8 / 2 / 5), 6);
  });

  it("needs three points", () => {
    expect(() => slopeOf([[1, 1]])).toThrow(RangeError);
  });
});
