import {
  bulkhead,
  CircuitBreakers,
  degrade,
  hedge,
  rateLimit,
  retry,
  type DegradeOptions,
  type Kernel,
  type RetryOptions,
} from "@mlmcp/core";
import { createTestKernel } from "@mlmcp/core/testing";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

let kernel: Kernel;

beforeEach(async () => {
  vi.useFakeTimers();
  kernel = await createTestKernel();
});
afterEach(async () => {
  await kernel.stop();
  vi.useRealTimers();
});

/** The values of one metric, each with its labels. */
const samplesOf = (name: string, of = kernel) =>
  of
    .metrics()
    .find((metric) => metric.name === name)!
    .samples.map(({ value, labels }) => ({ ...labels, value }));
/** Those that are not 0. */
const there = (name: string) => samplesOf(name).filter(({ value }) => value !== 0);

const down = () => Promise.reject(new Error("down"));
const outcomeOf = (call: Promise<unknown>): Promise<unknown> => call.catch((error: unknown) => error);

/** A call that ends when the test says so. */
function held() {
  let end!: () => void;
  const ended = new Promise<void>((resolve) => (end = resolve));
  return { end, ended };
}

describe("the metrics of a breaker", () => {
  const labels = { operation: "Source.load", mode: "enforce" };
  function sourceWith(breaker: DegradeOptions["breaker"]) {
    class Source {
      @degrade({ breaker } as DegradeOptions)
      async load(run: () => Promise<unknown> = async () => undefined): Promise<unknown> {
        return await run();
      }
    }
    return kernel.adopt(new Source());
  }

  it("say the state it is in, and those that it is not in", async () => {
    const source = sourceWith({ failureThreshold: 1, resetAfter: "1m" });
    expect(samplesOf("mlmcp_breaker_state")).toEqual([]);
    await source.load();
    const state = (states: Record<string, number>) =>
      Object.entries({ closed: 0, open: 0, halfOpen: 0, isolated: 0, ...states }).map(([name, value]) => ({
        ...labels,
        state: name,
        value,
      }));
    expect(samplesOf("mlmcp_breaker_state")).toEqual(state({ closed: 1 }));
    await outcomeOf(source.load(down));
    expect(samplesOf("mlmcp_breaker_state")).toEqual(state({ open: 1 }));
    await vi.advanceTimersByTimeAsync(60_000);
    expect(samplesOf("mlmcp_breaker_state")).toEqual(state({ halfOpen: 1 }));
    kernel.resolve(CircuitBreakers).isolate("Source.load");
    expect(samplesOf("mlmcp_breaker_state")).toEqual(state({ isolated: 1 }));
  });

  it("count its failures in a row", async () => {
    const source = sourceWith({ failureThreshold: 3 });
    for (const expected of [1, 2]) {
      await outcomeOf(source.load(down));
      expect(samplesOf("mlmcp_breaker_consecutive_failures")).toEqual([{ ...labels, value: expected }]);
    }
    await source.load();
    expect(samplesOf("mlmcp_breaker_consecutive_failures")).toEqual([{ ...labels, value: 0 }]);
    expect(samplesOf("mlmcp_breaker_window_calls")).toEqual([]);
  });

  it("tell what its window holds, where it has rates", async () => {
    const source = sourceWith({
      failureRate: 0.9,
      window: 10,
      minimumCalls: 10,
      slowCall: { duration: "1s", rate: 0.9 },
    });
    await outcomeOf(source.load(down));
    const slow = source.load(() => new Promise((resolve) => setTimeout(resolve, 2_000)));
    await vi.advanceTimersByTimeAsync(2_000);
    await slow;
    await source.load();
    expect(
      ["calls", "failed_calls", "slow_calls"].map((what) => samplesOf(`mlmcp_breaker_window_${what}`)),
    ).toEqual([[{ ...labels, value: 3 }], [{ ...labels, value: 1 }], [{ ...labels, value: 1 }]]);
  });

  it("count breakers by key by their state, and name no key", async () => {
    const source = sourceWith({
      failureThreshold: 1,
      key: function (this: unknown, run?: () => Promise<unknown>) {
        return run === down ? "broken" : String(keys++);
      },
      mode: "shadow",
    } as DegradeOptions["breaker"]);
    let keys = 0;
    for (let call = 0; call < 50; call += 1) await source.load();
    await outcomeOf(source.load(down));
    const shadow = { operation: "Source.load", mode: "shadow" };
    expect(there("mlmcp_breaker_state")).toEqual([
      { ...shadow, state: "closed", value: 50 },
      { ...shadow, state: "open", value: 1 },
    ]);
    expect(samplesOf("mlmcp_breaker_consecutive_failures")).toEqual([]);
  });

  it("are one set for operations that share it, under its name", async () => {
    class Shop {
      @degrade({ breaker: { sharedAs: "stock" } })
      async list(): Promise<void> {}
      @degrade({ breaker: { sharedAs: "stock" } })
      async order(): Promise<void> {}
    }
    const shop = kernel.adopt(new Shop());
    await Promise.all([shop.list(), shop.order()]);
    expect(there("mlmcp_breaker_state")).toEqual([
      { operation: "stock", mode: "enforce", state: "closed", value: 1 },
    ]);
  });
});

