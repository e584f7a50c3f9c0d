import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { optimalWorkers } from "../src/optimal-workers.js";

describe("optimalWorkers", () => {
  it("minimises 75·n + W/n within 1 and the limit", () => {
    const complexity = fc.constantFrom("low", "medium", "high", 3.5);
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 1e6, noNaN: true }),
        complexity,
        fc.integer({ min: 1, max: 64 }),
        (dataMb, level, limit) => {
          const work =
            dataMb * (typeof level === "number" ? level : { low: 1, medium: 10, high: 100 }[level as "low"]);
          const time = (workers: number): number => 75 * workers + work / workers;
          const advised = optimalWorkers({ dataMb, complexity: level as number }, limit);
          expect(advised).toBeGreaterThanOrEqual(1);
          expect(advised).toBeLessThanOrEqual(limit);
          const best = Math.min(...Array.from({ length: limit }, (_, index) => time(index + 1)));
          // Rounding the root may miss the best whole number by its neighbour.
          expect(time(advised)).toBeLessThanOrEqual(best * 1.07);
        },
      ),
    );
  });

  it("refuses what is no amount", () => {
    expect(() => optimalWorkers({ dataMb: -1 }, 4)).toThrow("received -1 and medium");
    expect(() => optimalWorkers({ dataMb: 1, complexity: "huge" as never }, 4)).toThrow(RangeError);
  });
});
