import { hedge, retry, type HedgeOptions, type Kernel, type RetryOptions } from "@mlmcp/core";
import { createTestKernel } from "@mlmcp/core/testing";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { traceEvents } from "../events.js";
import { written } from "../../support/written.js";

type Budget = HedgeOptions["budget"];

let kernel: Kernel;

beforeEach(async () => {
  vi.useFakeTimers();
  kernel = await createTestKernel();
});
afterEach(async () => {
  await kernel.stop();
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

const none = { ratio: 0, minPerSecond: 0 };
/** So many in ten seconds. */
const only = (count: number, name?: string): Budget => ({
  ratio: 0,
  minPerSecond: count / 10,
  ...(name === undefined ? {} : { name }),
});

let classes = 0;

/** Takes so long with each attempt, or fails at once. */
function sourceOf(
  hedging: Partial<HedgeOptions>,
  retrying: RetryOptions | undefined,
  ...plan: Array<number | Error>
) {
  const name = `Source${++classes}.load`;
  const trace: string[] = [];
  class Source {
    trace = trace;
    attempts = 0;
    @hedge({ after: 10, idempotent: true, name, ...hedging })
    @(retrying ? retry({ initialDelay: 0, ...retrying }) : (_: unknown, __: unknown) => undefined)
    async load(): Promise<number> {
      const attempt = ++this.attempts;
      const step = plan[Math.min(attempt, plan.length) - 1]!;
      if (step instanceof Error) throw step;
      await new Promise((resolve) => setTimeout(resolve, step));
      return attempt;
    }
  }
  return kernel.adopt(new Source());
}

async function ended<T>(call: Promise<T>): Promise<T | string> {
  const outcome = call.catch((error: unknown) => String(error));
  await vi.runAllTimersAsync();
  return outcome;
}

describe("the budget of @hedge", () => {
  it("lets no attempt begin beside another once it is spent", async () => {
    const source = sourceOf({ budget: only(2) }, undefined, 50);
    traceEvents(kernel, source.trace, ["hedge:attempt", "hedge:throttle"]);
    for (let call = 0; call < 4; call += 1) await ended(source.load());
    expect(source.attempts).toBe(6);
    expect(source.trace).toEqual([
      "hedge:attempt 1 10",
      "hedge:attempt 1 10",
      "hedge:throttle 1 10",
      "hedge:throttle 1 10",
    ]);
    await vi.advanceTimersByTimeAsync(10_000);
    await ended(source.load());
    expect(source.attempts).toBe(8);
  });

  it("asks once for a call, however many hedges it might have had", async () => {
    const source = sourceOf({ budget: none, maxHedges: 3 }, undefined, 100);
    traceEvents(kernel, source.trace, ["hedge:throttle"]);
    expect(await ended(source.load())).toBe(1);
    expect(source.trace).toEqual(["hedge:throttle 1 10"]);
  });

  it("grows with the calls, each counted once", async () => {
    const source = sourceOf({ budget: { ratio: 0.1, minPerSecond: 0 } }, undefined, 50);
    for (let call = 0; call < 100; call += 1) void source.load();
    await vi.runAllTimersAsync();
    expect(source.attempts).toBe(110);
  });

  it("is spent by the retries of others that share it by name, and spends theirs", async () => {
    const failing = new Error("down");
    class Retried {
      attempts = 0;
      @retry({ maxRetries: 5, initialDelay: 0, budget: only(3, "upstream") as RetryOptions["budget"] })
      async load(): Promise<never> {
        this.attempts += 1;
        throw failing;
      }
    }
    const retried = kernel.adopt(new Retried());
    const hedged = sourceOf({ budget: only(3, "upstream") }, undefined, 50);
    await ended(hedged.load());
    expect(hedged.attempts).toBe(2);
    await ended(retried.load());
    expect(retried.attempts).toBe(3);
    await ended(hedged.load());
    expect(hedged.attempts).toBe(3);
  });

  it("is one with that of @retry on the same method, and counts a call once for both", async () => {
    const budget = { ratio: 0.5, minPerSecond: 0 };
    const failing = new Error("down");
    // Half a further attempt for each call: the first call alone does not give one.
    const source = sourceOf({ budget }, { maxRetries: 3, budget }, failing, 50, 5, 5, 5, 50, 5);
    traceEvents(kernel, source.trace, ["retry:attempt", "retry:giveUp", "hedge:attempt", "hedge:throttle"]);
    expect(await ended(source.load())).toBe("Error: down");
    expect(await ended(source.load())).toBe(3);
    expect(await ended(source.load())).toBe(4);
    expect(await ended(source.load())).toBe(5);
    expect(await ended(source.load())).toBe(7);
    expect(source.trace).toEqual(["retry:giveUp 1 budget down", "hedge:attempt 1 10", "hedge:attempt 1 10"]);
  });

  it("is given, tuned and turned off by the configuration", async () => {
    const attemptsUnder = async (budget: unknown): Promise<number> => {
      const config = { operations: { "Source*.load": { hedge: { budget } as object } } };
      await using configured = await createTestKernel({ config });
      const source = configured.adopt(sourceOf({ budget: only(1) }, undefined, 50));
      for (let call = 0; call < 3; call += 1) await ended(source.load());
      return source.attempts;
    };
    expect(await attemptsUnder({})).toBe(4);
    expect(await attemptsUnder({ minPerSecond: 0.2 })).toBe(5);
    expect(await attemptsUnder(false)).toBe(6);
  });

  it.each([{ ratio: -1 }, { perSecond: 1 }, true, { name: "" }])("cannot be %j", (budget) => {
    expect(() => written(hedge({ idempotent: true, budget: budget as never }))).toThrow(
      /wrong options:\n  budget/,
    );
  });
});
