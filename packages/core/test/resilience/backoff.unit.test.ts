import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { backoffCap, backoffDelay, type BackoffPolicy } from "../../src/resilience/backoff.js";
import { retryDefaults } from "../../src/resilience/options.js";

const policies: fc.Arbitrary<BackoffPolicy> = fc.record({
  backoff: fc.constantFrom("exponential", "linear", "constant"),
  initialDelay: fc.nat(2 ** 31 - 1),
  maxDelay: fc.nat(2 ** 31 - 1),
  factor: fc.double({ min: 1, max: 1e6, noNaN: true }),
  jitter: fc.constantFrom("full", "none"),
});
const retries = fc.integer({ min: 1, max: 1_000_000 });
const randoms = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

const undisturbed = (policy: Partial<BackoffPolicy>, count: number) =>
  Array.from({ length: count }, (_, index) =>
    backoffDelay({ ...retryDefaults, jitter: "none", ...policy }, index + 1),
  );

describe("backoff", () => {
  it("doubles from 100 ms up to 30 s by default", () => {
    expect(undisturbed({}, 11)).toEqual([100, 200, 400, 800, 1600, 3200, 6400, 12800, 25600, 30000, 30000]);
  });

  it("grows by the initial delay when linear, and not at all when constant", () => {
    expect(undisturbed({ backoff: "linear", maxDelay: 350 }, 5)).toEqual([100, 200, 300, 350, 350]);
    expect(undisturbed({ backoff: "constant" }, 3)).toEqual([100, 100, 100]);
  });

  it("takes every delay between none and the cap under full jitter", () => {
    const policy: BackoffPolicy = { ...retryDefaults, initialDelay: 4, factor: 1 };
    const seen = [0, 0.2, 0.5, 0.7, 1 - Number.EPSILON].map((random) =>
      backoffDelay(policy, 1, () => random),
    );
    expect(seen).toEqual([0, 1, 2, 3, 4]);
  });

  it("stays a whole number within [0, cap], whatever the policy, the retry and the chance", () => {
    fc.assert(
      fc.property(policies, retries, randoms, (policy, retry, random) => {
        const delay = backoffDelay(policy, retry, () => random);
        const cap = Math.round(backoffCap(policy, retry));
        expect(Number.isInteger(delay) && delay >= 0 && delay <= cap).toBe(true);
        if (policy.jitter === "none") expect(delay).toBe(cap);
      }),
    );
  });

  it("never lowers the cap from one retry to the next, nor lifts it above the longest delay", () => {
    fc.assert(
      fc.property(policies, retries, (policy, retry) => {
        const [cap, next] = [backoffCap(policy, retry), backoffCap(policy, retry + 1)];
        expect(next).toBeGreaterThanOrEqual(cap);
        expect(next).toBeLessThanOrEqual(policy.maxDelay);
      }),
    );
  });

  it("is spread evenly under full jitter", () => {
    const policy: BackoffPolicy = { ...retryDefaults, initialDelay: 1000 };
    const step = 1 / 1000;
    const delays = Array.from({ length: 1000 }, (_, index) => backoffDelay(policy, 1, () => index * step));
    const mean = delays.reduce((sum, delay) => sum + delay, 0) / delays.length;
    expect(mean).toBeCloseTo(499.5, 0);
  });
});
