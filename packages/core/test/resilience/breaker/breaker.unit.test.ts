import OpossumBreaker from "opossum";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { BreakerPolicy } from "../../../src/resilience/breaker/breaker-policy.js";
import { Breaker, REJECTED, SHADOWED } from "../../../src/resilience/breaker/breaker.js";
import type { BreakerListener } from "../../../src/resilience/breaker/breaker-changes.js";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const policy: BreakerPolicy = {
  failureThreshold: 3,
  failureRate: false,
  slowCall: false,
  window: { calls: 10 },
  minimumCalls: 4,
  resetAfter: 1000,
  halfOpenProbes: 1,
  warmUp: 0,
  mode: "enforce",
};

function subject(overrides: Partial<BreakerPolicy> = {}) {
  const trace: string[] = [];
  const listener: BreakerListener = {
    opened: ({ reason, failures, window }) =>
      trace.push(
        `open ${reason} ${failures}${window ? ` (${window.failures} failed, ${window.slow} slow of ${window.calls})` : ""}`,
      ),
    halfOpened: (reason) => trace.push(reason === "elapsed" ? "half-open" : `half-open ${reason}`),
    closed: (reason) => trace.push(`close ${reason}`),
  };
  const breaker = new Breaker({ ...policy, ...overrides }, listener);
  const failTimes = (count: number) => {
    for (let i = 0; i < count; i++) breaker.fail(breaker.admit());
  };
  const succeedTimes = (count: number) => {
    for (let i = 0; i < count; i++) breaker.succeed(breaker.admit());
  };
  return { breaker, trace, failTimes, succeedTimes };
}

describe("breaker", () => {
  it("opens at the threshold of consecutive failures, not at the first one", () => {
    const { breaker, trace, failTimes } = subject();
    failTimes(2);
    expect(breaker.state).toBe("closed");
    failTimes(1);
    expect(breaker.state).toBe("open");
    expect(trace).toEqual(["open failures 3"]);
  });

  it("forgets failures at each success", () => {
    const { breaker, failTimes } = subject();
    failTimes(2);
    breaker.succeed(breaker.admit());
    failTimes(2);
    expect(breaker.state).toBe("closed");
    expect(breaker.failures).toBe(2);
  });

  it("neither counts nor forgets for what says nothing", () => {
    const { breaker, failTimes } = subject();
    failTimes(2);
    breaker.release(breaker.admit());
    expect(breaker.failures).toBe(2);
    failTimes(1);
    expect(breaker.state).toBe("open");
  });

  it("rejects while open and says how long", async () => {
    const { breaker, failTimes } = subject();
    failTimes(3);
    expect(breaker.admit()).toBe(REJECTED);
    expect(breaker.retryAfter).toBe(1000);
    await vi.advanceTimersByTimeAsync(400);
    expect(breaker.retryAfter).toBe(600);
  });

  it("admits one probe after the time, and closes when it succeeds", async () => {
    const { breaker, trace, failTimes } = subject();
    failTimes(3);
    await vi.advanceTimersByTimeAsync(1000);
    expect(breaker.state).toBe("halfOpen");
    expect(breaker.retryAfter).toBe(0);
    const probe = breaker.admit();
    expect([breaker.admit(), breaker.admit()]).toEqual([REJECTED, REJECTED]);
    breaker.succeed(probe);
    expect(breaker.state).toBe("closed");
    expect(breaker.failures).toBe(0);
    expect(trace).toEqual(["open failures 3", "half-open", "close probeSucceeded"]);
  });

  it("opens for the whole time again when the probe fails", async () => {
    const { breaker, trace, failTimes } = subject();
    failTimes(3);
    await vi.advanceTimersByTimeAsync(1000);
    breaker.fail(breaker.admit());
    expect(breaker.retryAfter).toBe(1000);
    await vi.advanceTimersByTimeAsync(999);
    expect(breaker.state).toBe("open");
    await vi.advanceTimersByTimeAsync(1);
    expect(breaker.state).toBe("halfOpen");
    expect(trace).toEqual(["open failures 3", "half-open", "open probeFailed 3", "half-open"]);
  });

  it("lets the next call probe where a probe said nothing", async () => {
    const { breaker, failTimes } = subject();
    failTimes(3);
    await vi.advanceTimersByTimeAsync(1000);
    breaker.release(breaker.admit());
    expect(breaker.state).toBe("halfOpen");
    const probe = breaker.admit();
    expect(probe).not.toBe(REJECTED);
    breaker.succeed(probe);
    expect(breaker.state).toBe("closed");
  });

  it("is opened by hand, for its time, and anew where it is open", async () => {
    const { breaker, trace } = subject();
    breaker.open();
    await vi.advanceTimersByTimeAsync(600);
    breaker.open();
    expect(breaker.retryAfter).toBe(1000);
    await vi.advanceTimersByTimeAsync(999);
    expect(breaker.state).toBe("open");
    await vi.advanceTimersByTimeAsync(1);
    expect(breaker.state).toBe("halfOpen");
    expect(trace).toEqual(["open manual 0", "open manual 0", "half-open"]);
  });

  it("is closed by hand, with all failures forgotten and no timer left", () => {
    const { breaker, trace, failTimes } = subject();
    failTimes(3);
    breaker.close();
    expect(vi.getTimerCount()).toBe(0);
    failTimes(2);
    breaker.close();
    failTimes(2);
    expect(breaker.state).toBe("closed");
    expect(trace).toEqual(["open failures 3", "close manual"]);
  });
});

