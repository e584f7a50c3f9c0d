import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { WindowSize } from "../../../src/resilience/breaker/breaker-policy.js";
import { createWindow } from "../../../src/resilience/breaker/outcome-window.js";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe("a window of outcomes", () => {
  const outcome = fc.record({
    /** Since the one before. */
    after: fc.oneof(fc.nat(30), fc.nat(5000)),
    failed: fc.boolean(),
    slow: fc.boolean(),
  });
  const sizes: fc.Arbitrary<WindowSize> = fc.oneof(
    fc.integer({ min: 1, max: 40 }).map((calls) => ({ calls })),
    fc.integer({ min: 10, max: 2000 }).map((ms) => ({ ms })),
  );

  it("holds what is in it and nothing else, whatever its size", () => {
    fc.assert(
      fc.property(sizes, fc.array(outcome, { maxLength: 100 }), fc.nat(3000), (size, outcomes, later) => {
        const window = createWindow(size);
        const recorded: Array<{ slice: number; failed: boolean; slow: boolean }> = [];
        const slice = () => ("ms" in size ? Math.floor(Math.round(performance.now()) / (size.ms / 10)) : 0);
        const check = () => {
          const held =
            "ms" in size ? recorded.filter((one) => slice() - one.slice < 10) : recorded.slice(-size.calls);
          expect(window.read()).toEqual({
            calls: held.length,
            failures: held.filter(({ failed }) => failed).length,
            slow: held.filter(({ slow }) => slow).length,
          });
        };
        for (const { after, failed, slow } of outcomes) {
          vi.advanceTimersByTime(after);
          window.record(failed, slow);
          recorded.push({ slice: slice(), failed, slow });
          check();
        }
        vi.advanceTimersByTime(later);
        check();
        window.clear();
        recorded.length = 0;
        check();
      }),
    );
  });

  it("of a time forgets nothing before nine tenths of it and everything at the whole", () => {
    fc.assert(
      fc.property(fc.integer({ min: 10, max: 100_000 }), fc.nat(100_000), (ms, start) => {
        vi.advanceTimersByTime(start);
        const window = createWindow({ ms });
        window.record(true, true);
        vi.advanceTimersByTime(Math.floor(ms * 0.9) - 1);
        expect(window.read()).toEqual({ calls: 1, failures: 1, slow: 1 });
        vi.advanceTimersByTime(ms - Math.floor(ms * 0.9) + 1);
        expect(window.read()).toEqual({ calls: 0, failures: 0, slow: 0 });
      }),
    );
  });
});
