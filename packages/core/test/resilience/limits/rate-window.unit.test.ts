import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { RateWindow } from "../../../src/resilience/limits/rate-window.js";

const rates = fc.record({ limit: fc.integer({ min: 1, max: 8 }), interval: fc.integer({ min: 1, max: 50 }) });
const gaps = fc.array(fc.integer({ min: 0, max: 20 }), { maxLength: 80 });

/** What a sliding window admits, counted one by one. */
function admittedBy(
  { limit, interval }: { limit: number; interval: number },
  times: readonly number[],
): number[] {
  const admitted: number[] = [];
  for (const time of times) {
    if (admitted.filter((earlier) => earlier > time - interval).length < limit) admitted.push(time);
  }
  return admitted;
}

const timesOf = (steps: readonly number[]) => {
  let now = 0;
  return steps.map((step) => (now += step));
};

describe("RateWindow", () => {
  it("admits exactly what a sliding window does", () => {
    fc.assert(
      fc.property(rates, gaps, (rate, steps) => {
        const window = new RateWindow();
        const times = timesOf(steps);
        expect(times.filter((time) => window.admit(time, rate))).toEqual(admittedBy(rate, times));
      }),
      { numRuns: 2_000 },
    );
  });

  it("foretells when the next call can begin, whatever stands ahead of it", () => {
    fc.assert(
      fc.property(rates, gaps, fc.integer({ min: 0, max: 30 }), (rate, steps, ahead) => {
        const window = new RateWindow();
        const times = timesOf(steps);
        for (const time of times) window.admit(time, rate);
        const now = times.at(-1) ?? 0;
        const foretold = window.nextAt(now, rate, ahead);
        let began = now;
        for (let call = 0; call <= ahead; call++) {
          while (!window.admit(began, rate)) began += 1;
        }
        expect(foretold).toBe(began);
      }),
      { numRuns: 1_000 },
    );
  });

  it("knows how many calls can begin now", () => {
    fc.assert(
      fc.property(rates, gaps, fc.integer({ min: 0, max: 60 }), (rate, steps, later) => {
        const window = new RateWindow();
        const times = timesOf(steps);
        for (const time of times) window.admit(time, rate);
        const now = (times.at(-1) ?? 0) + later;
        let left = window.available(now, rate);
        expect(left).toBeGreaterThanOrEqual(0);
        while (window.admit(now, rate)) left -= 1;
        expect(left).toBe(0);
      }),
      { numRuns: 1_000 },
    );
  });

  it("counts the latest calls against another limit", () => {
    fc.assert(
      fc.property(
        rates,
        fc.integer({ min: 1, max: 8 }),
        gaps,
        gaps,
        ({ limit, interval }, other, before, after) => {
          const window = new RateWindow();
          const times = timesOf([...before, ...after]);
          const early = times.slice(0, before.length);
          const first = early.filter((time) => window.admit(time, { limit, interval }));
          window.resize(other);
          const expected = [...first];
          for (const time of times.slice(before.length)) {
            const counted = expected.filter((earlier) => earlier > time - interval).length;
            const admitted = window.admit(time, { limit: other, interval });
            expect(admitted).toBe(counted < other);
            if (admitted) expected.push(time);
          }
        },
      ),
      { numRuns: 1_000 },
    );
  });
});