describe("breaker with a failure rate", () => {
  const rate = { failureThreshold: false, failureRate: 0.5 } as const;

  it.each<[string, string, string | undefined]>([
    // Results in order: F fails, S succeeds. The rate counts from the fourth call on, over ten.
    ["not before the minimum of calls", "FFF", undefined],
    ["at the minimum of calls", "FFFF", "open failureRate 4 (4 failed, 0 slow of 4)"],
    ["where the rate is met exactly", "SFSF", "open failureRate 1 (2 failed, 0 slow of 4)"],
    ["not where it is just missed", "SSFSF", undefined],
    [
      "where the call that completes the minimum succeeds",
      "FFFS",
      "open failureRate 0 (3 failed, 0 slow of 4)",
    ],
    ["not for failures that have left the window", "SSSFSSSFSSSSSSSFSSFF", undefined],
    ["for those that have not", "SSSSSSFFSFFF", "open failureRate 3 (5 failed, 0 slow of 10)"],
  ])("opens %s", (_, results, expected) => {
    const { breaker, trace } = subject(rate);
    for (const result of results) {
      if (result === "F") breaker.fail(breaker.admit());
      else breaker.succeed(breaker.admit());
    }
    expect(trace).toEqual(expected === undefined ? [] : [expected]);
  });

  it("opens at whatever comes first, where it also counts failures in a row", () => {
    const { trace, failTimes, succeedTimes } = subject({ ...rate, failureThreshold: 3 });
    succeedTimes(9);
    failTimes(3);
    expect(trace).toEqual(["open failures 3 (3 failed, 0 slow of 10)"]);
  });

  it("forgets what its window held when it closes", async () => {
    const { breaker, trace, failTimes, succeedTimes } = subject(rate);
    failTimes(4);
    expect(breaker.window).toEqual({ calls: 4, failures: 4, slow: 0 });
    await vi.advanceTimersByTimeAsync(1000);
    succeedTimes(1);
    expect(breaker.window).toEqual({ calls: 0, failures: 0, slow: 0 });
    failTimes(3);
    expect(trace).toEqual([
      "open failureRate 4 (4 failed, 0 slow of 4)",
      "half-open",
      "close probeSucceeded",
    ]);
  });

  it("looks at the time that has passed, where the window is one, and sets no timer for it", async () => {
    const { breaker, failTimes } = subject({ ...rate, window: { ms: 1000 } });
    failTimes(3);
    await vi.advanceTimersByTimeAsync(900);
    expect(breaker.window).toMatchObject({ calls: 3 });
    expect(vi.getTimerCount()).toBe(0);
    await vi.advanceTimersByTimeAsync(100);
    expect(breaker.window).toMatchObject({ calls: 0 });
    failTimes(1);
    expect(breaker.state).toBe("closed");
    failTimes(3);
    expect(breaker.state).toBe("open");
  });

  it("keeps the last error that counted, for whom it rejects, also when a success opens it", () => {
    const { breaker } = subject(rate);
    const error = new Error("down");
    for (let i = 0; i < 3; i++) breaker.fail(breaker.admit(), error);
    breaker.succeed(breaker.admit());
    expect(breaker.lastError).toBe(error);
  });
});

