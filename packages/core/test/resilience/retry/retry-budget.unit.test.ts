import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { RetryBudget, RetryBudgets } from "../../../src/resilience/retry/retry-budget.js";

const start = Date.parse("2026-01-01T00:00:00Z");

/** How many of so many retries it allows. */
const allowed = (
  budget: RetryBudget,
  policy: { ratio: number; minPerSecond: number },
  asked: number,
  now = start,
) => Array.from({ length: asked }, () => budget.withdraw(policy, now)).filter(Boolean).length;

const called = (budget: RetryBudget, calls: number, now = start) => {
  for (let call = 0; call < calls; call += 1) budget.called(now);
};

describe("a retry budget", () => {
  it.each([
    ["nothing without calls and a minimum", 0, { ratio: 0.2, minPerSecond: 0 }, 0],
    ["the minimum of ten seconds without calls", 0, { ratio: 0.2, minPerSecond: 2 }, 20],
    ["a share of the calls", 100, { ratio: 0.2, minPerSecond: 0 }, 20],
    ["both together", 100, { ratio: 0.2, minPerSecond: 1 }, 30],
    ["none where both are none", 100, { ratio: 0, minPerSecond: 0 }, 0],
    ["more than one for a call", 10, { ratio: 3, minPerSecond: 0 }, 30],
  ])("allows %s", (_, calls, policy, expected) => {
    const budget = new RetryBudget();
    called(budget, calls);
    expect(allowed(budget, policy, 1000)).toBe(expected);
  });

  it("forgets calls and retries after ten seconds", () => {
    const budget = new RetryBudget();
    const policy = { ratio: 1, minPerSecond: 0 };
    called(budget, 5);
    expect(allowed(budget, policy, 3)).toBe(3);
    expect(allowed(budget, policy, 10, start + 9999)).toBe(2);
    expect(allowed(budget, policy, 10, start + 10_000)).toBe(0);
    called(budget, 4, start + 60_000);
    expect(allowed(budget, policy, 10, start + 60_000)).toBe(4);
  });

  it("counts on where the clock goes back", () => {
    const budget = new RetryBudget();
    called(budget, 5);
    called(budget, 5, start - 3_600_000);
    expect(allowed(budget, { ratio: 1, minPerSecond: 0 }, 100, start - 60_000)).toBe(10);
  });

  it("is one for each name", () => {
    const budgets = new RetryBudgets();
    expect(budgets.of("rates")).toBe(budgets.of("rates"));
    expect(budgets.of("rates")).not.toBe(budgets.of("other"));
  });

  it("holds its bound in every window of ten seconds, and never refuses what is within it", () => {
    const steps = fc.array(
      fc.record({ wait: fc.constantFrom(0, 0, 0, 1, 300, 999, 1000, 4000, 12_000), retry: fc.boolean() }),
      { maxLength: 300 },
    );
    const policies = fc.record({
      ratio: fc.constantFrom(0, 0.1, 0.5, 1),
      minPerSecond: fc.constantFrom(0, 0.1, 1),
    });
    fc.assert(
      fc.property(steps, policies, (trace, policy) => {
        const budget = new RetryBudget();
        // The reference remembers everything, by whole seconds as the budget does.
        const calls: number[] = [];
        const retries: number[] = [];
        let now = start;
        for (const { wait, retry } of trace) {
          now += wait;
          const second = Math.floor(now / 1000);
          const recent = (all: number[]) => all.filter((at) => at > second - 10).length;
          if (!retry) {
            budget.called(now);
            calls.push(second);
            continue;
          }
          const within = recent(retries) + 1 <= policy.ratio * recent(calls) + policy.minPerSecond * 10;
          const left = budget.available(policy, now);
          expect(budget.withdraw(policy, now)).toBe(within);
          expect([left > 0, budget.available(policy, now)]).toEqual([within, within ? left - 1 : left]);
          if (within) retries.push(second);
        }
      }),
      { numRuns: 500 },
    );
  });
});
