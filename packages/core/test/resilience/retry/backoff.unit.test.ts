import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { backoffCap, backoffDelay, type BackoffPolicy } from "../../../src/resilience/retry/backoff.js";
import { retryDefaults } from "../../../src/resilience/options/retry.js";
import { retryDelay } from "../../../src/resilience/retry/retry-delay.js";

const policies: fc.Arbitrary<BackoffPolicy> = fc.record({
  backoff: fc.constantFrom("exponential", "linear", "constant"),
  initialDelay: fc.nat(2 ** 31 - 1),
  maxDelay: fc.nat(2 ** 31 - 1),
  factor: fc.double({ min: 1, max: 1e6, noNaN: true }),
  jitter: fc.constantFrom("full", "equal", "none"),
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

  it.each([
    ["full", [0, 1, 2, 3, 4]],
    ["equal", [2, 2, 3, 3, 4]],
    ["none", [4, 4, 4, 4, 4]],
  ] as const)("takes every delay that %s jitter allows", (jitter, expected) => {
    const policy: BackoffPolicy = { ...retryDefaults, initialDelay: 4, factor: 1, jitter };
    const seen = [0, 0.2, 0.5, 0.7, 1 - Number.EPSILON].map((random) =>
      backoffDelay(policy, 1, () => random),
    );
    expect(seen).toEqual(expected);
  });

  it("stays a whole number within [0, cap], whatever the policy, the retry and the chance", () => {
    fc.assert(
      fc.property(policies, retries, randoms, (policy, retry, random) => {
        const delay = backoffDelay(policy, retry, () => random);
        const cap = Math.round(backoffCap(policy, retry));
        expect(Number.isInteger(delay) && delay >= 0 && delay <= cap).toBe(true);
        if (policy.jitter === "none") expect(delay).toBe(cap);
        if (policy.jitter === "equal") expect(delay).toBeGreaterThanOrEqual(Math.floor(cap / 2));
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

describe("decorrelated backoff", () => {
  const policy: BackoffPolicy = { ...retryDefaults, backoff: "decorrelated", maxDelay: 5000 };

  it("draws between the initial delay and three times the delay before", () => {
    expect(backoffDelay(policy, 1, () => 0)).toBe(100);
    expect(backoffDelay(policy, 1, () => 1 - Number.EPSILON)).toBe(300);
    expect(backoffDelay(policy, 2, () => 0.5, 300)).toBe(500);
    expect(backoffDelay(policy, 3, () => 0.999, 4000)).toBe(5000);
  });

  it("stays within its bounds, whatever went before", () => {
    const numbers = fc.nat(2 ** 31 - 1);
    fc.assert(
      fc.property(numbers, numbers, numbers, randoms, (initialDelay, maxDelay, previous, random) => {
        const delay = backoffDelay({ ...policy, initialDelay, maxDelay }, 1, () => random, previous);
        expect(Number.isInteger(delay) && delay <= maxDelay).toBe(true);
        expect(delay).toBeGreaterThanOrEqual(Math.min(initialDelay, maxDelay));
        expect(delay).toBeLessThanOrEqual(Math.max(initialDelay, previous * 3));
      }),
    );
  });
});

describe("the delay before a retry", () => {
  const policy = { ...retryDefaults, jitter: "none", maxDelay: 10_000 } as const;
  const none = () => expect.fail("nothing to report");

  it("comes from the application's own function, rounded and without jitter", () => {
    const own = {
      ...policy,
      jitter: "full",
      backoff: (attempt: number, error: unknown) => attempt * Number(error),
    } as const;
    expect([1, 2, 3].map((attempt) => retryDelay(own, attempt, 10.4, undefined, none))).toEqual([10, 21, 31]);
    expect(retryDelay({ ...own, backoff: () => Infinity }, 1, 0, undefined, none)).toBe(10_000);
  });

  it.each([
    ["not a number", () => NaN],
    ["less than nothing", () => -1],
    ["a text", () => "1s" as never],
  ])("is the exponential one where that function gives %s, which is reported", (_, backoff) => {
    const failures: unknown[] = [];
    expect(retryDelay({ ...policy, backoff }, 2, 0, undefined, (failure) => failures.push(failure))).toBe(
      200,
    );
    expect(failures).toEqual([expect.any(TypeError)]);
  });

  it("is what the error asks for where that is longer, at most the longest delay", () => {
    const asking = (retryAfterMs: number) => retryDelay(policy, 1, { retryAfterMs }, undefined, none);
    expect([0, 99, 101, 2500.2, 60_000].map(asking)).toEqual([100, 100, 101, 2501, 10_000]);
    expect(
      retryDelay({ ...policy, respectRetryAfter: false }, 1, { retryAfterMs: 5000 }, undefined, none),
    ).toBe(100);
  });

  it("is a whole number within [0, maxDelay] whatever the error holds", () => {
    fc.assert(
      fc.property(fc.anything(), fc.anything(), policies, retries, (retryAfter, header, backoff, attempt) => {
        const error = { retryAfter, headers: { "Retry-After": header } };
        const delay = retryDelay({ ...backoff, respectRetryAfter: true }, attempt, error, undefined, none);
        expect(Number.isInteger(delay) && delay >= 0 && delay <= backoff.maxDelay).toBe(true);
      }),
    );
  });
});