describe("breaker with slow calls", () => {
  const slow = { failureThreshold: false, slowCall: { duration: 100, rate: 0.5 } } as const;

  it("opens when too many calls last longer, whether they succeed or fail", () => {
    const { breaker, trace } = subject(slow);
    breaker.succeed(breaker.admit(), 100);
    breaker.succeed(breaker.admit(), 101);
    breaker.succeed(breaker.admit(), 5);
    breaker.fail(breaker.admit(), undefined, 500);
    expect(trace).toEqual(["open slowCalls 1 (1 failed, 2 slow of 4)"]);
  });

  it("opens anew at a probe that is slow", async () => {
    const { breaker, trace } = subject(slow);
    breaker.open();
    await vi.advanceTimersByTimeAsync(1000);
    breaker.succeed(breaker.admit(), 101);
    await vi.advanceTimersByTimeAsync(1000);
    breaker.succeed(breaker.admit(), 100);
    expect(trace).toEqual([
      "open manual 0 (0 failed, 0 slow of 0)",
      "half-open",
      "open probeSlow 0 (0 failed, 0 slow of 0)",
      "half-open",
      "close probeSucceeded",
    ]);
  });

  it("asks how long calls take only where it is to know", () => {
    expect(subject(slow).breaker.timesCalls).toBe(true);
    expect(subject().breaker.timesCalls).toBe(false);
  });
});

describe("breaker with several probes", () => {
  const halfOpen = async (overrides: Partial<BreakerPolicy> = {}) => {
    const made = subject({ halfOpenProbes: 3, ...overrides });
    made.failTimes(3);
    await vi.advanceTimersByTimeAsync(1000);
    made.trace.length = 0;
    return made;
  };

  it("admits so many at once and closes when all have succeeded, in whatever order", async () => {
    const { breaker, trace } = await halfOpen();
    const probes = [breaker.admit(), breaker.admit(), breaker.admit()];
    expect(new Set(probes).size).toBe(3);
    expect(breaker.admit()).toBe(REJECTED);
    breaker.succeed(probes[2]!);
    // It has had its success: the place is not free again.
    expect(breaker.admit()).toBe(REJECTED);
    breaker.succeed(probes[0]!);
    expect(trace).toEqual([]);
    breaker.succeed(probes[1]!);
    expect(trace).toEqual(["close probeSucceeded"]);
  });

  it("counts no probe twice", async () => {
    const { breaker } = await halfOpen();
    const probe = breaker.admit();
    for (let i = 0; i < 3; i++) breaker.succeed(probe);
    expect(breaker.state).toBe("halfOpen");
  });

  it("opens at the first that fails; the others say nothing any more", async () => {
    const { breaker, trace } = await halfOpen();
    const [first, second, third] = [breaker.admit(), breaker.admit(), breaker.admit()];
    breaker.succeed(first);
    breaker.fail(second);
    breaker.succeed(third);
    expect(trace).toEqual(["open probeFailed 3"]);
    await vi.advanceTimersByTimeAsync(1000);
    breaker.succeed(third);
    breaker.succeed(breaker.admit());
    breaker.succeed(breaker.admit());
    expect(breaker.state).toBe("halfOpen");
    breaker.succeed(breaker.admit());
    expect(breaker.state).toBe("closed");
  });

  it("gives the place of the oldest that hangs to the next call, one at a time", async () => {
    const { breaker } = await halfOpen({ halfOpenProbes: 2 });
    const hung = breaker.admit();
    await vi.advanceTimersByTimeAsync(400);
    const slow = breaker.admit();
    expect(breaker.retryAfter).toBe(600);
    await vi.advanceTimersByTimeAsync(600);
    expect(breaker.admit()).not.toBe(REJECTED);
    expect(breaker.admit()).toBe(REJECTED);
    expect(breaker.retryAfter).toBe(400);
    breaker.fail(hung);
    expect(breaker.state).toBe("halfOpen");
    breaker.fail(slow);
    expect(breaker.state).toBe("open");
  });

  it("gives the place of one that said nothing to the next call", async () => {
    const { breaker } = await halfOpen({ halfOpenProbes: 2 });
    const [first, second] = [breaker.admit(), breaker.admit()];
    breaker.release(first);
    breaker.succeed(second);
    breaker.succeed(breaker.admit());
    expect(breaker.state).toBe("closed");
  });
});

describe("breaker that warms up", () => {
  it("counts from the beginning, but opens only afterwards, at the next failure", async () => {
    const { breaker, trace, failTimes } = subject({ warmUp: 500 });
    failTimes(7);
    await vi.advanceTimersByTimeAsync(499);
    failTimes(1);
    expect(breaker.state).toBe("closed");
    await vi.advanceTimersByTimeAsync(1);
    expect(breaker.state).toBe("closed");
    failTimes(1);
    expect(trace).toEqual(["open failures 9"]);
  });

  it("is opened by hand all the same, and warms up again after a reset, not after closing", async () => {
    const { breaker, failTimes } = subject({ warmUp: 500 });
    breaker.open();
    expect(breaker.state).toBe("open");
    await vi.advanceTimersByTimeAsync(500);
    breaker.close();
    failTimes(3);
    expect(breaker.state).toBe("open");
    breaker.reset();
    failTimes(3);
    expect(breaker.state).toBe("closed");
    await vi.advanceTimersByTimeAsync(500);
    failTimes(1);
    expect(breaker.state).toBe("open");
  });
});

