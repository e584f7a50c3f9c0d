import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Breaker, REJECTED, type BreakerListener, type BreakerPolicy } from "../../src/resilience/breaker.js";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const policy: BreakerPolicy = { failureThreshold: 3, resetAfter: 1000 };

function subject(overrides: Partial<BreakerPolicy> = {}) {
  const trace: string[] = [];
  const listener: BreakerListener = {
    opened: (reason, failures) => trace.push(`open ${reason} ${failures}`),
    halfOpened: () => trace.push("half-open"),
    closed: (reason) => trace.push(`close ${reason}`),
  };
  const breaker = new Breaker({ ...policy, ...overrides }, listener);
  const failTimes = (count: number) => {
    for (let i = 0; i < count; i++) breaker.fail(breaker.admit());
  };
  return { breaker, trace, failTimes };
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

describe("breaker, against faults of opossum's own calls", () => {
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
