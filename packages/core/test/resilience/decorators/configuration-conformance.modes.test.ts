import {
  bulkhead,
  Bulkheads,
  CircuitBreakers,
  degrade,
  retry,
  timeout,
  type Kernel,
  type KernelConfig,
} from "@mlmcp/core";
import { createTestKernel } from "@mlmcp/core/testing";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

/**
 * MicroProfile's `disable…` tests: one class with every advice, and which of them hold under a
 * configuration. Each advice has a method of its own, so that none stands in another's way.
 */
class Guarded {
  calls = 0;

  @retry({ maxRetries: 2, initialDelay: 0 })
  async retried(): Promise<never> {
    return this.fail();
  }
  @degrade({ fallback: { value: "stand-in" }, breaker: false })
  async answered(): Promise<string> {
    return this.fail();
  }
  @degrade({ breaker: { failureThreshold: 1 } })
  async broken(): Promise<never> {
    return this.fail();
  }
  @timeout(100)
  async timed(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  @bulkhead(1)
  async bounded(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, 500));
  }

  protected async fail(): Promise<never> {
    this.calls += 1;
    throw new Error("down");
  }
}

type Advice = "retry" | "fallback" | "breaker" | "timeout" | "bulkhead";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

/** What a call comes to: its value, or the code or message of its error. */
async function outcomeOf(call: Promise<unknown>): Promise<unknown> {
  const ended = call.catch((error: { code?: string; message: string }) => error.code ?? error.message);
  await vi.runAllTimersAsync();
  return ended;
}

/** Which advice is in force, found by what the methods do. */
const probes: Record<Advice, (subject: Guarded) => Promise<boolean>> = {
  retry: async (subject) => {
    await outcomeOf(subject.retried());
    return subject.calls > 1;
  },
  fallback: async (subject) => (await outcomeOf(subject.answered())) === "stand-in",
  breaker: async (subject) => {
    const code = (): Promise<unknown> => subject.broken().catch((error: { code?: string }) => error.code);
    await code();
    return (await code()) === "MLMCP_CIRCUIT_OPEN";
  },
  timeout: async (subject) => (await outcomeOf(subject.timed())) === "MLMCP_TIMEOUT",
  bulkhead: async (subject) => {
    const first = subject.bounded();
    const second = await outcomeOf(subject.bounded());
    await first;
    return second === "MLMCP_BULKHEAD_FULL";
  },
};

async function inForce(config: KernelConfig): Promise<string> {
  const found: string[] = [];
  for (const [advice, holds] of Object.entries(probes)) {
    await using kernel = await createTestKernel({ config });
    if (await holds(kernel.adopt(new Guarded()))) found.push(advice);
  }
  return found.join(" ");
}

const all = { retry: false, degrade: false, timeout: false, bulkhead: false };
const on = { retry: true, degrade: true, timeout: true, bulkhead: true };

describe("MicroProfile FT: disabling by configuration", () => {
  it.each<[string, NonNullable<KernelConfig["operations"]>, string]>([
    ["nothing said, all are in force", {}, "retry fallback breaker timeout bulkhead"],
    ["one advice everywhere", { "*": { retry: false } }, "fallback breaker timeout bulkhead"],
    ["every advice everywhere", { "*": all }, ""],
    ["every advice of a class", { "Guarded.*": all }, ""],
    ["one advice of one method", { "Guarded.timed": { timeout: false } }, "retry fallback breaker bulkhead"],
    ["of another class, none of this one", { "Other*.*": all }, "retry fallback breaker timeout bulkhead"],
    [
      "everywhere, enabled on the class",
      { "*": all, "Guarded.*": on },
      "retry fallback breaker timeout bulkhead",
    ],
    ["everywhere, enabled on a method", { "*": all, "Guarded.retried": { retry: true } }, "retry"],
    [
      "on the class, enabled on a method",
      { "Guarded.*": all, "Guarded.bounded": { bulkhead: true } },
      "bulkhead",
    ],
    [
      "the breaker of a method, and not its fallback",
      { "Guarded.*": { degrade: { breaker: false } } },
      "retry fallback timeout bulkhead",
    ],
  ])("%s", async (_, operations, expected) => expect(await inForce({ operations })).toBe(expected));
});