describe("breaker that is isolated by hand", () => {
  it("stays open, without a timer, until it is closed by hand", async () => {
    const { breaker, trace } = subject();
    breaker.isolate();
    expect(vi.getTimerCount()).toBe(0);
    await vi.advanceTimersByTimeAsync(100_000);
    expect(breaker.admit()).toBe(REJECTED);
    expect(breaker).toMatchObject({ state: "isolated", retryAfter: undefined });
    breaker.close();
    breaker.succeed(breaker.admit());
    expect(breaker).toMatchObject({ state: "closed", retryAfter: 0 });
    expect(trace).toEqual(["open isolated 0", "close manual"]);
  });

  it("can be opened for its time instead, and isolated while it is open or half-open", async () => {
    const { breaker, trace, failTimes } = subject();
    failTimes(3);
    breaker.isolate();
    breaker.open();
    await vi.advanceTimersByTimeAsync(1000);
    const probe = breaker.admit();
    breaker.isolate();
    breaker.succeed(probe);
    expect(breaker.state).toBe("isolated");
    expect(trace).toEqual([
      "open failures 3",
      "open isolated 3",
      "open manual 3",
      "half-open",
      "open isolated 3",
    ]);
  });
});

describe("breaker in shadow mode", () => {
  it("goes through the same states and lets every call pass; only what it would have admitted counts", async () => {
    const { breaker, trace, failTimes } = subject({ mode: "shadow" });
    failTimes(3);
    expect(breaker.admit()).toBe(SHADOWED);
    failTimes(5);
    breaker.succeed(breaker.admit());
    await vi.advanceTimersByTimeAsync(1000);
    const probe = breaker.admit();
    const beside = breaker.admit();
    expect(beside).toBe(SHADOWED);
    breaker.fail(beside);
    breaker.succeed(probe);
    expect(trace).toEqual(["open failures 3", "half-open", "close probeSucceeded"]);
  });
});

describe("breaker that is saved and restored", () => {
  const carry = (from: Breaker, overrides: Partial<BreakerPolicy> = {}) => {
    const saved: unknown = JSON.parse(JSON.stringify(from.save()));
    from.dispose();
    const next = subject(overrides);
    return { ...next, restore: () => next.breaker.restore(saved as ReturnType<Breaker["save"]>) };
  };

  it("stays open for what is left of its time, the time between counted", async () => {
    const { breaker: before, failTimes } = subject();
    failTimes(3);
    await vi.advanceTimersByTimeAsync(300);
    const { breaker, trace, restore } = carry(before);
    await vi.advanceTimersByTimeAsync(400);
    restore();
    expect(breaker).toMatchObject({ state: "open", failures: 3, retryAfter: 300 });
    await vi.advanceTimersByTimeAsync(299);
    expect(breaker.admit()).toBe(REJECTED);
    await vi.advanceTimersByTimeAsync(1);
    breaker.fail(breaker.admit());
    expect(breaker.retryAfter).toBe(1000);
    expect(trace).toEqual(["open restored 3", "half-open", "open probeFailed 3"]);
  });

  it("is half-open where its time has passed meanwhile", async () => {
    const { breaker: before, failTimes } = subject();
    failTimes(3);
    const { breaker, trace, restore } = carry(before, { halfOpenProbes: 2 });
    await vi.advanceTimersByTimeAsync(1000);
    restore();
    expect(vi.getTimerCount()).toBe(0);
    breaker.succeed(breaker.admit());
    breaker.succeed(breaker.admit());
    expect(trace).toEqual(["half-open restored", "close probeSucceeded"]);
  });

  it("goes on counting where it was closed", () => {
    const { breaker: before, failTimes } = subject();
    failTimes(2);
    const next = carry(before);
    next.restore();
    next.failTimes(1);
    expect(next.trace).toEqual(["open failures 3"]);
  });

  it("stays isolated", async () => {
    const { breaker: before } = subject();
    before.isolate();
    const { breaker, restore } = carry(before);
    restore();
    await vi.advanceTimersByTimeAsync(5000);
    expect(breaker.state).toBe("isolated");
  });

  it("admits its first probe after the whole time at the latest, whatever the clock did meanwhile", () => {
    const { breaker } = subject();
    breaker.restore({ state: "open", failures: 3, openedAt: Date.now() + 60_000 });
    expect(breaker.retryAfter).toBe(1000);
  });

  it("does not count calls from before it was restored", async () => {
    const { breaker, failTimes } = subject();
    const running = breaker.admit();
    breaker.restore({ state: "halfOpen", failures: 3 });
    breaker.succeed(running);
    expect(breaker.state).toBe("halfOpen");
    failTimes(1);
    expect(breaker.state).toBe("open");
  });
});