it("the metrics of a bulkhead tell who runs and waits, and how many may", async () => {
  class Printer {
    @bulkhead({ maxConcurrent: 2, queue: 5 })
    async print(until: Promise<void>): Promise<void> {
      await until;
    }
  }
  const printer = kernel.adopt(new Printer());
  const paper = held();
  const calls = [1, 2, 3].map(() => printer.print(paper.ended));
  const now = () =>
    ["running", "waiting", "max_concurrent", "max_waiting"].map((what) =>
      samplesOf(`mlmcp_bulkhead_${what}`),
    );
  const values = (...all: number[]) => all.map((value) => [{ operation: "Printer.print", value }]);
  expect(now()).toEqual(values(2, 1, 2, 5));
  paper.end();
  await Promise.all(calls);
  expect(now()).toEqual(values(0, 0, 2, 5));
});

describe("the metrics of a rate limit", () => {
  class Api {
    @rateLimit({ limit: 3, interval: "1s", wait: "1m" })
    async call(): Promise<void> {}
    @rateLimit({ limit: 3, interval: "1s", key: (tenant: string) => tenant })
    async export(_tenant: string): Promise<void> {}
  }

  it("tell how many calls could begin now, and who waits", async () => {
    const api = kernel.adopt(new Api());
    const now = () =>
      ["available_permits", "max_permits", "waiting"].map(
        (what) => samplesOf(`mlmcp_rate_limit_${what}`)[0]?.value,
      );
    await api.call();
    expect(now()).toEqual([2, 3, 0]);
    const calls = [1, 2, 3].map(() => api.call());
    expect(now()).toEqual([0, 3, 1]);
    await vi.advanceTimersByTimeAsync(1_000);
    await Promise.all(calls);
    expect(now()).toEqual([2, 3, 0]);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(now()).toEqual([3, 3, 0]);
  });

  it("name no key, and say nothing of what each key has left", async () => {
    const api = kernel.adopt(new Api());
    await Promise.all([api.export("a"), api.export("b")]);
    expect(samplesOf("mlmcp_rate_limit_max_permits")).toEqual([{ operation: "Api.export", value: 3 }]);
    expect(samplesOf("mlmcp_rate_limit_available_permits")).toEqual([]);
  });
});

it("the metric of retry budgets tells what each operation could still retry", async () => {
  const budget = { name: "upstream", ratio: 0.5, minPerSecond: 0 };
  class Source {
    @retry({ maxRetries: 1, initialDelay: 0, budget } as RetryOptions)
    @hedge({ idempotent: true, after: "1m", budget: { ratio: 1, minPerSecond: 1 } })
    async load(run: () => Promise<unknown>): Promise<unknown> {
      return await run();
    }
    @retry({ budget: { ...budget, ratio: 1 } })
    async save(): Promise<void> {}
    @retry()
    async unbounded(): Promise<void> {}
  }
  const source = kernel.adopt(new Source());
  const left = () => samplesOf("mlmcp_retry_budget_available");
  expect(left()).toEqual([]);
  await source.unbounded();
  for (let call = 0; call < 7; call += 1) await source.save();
  const call = outcomeOf(source.load(down));
  await vi.advanceTimersByTimeAsync(1);
  await call;
  const load = { operation: "Source.load" };
  // 8 calls and 1 retry of all that share it; the hedge's own has seen 2 attempts.
  expect(left()).toEqual([
    { ...load, budget: "", value: 12 },
    { ...load, budget: "upstream", value: 3 },
    { operation: "Source.save", budget: "upstream", value: 7 },
  ]);
  await kernel.config.set("operations", { "Source.load": { retry: { budget: false } } });
  await source.load(async () => undefined);
  expect(left()).toEqual([{ ...load, budget: "", value: 13 }]);
});
