import {
  ConfigurationError,
  currentOperation,
  hedge,
  retry,
  type Call,
  type HedgeOptions,
  type Kernel,
  type OperationDecorator,
} from "@mlmcp/core";
import { createTestKernel } from "@mlmcp/core/testing";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { traceEvents } from "../events.js";
import { written } from "../../support/written.js";

interface Plan {
  readonly ms: number;
  readonly error?: Error;
}

class Replicas {
  readonly trace: string[] = [];
  readonly calls: Call[] = [];
  /** One for each attempt; the last one stands for all that follow. */
  plans: Plan[] = [];

  @hedge({ after: 100, idempotent: true })
  async query(): Promise<unknown> {
    return this.ask();
  }

  @hedge({ after: "50ms", maxHedges: 2, idempotent: true })
  async often(): Promise<unknown> {
    return this.ask();
  }

  @hedge({ idempotent: true })
  async adaptive(): Promise<unknown> {
    return this.ask();
  }

  @retry({ maxRetries: 1, backoff: "constant", initialDelay: 10, jitter: "none" })
  @hedge({ after: 100, idempotent: true })
  async retried(): Promise<unknown> {
    return this.ask();
  }

  private async ask(): Promise<unknown> {
    const call = currentOperation()!;
    const number = this.calls.push(call);
    const { ms, error } = this.plans[Math.min(number, this.plans.length) - 1]!;
    this.trace.push(`begin ${number}`);
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(resolve, ms);
      call?.signal.addEventListener("abort", () => {
        clearTimeout(timer);
        this.trace.push(`abandoned ${number}`);
        reject(call.signal.reason as Error);
      });
    });
    this.trace.push(`end ${number}`);
    if (error) throw error;
    return number;
  }
}

let kernel: Kernel;
let replicas: Replicas;