describe("breaker, against faults of opossum's own calls", () => {
  it("computes no statistics, however often a call fails", () => {
    const circuit = new OpossumBreaker(async () => undefined);
    circuit.shutdown();
    const stats = vi.spyOn(Object.getPrototypeOf(circuit.status) as { stats: unknown }, "stats", "get");
    const { failTimes } = subject({
      failureThreshold: false,
      failureRate: 1,
      minimumCalls: 900,
      window: { ms: 60_000 },
    });
    failTimes(1000);
    expect(stats).not.toHaveBeenCalled();
    stats.mockRestore();
  });

  it("needs no listener on anything shared, so that many breakers are no leak to Node", () => {
    const warned = vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);
    for (let i = 0; i < 50; i++) subject().failTimes(3);
    expect(warned).not.toHaveBeenCalled();
    warned.mockRestore();
  });

  it("shares no options with another breaker and leaves those it is given alone", () => {
    const shared = Object.freeze({ ...policy });
    const [one, other] = [new Breaker(shared), new Breaker(shared)];
    for (let i = 0; i < 3; i++) one.fail(one.admit());
    expect([one.state, other.state]).toEqual(["open", "closed"]);
    expect(shared).toEqual(policy);
  });

  it("is not closed by a call from before it opened", async () => {
    const { breaker, failTimes } = subject();
    const slow = breaker.admit();
    failTimes(3);
    await vi.advanceTimersByTimeAsync(1000);
    breaker.succeed(slow);
    expect(breaker.state).toBe("halfOpen");
    const probe = breaker.admit();
    breaker.succeed(slow);
    expect(breaker.state).toBe("halfOpen");
    breaker.succeed(probe);
    expect(breaker.state).toBe("closed");
  });

  it("is not opened again by a failure from before it opened", async () => {
    const { breaker, failTimes } = subject({ failureThreshold: 1 });
    const slow = [breaker.admit(), breaker.admit()];
    failTimes(1);
    await vi.advanceTimersByTimeAsync(1000);
    breaker.fail(slow[0]!);
    expect(breaker.state).toBe("halfOpen");
    breaker.succeed(breaker.admit());
    breaker.fail(slow[1]!);
    expect(breaker.state).toBe("closed");
  });

  it("is not held half-open by a hung probe, which loses its place after the time to reset", async () => {
    const { breaker, failTimes } = subject();
    failTimes(3);
    await vi.advanceTimersByTimeAsync(1000);
    const hung = breaker.admit();
    await vi.advanceTimersByTimeAsync(999);
    expect(breaker.admit()).toBe(REJECTED);
    expect(breaker.retryAfter).toBe(1);
    await vi.advanceTimersByTimeAsync(1);
    const next = breaker.admit();
    expect(next).not.toBe(REJECTED);
    breaker.fail(hung);
    expect(breaker.state).toBe("halfOpen");
    breaker.succeed(next);
    expect(breaker.state).toBe("closed");
  });

  it("sets a timer while it is open and none otherwise", async () => {
    const { breaker, failTimes } = subject();
    expect(vi.getTimerCount()).toBe(0);
    failTimes(3);
    expect(vi.getTimerCount()).toBe(1);
    await vi.advanceTimersByTimeAsync(1000);
    expect(vi.getTimerCount()).toBe(0);
    breaker.succeed(breaker.admit());
    expect(vi.getTimerCount()).toBe(0);
  });

  it("stays ended: nothing brings back a timer or an event", async () => {
    const { breaker, trace, failTimes } = subject();
    const before = breaker.admit();
    failTimes(3);
    breaker.dispose();
    expect(vi.getTimerCount()).toBe(0);
    breaker.succeed(before);
    failTimes(5);
    breaker.open();
    breaker.close();
    breaker.succeed(breaker.admit());
    expect(breaker.admit()).not.toBe(REJECTED);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(vi.getTimerCount()).toBe(0);
    expect(trace).toEqual(["open failures 3"]);
  });
});