describe("MicroProfile FT: settings by configuration", () => {
  class Tuned {
    sound = false;
    began: number[] = [];

    @retry({ maxRetries: 1, initialDelay: 0, jitter: "none" })
    async retried(): Promise<never> {
      this.began.push(Date.now());
      throw new TypeError("down");
    }
    @degrade({ fallback: "sample", breaker: { failureRate: 1, window: 2, resetAfter: "1m" } })
    async degraded(): Promise<unknown> {
      if (this.sound) return "data";
      throw new TypeError("down");
    }
    @timeout(100)
    async timed(): Promise<void> {
      await new Promise((resolve) => setTimeout(resolve, 1000));
    }
    @bulkhead(1)
    async bounded(): Promise<void> {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    async sample(): Promise<string> {
      return "sample";
    }
    async other(): Promise<string> {
      return "other";
    }
  }

  let kernel: Kernel;
  let tuned: Tuned;
  const under = async (operations: NonNullable<KernelConfig["operations"]>): Promise<void> => {
    kernel = await createTestKernel({ config: { operations } });
    tuned = kernel.adopt(new Tuned());
  };
  afterEach(() => kernel.stop());

  it.each<[string, object, number[]]>([
    ["maxRetries", { maxRetries: 3 }, [0, 0, 0, 0]],
    ["delay", { initialDelay: 50 }, [0, 50]],
    [
      "maxDuration",
      { maxRetries: 9, backoff: "constant", initialDelay: 100, maxElapsed: 250 },
      [0, 100, 200],
    ],
    ["retryOn", { retryIf: ["RangeError"] }, [0]],
    ["retryOn, as given", { retryIf: ["TypeError"] }, [0, 0]],
    ["abortOn", { retryIf: ["TypeError"], abortIf: ["TypeError"] }, [0]],
  ])("a retry's %s", async (_, setting, times) => {
    await under({ "Tuned.retried": { retry: { retryIf: ["TypeError"], ...setting } } });
    const began = Date.now();
    await outcomeOf(tuned.retried());
    expect(tuned.began.map((time) => time - began)).toEqual(times);
  });

  it("a retry's jitter", async () => {
    const random = vi.spyOn(Math, "random").mockReturnValue(0.5);
    await under({ "Tuned.*": { retry: { jitter: "full", initialDelay: 100, retryIf: ["TypeError"] } } });
    await outcomeOf(tuned.retried());
    random.mockRestore();
    expect(tuned.began[1]! - tuned.began[0]!).toBe(50);
  });

  it.each<[string, NonNullable<KernelConfig["operations"]>, number]>([
    ["of one method", { "Tuned.timed": { timeout: 200 } }, 200],
    ["in another unit", { "Tuned.timed": { timeout: "0.5s" } }, 500],
    ["of a class", { "Tuned.*": { timeout: 300 } }, 300],
    ["everywhere", { "*": { timeout: 400 } }, 400],
    [
      "of the method before the class before all",
      { "*": { timeout: 400 }, "Tuned.*": { timeout: 300 }, "Tuned.timed": { timeout: 150 } },
      150,
    ],
  ])("a timeout's value %s", async (_, operations, after) => {
    await under(operations);
    const began = Date.now();
    const ended = tuned.timed().catch(() => Date.now() - began);
    await vi.runAllTimersAsync();
    expect(await ended).toBe(after);
  });

  it.each<[string, object, number]>([
    ["value", { maxConcurrent: 3 }, 2],
    ["waitingTaskQueue", { queue: 2 }, 2],
  ])("a bulkhead's %s", async (_, setting, refused) => {
    await under({ "Tuned.bounded": { bulkhead: setting } });
    let count = 0;
    const calls = [1, 2, 3, 4, 5].map(() => tuned.bounded().catch(() => (count += 1)));
    await vi.runAllTimersAsync();
    await Promise.all(calls);
    expect(count).toBe(refused);
    expect(kernel.resolve(Bulkheads).list()).toMatchObject([setting]);
  });

  it.each<[string, object, number, object]>([
    ["requestVolumeThreshold", { window: 4, minimumCalls: 4 }, 3, { state: "closed" }],
    ["failureRatio", { failureRate: 0.5, minimumCalls: 1 }, 1, { state: "open" }],
    ["delay", { resetAfter: "2s" }, 2, { state: "open", retryAfterMs: 2000 }],
    ["failOn", { when: ["RangeError"] }, 2, { state: "closed" }],
    ["failOn, as given", { when: ["TypeError"] }, 2, { state: "open" }],
  ])("a breaker's %s", async (_, breaker, calls, expected) => {
    await under({ "Tuned.degraded": { degrade: { breaker } } });
    for (let i = 0; i < calls; i++) await tuned.degraded();
    expect(kernel.resolve(CircuitBreakers).list()).toMatchObject([expected]);
  });

  it("a breaker's successThreshold", async () => {
    await under({ "Tuned.degraded": { degrade: { breaker: { halfOpenProbes: 2 } } } });
    for (let i = 0; i < 2; i++) await tuned.degraded();
    await vi.advanceTimersByTimeAsync(60_000);
    tuned.sound = true;
    const states: unknown[] = [];
    for (let i = 0; i < 2; i++) {
      await tuned.degraded();
      states.push(kernel.resolve(CircuitBreakers).list()[0]!.state);
    }
    expect(states).toEqual(["halfOpen", "closed"]);
  });

  it.each<[string, object, unknown]>([
    ["applyOn", { when: ["RangeError"] }, "down"],
    ["applyOn, as given", { when: ["TypeError"] }, "sample"],
    ["method", { fallback: "other" }, "other"],
    ["value", { fallback: { value: 7 } }, 7],
  ])("a fallback's %s", async (_, setting, expected) => {
    await under({ "Tuned.degraded": { degrade: setting } });
    expect(await outcomeOf(tuned.degraded())).toBe(expected);
  });
});