beforeEach(async () => {
  vi.useFakeTimers();
  kernel = await createTestKernel();
  replicas = kernel.adopt(new Replicas());
  traceEvents(kernel, replicas.trace, ["hedge:attempt", "hedge:win"]);
});
afterEach(async () => {
  await kernel.stop();
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

async function outcomeOf(run: () => Promise<unknown>): Promise<object> {
  const began = Date.now();
  const ended = run().then(
    (value) => ({ value, after: Date.now() - began }),
    (error: unknown) => ({ error, after: Date.now() - began }),
  );
  await vi.runAllTimersAsync();
  return ended;
}

const one = new Error("one");
const two = new Error("two");

describe("@hedge", () => {
  it.each<{
    title: string;
    method?: "query" | "often" | "retried";
    plans: Plan[];
    expected: object;
    trace: string[];
  }>([
    {
      title: "Polly: leaves a call alone that answers in time",
      plans: [{ ms: 99 }],
      expected: { value: 1, after: 99 },
      trace: ["begin 1", "end 1"],
    },
    {
      title: "Polly: answers with the second attempt where that is faster, and abandons the first",
      plans: [{ ms: 500 }, { ms: 20 }],
      expected: { value: 2, after: 120 },
      trace: ["begin 1", "hedge:attempt 1 100", "begin 2", "end 2", "abandoned 1", "hedge:win 1 2"],
    },
    {
      title: "Polly: answers with the first attempt where that is faster after all, and abandons the second",
      plans: [{ ms: 150 }, { ms: 500 }],
      expected: { value: 1, after: 150 },
      trace: ["begin 1", "hedge:attempt 1 100", "begin 2", "end 1", "abandoned 2", "hedge:win 0 2"],
    },
    {
      title: "passes an early error at once, and begins nothing for it",
      plans: [{ ms: 50, error: one }],
      expected: { error: one, after: 50 },
      trace: ["begin 1", "end 1"],
    },
    {
      title: "waits for the other where one of two fails",
      plans: [{ ms: 110, error: one }, { ms: 50 }],
      expected: { value: 2, after: 150 },
      trace: ["begin 1", "hedge:attempt 1 100", "begin 2", "end 1", "end 2", "hedge:win 1 2"],
    },
    {
      title: "fails with the last error where both fail",
      plans: [
        { ms: 200, error: one },
        { ms: 20, error: two },
      ],
      expected: { error: one, after: 200 },
      trace: ["begin 1", "hedge:attempt 1 100", "begin 2", "end 2", "end 1"],
    },
    {
      title: "Polly: begins as many hedges as it may, each after the same time",
      method: "often",
      plans: [{ ms: 500 }, { ms: 500 }, { ms: 10 }],
      expected: { value: 3, after: 110 },
      trace: [
        ...["begin 1", "hedge:attempt 1 50", "begin 2", "hedge:attempt 2 50", "begin 3"],
        ...["end 3", "abandoned 1", "abandoned 2", "hedge:win 2 3"],
      ],
    },
    {
      title: "is tried again as a whole",
      method: "retried",
      plans: [{ ms: 110, error: one }, { ms: 10, error: two }, { ms: 5 }],
      expected: { value: 3, after: 125 },
      trace: ["begin 1", "hedge:attempt 1 100", "begin 2", "end 1", "end 2", "begin 3", "end 3"],
    },
  ])("$title", async ({ method = "query", plans, expected, trace }) => {
    replicas.plans = plans;
    expect(await outcomeOf(() => replicas[method]())).toEqual(expected);
    expect(replicas.trace).toEqual(trace);
  });

  it("gives each attempt a signal of its own, and the number of the attempt that it belongs to", async () => {
    replicas.plans = [{ ms: 110, error: one }, { ms: 10, error: two }, { ms: 500 }, { ms: 5 }];
    await outcomeOf(() => replicas.retried());
    expect(replicas.calls.map(({ attempt, aborted }) => [attempt, aborted])).toEqual([
      [1, false],
      [1, false],
      [2, true],
      [2, false],
    ]);
  });

  it("tells the caller who asks how many attempts there were", async () => {
    replicas.plans = [{ ms: 500 }, { ms: 20 }];
    expect(await outcomeOf(() => kernel.outcome(() => replicas.query()))).toMatchObject({
      value: { attempts: 2 },
    });
  });

  it("begins nothing more for a caller who has given up", async () => {
    const controller = new AbortController();
    replicas.plans = [{ ms: 500 }];
    class Deaf {
      begun = 0;
      @hedge({ after: 100, idempotent: true })
      async query(): Promise<void> {
        this.begun += 1;
        await new Promise((resolve) => setTimeout(resolve, 500));
      }
    }
    const deaf = kernel.adopt(new Deaf());
    const call = outcomeOf(() => kernel.withContext({ signal: controller.signal }, () => deaf.query()));
    controller.abort();
    await call;
    expect(deaf.begun).toBe(1);
  });

  it("works without a context, where nothing can be abandoned", async () => {
    await using bare = await createTestKernel({ config: { system: { context: false } } });
    class Deaf {
      begun = 0;
      @hedge({ after: 100, idempotent: true })
      async query(): Promise<number> {
        const number = ++this.begun;
        await new Promise((resolve) => setTimeout(resolve, number === 1 ? 500 : 10));
        return number;
      }
    }
    expect(await outcomeOf(() => bare.adopt(new Deaf()).query())).toEqual({ value: 2, after: 110 });
  });
});

describe("a percentile of the method's own latencies", () => {
  const call = async (ms: number) => {
    replicas.calls.length = 0;
    replicas.plans = [{ ms }, { ms: 1 }];
    return outcomeOf(() => replicas.adaptive());
  };

  it("hedges nothing until enough calls are known, and then those that take longer", async () => {
    for (let i = 1; i <= 19; i++) await call(i);
    expect(await call(5_000)).toMatchObject({ after: 5_000 });
    replicas.trace.length = 0;
    // The 95th percentile of 1 … 19 and 5000 is 19.
    expect(await call(1_000)).toMatchObject({ after: 20 });
    expect(replicas.trace).toContain("hedge:attempt 1 19");
    expect(await call(15)).toMatchObject({ value: 1, after: 15 });
  });

  it("does not learn from failures, which may be fast", async () => {
    for (let i = 0; i < 30; i++) {
      replicas.calls.length = 0;
      replicas.plans = [{ ms: 0, error: one }];
      await outcomeOf(() => replicas.adaptive());
    }
    expect(await call(5_000)).toMatchObject({ after: 5_000 });
  });
});

describe("@hedge and its options", () => {
  it("can be tuned and turned off by the configuration", async () => {
    const config = {
      operations: { "Replicas.query": { hedge: { after: 20 } }, "Replicas.often": { hedge: false } },
    };
    await using tuned = await createTestKernel({ config });
    const subject = tuned.adopt(Object.assign(new Replicas(), { plans: [{ ms: 500 }, { ms: 20 }] }));
    expect(await outcomeOf(() => subject.query())).toEqual({ value: 2, after: 40 });
    subject.calls.length = 0;
    expect(await outcomeOf(() => subject.often())).toEqual({ value: 1, after: 500 });
  });

  it.each<[string, unknown]>([
    ["without any", undefined],
    ["that do not say it", { after: 10 }],
    ["that deny it", { idempotent: false }],
  ])("must say that the method may run twice: not %s", (_, options) => {
    expect(() => hedge(options as HedgeOptions)).toThrow(/it must be told that this does no harm/);
  });

  it("must say so for a plain function as well", async () => {
    const run = kernel.wrap(async () => 1, { name: "plain", hedge: true });
    await expect(run()).rejects.toThrow(/it must be told that this does no harm/);
  });

  it.each<[string, object]>([
    ["a percentile beyond 100", { after: "p101" }],
    ["a text that is no time", { after: "later" }],
    ["no hedge at all", { maxHedges: 0 }],
    ["a crowd of them", { maxHedges: 6 }],
    ["an unknown option", { delay: 10 }],
  ])("refuse %s", (_, options) => {
    expect(() => written(hedge({ idempotent: true, ...options }))).toThrow(ConfigurationError);
  });

  it("cannot serve a method that streams", () => {
    expect(() => {
      class Streaming {
        // To the compiler a stream is no promise.
        @(hedge({ idempotent: true }) as OperationDecorator)
        async *items(): AsyncGenerator<number> {
          yield 1;
        }
      }
      return Streaming;
    }).toThrow(/cannot serve a method that returns an async iterable/);
  });
});
