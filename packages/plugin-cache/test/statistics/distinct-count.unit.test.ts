import fc from "fast-check";
import { expect, it } from "vitest";
import { hashOf } from "../../src/memory/frequency-sketch.js";
import { DistinctCount } from "../../src/statistics/distinct-count.js";

function countOf(from: number, to: number): DistinctCount {
  const count = new DistinctCount();
  for (let thing = from; thing < to; thing++) count.add(hashOf(`thing ${thing}`));
  return count;
}

it.each([[0], [1], [10], [100], [1_000], [5_000], [20_000], [200_000]])(
  "estimates %i different things within a tenth",
  (things) => {
    const estimate = countOf(0, things).estimate();
    expect(Math.abs(estimate - things)).toBeLessThanOrEqual(things * 0.1);
  },
);

it("counts nothing twice", () => {
  const count = countOf(0, 500);
  const before = count.estimate();
  for (let thing = 0; thing < 500; thing++) count.add(hashOf(`thing ${thing}`));
  expect(count.estimate()).toBe(before);
});

it("joins what two have seen, as if one had seen all, also after a way through JSON", () => {
  fc.assert(
    fc.property(fc.nat(2_000), fc.nat(2_000), fc.nat(2_000), (a, b, c) => {
      const [from, middle, to] = [a, b, c].sort((x, y) => x - y) as [number, number, number];
      const joined = new DistinctCount(countOf(from, middle).toJSON());
      joined.merge(countOf(middle, to));
      expect(joined.toJSON()).toBe(countOf(from, to).toJSON());
    }),
    { numRuns: 30 },
  );
});
