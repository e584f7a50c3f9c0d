import { currentOperation, onEvent, retry, type Kernel, type RetryOptions } from "@mlmcp/core";
import { createTestKernel } from "@mlmcp/core/testing";
import { afterAll, afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { traceEvents } from "../events.js";
import { written } from "../../support/written.js";

/** What one attempt comes to, and how long that takes. An error is thrown. */
interface Plan {
  readonly ms?: number;
  readonly is: unknown;
}

class E0 extends Error {}
class E1 extends E0 {}
class E2 extends E1 {}

const down = new Error("down");
const failing: Plan = { is: down };

let kernel: Kernel;
let trace: string[];

beforeEach(async () => {
  vi.useFakeTimers();
  trace = [];
  kernel = await createTestKernel();
});
afterEach(async () => {
  await kernel.stop();
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

/** A method that goes through its plans, the last one again and again. */
function subjectOf(options: RetryOptions, ...plans: Plan[]) {
  class Source {
    calls = 0;
    @retry({ jitter: "none", ...options })
    async load(): Promise<unknown> {
      trace.push(`attempt ${currentOperation()?.attempt}`);
      const { ms = 0, is } = plans[Math.min(this.calls++, plans.length - 1)]!;
      if (ms > 0) await new Promise((resolve) => setTimeout(resolve, ms));
      if (is instanceof Error) throw is;
      return is;
    }
  }
  return kernel.adopt(new Source());
}

/** What a call comes to, and after how many milliseconds. */
async function outcomeOf(run: () => Promise<unknown>): Promise<object> {
  const began = Date.now();
  const ended = run().then(
    (value) => ({ value, after: Date.now() - began }),
    (error: unknown) => ({ error, after: Date.now() - began }),
  );
  await vi.runAllTimersAsync();
  return ended;
}

interface Expected {
  readonly calls: number;
  readonly after?: number;
  readonly value?: unknown;
  readonly error?: unknown;
}

const behaviours: Array<
  [source: string, behaviour: string, options: RetryOptions, plans: Plan[], expected: Expected]
> = [
  [
    "MicroProfile FT",
    "maxDuration: no attempt begins after it",
    { maxRetries: 90, backoff: "constant", initialDelay: 100, maxElapsed: 500 },
    [failing],
    { calls: 6, error: down, after: 500 },
  ],
  [
    "MicroProfile FT",
    "maxDuration counts what the attempts themselves take",
    { maxRetries: 90, initialDelay: 0, maxElapsed: "1s" },
    [{ ms: 400, is: down }],
    { calls: 3, error: down, after: 1200 },
  ],
  [
    "MicroProfile FT",
    "delay: as long between any two attempts",
    { maxRetries: 4, backoff: "constant", initialDelay: 400 },
    [failing],
    { calls: 5, error: down, after: 1600 },
  ],
  [
    "MicroProfile FT",
    "no delay and no jitter",
    { maxRetries: 4, initialDelay: 0 },
    [failing],
    { calls: 5, after: 0 },
  ],
  [
    "MicroProfile FT, p-retry",
    "maxRetries of 0: one call, whose error is thrown",
    { maxRetries: 0 },
    [failing],
    { calls: 1, error: down, after: 0 },
  ],
  [
    "MicroProfile FT",
    "ends with the first success",
    {},
    [failing, { is: "data" }, failing],
    { calls: 2, value: "data" },
  ],
  [
    "p-retry",
    "maxRetryTime counts what the attempts themselves take",
    { maxRetries: 9, backoff: "constant", initialDelay: 50, maxElapsed: 200 },
    [{ ms: 120, is: down }],
    { calls: 2, error: down, after: 290 },
  ],
  [
    "p-retry",
    "maxTimeout below minTimeout caps every delay",
    { initialDelay: "1s", maxDelay: 100 },
    [failing],
    { calls: 4, after: 300 },
  ],
  [
    "p-retry",
    "a factor of 1 leaves the delays as they are",
    { factor: 1 },
    [failing],
    { calls: 4, after: 300 },
  ],
  ["p-retry", "a factor makes them grow", { factor: 3 }, [failing], { calls: 4, after: 1300 }],
  ["p-retry", "null is an answer", {}, [{ is: null }], { calls: 1, value: null }],
  [
    "p-retry",
    "an error that ends it does so at any attempt",
    { abortIf: E0 },
    [failing, { is: new E1() }, { is: "data" }],
    { calls: 2, error: new E1() },
  ],
  [
    "p-retry",
    "an AbortError of the method ends it",
    {},
    [{ is: Object.assign(new Error("enough"), { name: "AbortError" }) }],
    { calls: 1 },
  ],
  [
    "p-retry",
    "conditions that are undefined are as good as none",
    { retryIf: undefined, abortIf: undefined, retryResultIf: undefined } as unknown as RetryOptions,
    [failing, { is: "data" }],
    { calls: 2, value: "data" },
  ],
  [
    "cockatiel",
    "handleAll: retries whatever is thrown, where it is told to",
    { retryIf: () => true },
    [{ is: new TypeError("x is not a function") }, { is: new RangeError("no") }, { is: "data" }],
    { calls: 3, value: "data" },
  ],
  [
    "cockatiel",
    "handleType: only that class",
    { retryIf: E1 },
    [{ is: new E2() }, { is: new E0() }, { is: "data" }],
    { calls: 2 },
  ],
  [
    "cockatiel",
    "handleResultType: only these values",
    { retryResultIf: (value: unknown) => typeof value === "number" && value < 2 },
    [{ is: 0 }, { is: 1 }, { is: 2 }],
    { calls: 3, value: 2 },
  ],
  [
    "cockatiel",
    "delays stay finite after any number of attempts",
    { maxRetries: 1100, initialDelay: 1, maxDelay: 2 },
    [failing],
    { calls: 1101, after: 1 + 1099 * 2 },
  ],
];

/** What `fetch` fails with, and what is a mistake in the code. */
const typeErrors: Array<[message: string, calls: number]> = [
  ["Failed to fetch", 4],
  ["NetworkError when attempting to fetch resource.", 4],
  ["Load failed", 4],
  ["The Internet connection appears to be offline.", 4],
  ["Network request failed", 4],
  ["fetch failed", 4],
  ["terminated", 4],
  ["x is not a function", 1],
];

describe("@retry does what other suites ask", () => {
  it.each(behaviours)("%s: %s", async (_source, _behaviour, options, plans, { calls, ...expected }) => {
    const subject = subjectOf(options, ...plans);
    expect(await outcomeOf(() => subject.load())).toMatchObject(expected);
    expect(subject.calls).toBe(calls);
  });

  it.each(typeErrors)("p-retry: after a TypeError “%s” it makes %i calls in all", async (message, calls) => {
    const subject = subjectOf({ initialDelay: 0 }, { is: new TypeError(message) });
    await outcomeOf(() => subject.load());
    expect(subject.calls).toBe(calls);
  });

  it.each<[string, RetryOptions["jitter"], number, number[]]>([
    ["all of each delay at most", "full", 1 - Number.EPSILON, [100, 200, 400]],
    ["nothing of it at least, where it is full", "full", 0, [0, 0, 0]],
    ["half of it at least, where it is equal", "equal", 0, [50, 100, 200]],
  ])("cockatiel, p-retry: jitter leaves %s", async (_, jitter, chance, expected) => {
    const random = vi.spyOn(Math, "random").mockReturnValue(chance);
    onTestFinished(() => random.mockRestore());
    const delays: number[] = [];
    onTestFinished(onEvent("retry:attempt", ({ delayMs }) => delays.push(delayMs)));
    await outcomeOf(() => subjectOf({ jitter }, failing).load());
    expect(delays).toEqual(expected);
  });
});

describe("@retry and its callers, as other suites ask", () => {
  it("cockatiel: a caller who has given up already gets no retry", async () => {
    const subject = subjectOf({}, failing);
    const signal = AbortSignal.abort(new Error("the user left"));
    const outcome = await outcomeOf(() => kernel.withContext({ signal }, () => subject.load()));
    expect(outcome).toEqual({ error: down, after: 0 });
    expect(subject.calls).toBe(1);
  });

  it("p-retry: the condition is asked before the retry is told, and that before the next attempt", async () => {
    const retryIf = () => trace.push("asked") > 0;
    const subject = subjectOf({ maxRetries: 2, initialDelay: 10, retryIf }, failing);
    traceEvents(kernel, trace, ["retry:attempt", "retry:giveUp"]);
    await outcomeOf(() => subject.load());
    expect(trace).toEqual([
      ...["attempt 1", "asked", "retry:attempt 2 10 down"],
      ...["attempt 2", "asked", "retry:attempt 3 20 down"],
      ...["attempt 3", "asked", "retry:giveUp 3 exhausted down"],
    ]);
  });

  it.each<[string, RetryOptions, string]>([
    ["there are no retries", { maxRetries: 0 }, "retry:giveUp 1 exhausted down"],
    ["the condition says no", { retryIf: () => false }, "retry:giveUp 1 notRetryable down"],
  ])("p-retry: the failure is told also where %s", async (_, options, told) => {
    const subject = subjectOf(options, failing);
    traceEvents(kernel, trace, ["retry:attempt", "retry:giveUp"]);
    await outcomeOf(() => subject.load());
    expect(trace).toEqual(["attempt 1", told]);
  });

  it("p-retry: the stack of the error leads to the method", async () => {
    async function readTheRows(): Promise<never> {
      await Promise.resolve();
      throw new Error("down");
    }
    const run = kernel.wrap(readTheRows, { name: "rows", retry: { maxRetries: 1, initialDelay: 0 } });
    expect(await outcomeOf(run)).toMatchObject({
      error: { stack: expect.stringContaining("readTheRows") as string },
    });
  });

  it("p-retry: a wrapped function is called with its `this` and its arguments at each attempt", async () => {
    const seen: unknown[] = [];
    async function save(this: { id: number }, ...rows: string[]): Promise<string> {
      seen.push([this.id, ...rows]);
      if (seen.length === 1) throw down;
      return rows.join(" ");
    }
    const host = { id: 7, save: kernel.wrap(save, { name: "save", retry: { initialDelay: 0 } }) };
    expect(await outcomeOf(() => host.save("a", "b"))).toMatchObject({ value: "a b" });
    expect(seen).toEqual([
      [7, "a", "b"],
      [7, "a", "b"],
    ]);
  });
});

describe("MicroProfile FT: retryOn and abortOn within a hierarchy of errors", () => {
  const services: Record<string, RetryOptions> = {
    "retryOn E0, abortOn E2": { retryIf: E0, abortIf: E2 },
    "retryOn E0 and E2, abortOn E1": { retryIf: [E0, E2], abortIf: E1 },
    "retryOn all and E1, abortOn E0 and E2": { retryIf: [Error, E1], abortIf: [E0, E2] },
    "retryOn E1 and E2, abortOn E0": { retryIf: [E1, E2], abortIf: E0 },
  };
  it.each<[service: keyof typeof services, retried: string, not: string]>([
    ["retryOn E0, abortOn E2", "E0 E1", "Error E2"],
    ["retryOn E0 and E2, abortOn E1", "E0", "Error E1 E2"],
    ["retryOn all and E1, abortOn E0 and E2", "Error", "E0 E1 E2"],
    ["retryOn E1 and E2, abortOn E0", "", "Error E0 E1 E2"],
  ])("%s: retries %s, and not %s", async (service, retried, not) => {
    const calls = async (kind: string): Promise<number> => {
      const thrown = { Error, E0, E1, E2 }[kind]!;
      const subject = subjectOf(
        { maxRetries: 1, initialDelay: 0, ...services[service] },
        { is: new thrown() },
      );
      await outcomeOf(() => subject.load());
      return subject.calls;
    };
    for (const kind of retried.split(" ").filter(Boolean))
      expect([kind, await calls(kind)]).toEqual([kind, 2]);
    for (const kind of not.split(" ")) expect([kind, await calls(kind)]).toEqual([kind, 1]);
  });
});

describe("MicroProfile FT: a retry on a class", () => {
  abstract class Counting {
    calls = 0;
    protected async fail(): Promise<never> {
      this.calls += 1;
      throw down;
    }
  }
  const retries = (maxRetries: number) => ({ maxRetries, initialDelay: 0 });

  @retry(retries(3))
  class Base extends Counting {
    async work(): Promise<unknown> {
      return this.fail();
    }
    @retry(retries(1))
    async special(): Promise<unknown> {
      return this.fail();
    }
  }
  class Inheriting extends Base {}
  class Bare extends Base {
    override async work(): Promise<unknown> {
      return this.fail();
    }
  }
  class OnMethod extends Base {
    @retry(retries(4))
    override async work(): Promise<unknown> {
      return this.fail();
    }
  }
  @retry(retries(5))
  class OnClass extends Base {
    override async work(): Promise<unknown> {
      return this.fail();
    }
  }
  const classes = { Base, Inheriting, Bare, OnMethod, OnClass };
  afterAll(() => void classes);

  it.each<[string, keyof typeof classes, "work" | "special", number]>([
    ["holds for its methods", "Base", "work", 4],
    ["leaves a method that has its own to that", "Base", "special", 2],
    ["is inherited with the method", "Inheriting", "work", 4],
    ["does not hold for a method that overrides and has none", "Bare", "work", 1],
    ["gives way to one on the method that overrides", "OnMethod", "work", 5],
    ["gives way to one on the class that overrides", "OnClass", "work", 6],
    ["of a subclass leaves what that inherits as it was", "OnClass", "special", 2],
  ])("%s", async (_, name, method, calls) => {
    const subject = kernel.adopt(new classes[name]());
    await outcomeOf(() => subject[method]());
    expect(subject.calls).toBe(calls);
  });
});

it.each<[string, unknown]>([
  ["a negative number of retries", { maxRetries: -1 }],
  ["a number of retries that is text", { maxRetries: "three" }],
  ["NaN retries", { maxRetries: Number.NaN }],
  ["a negative delay", { initialDelay: -1 }],
  ["a delay that is NaN", { initialDelay: Number.NaN }],
  ["a longest delay that is Infinity", { maxDelay: Number.POSITIVE_INFINITY }],
  ["a negative time in all", { maxElapsed: -1 }],
  ["a factor below 1", { factor: 0 }],
  ["a factor that is no number", { factor: "2" }],
  ["a jitter of milliseconds", { jitter: -1 }],
  ["an option that is none", { forever: true }],
])("p-retry, MicroProfile FT: invalid parameters: %s", (_, options) => {
  expect(() => written(retry(options as RetryOptions))).toThrow(
    expect.objectContaining({ name: "ConfigurationError" }),
  );
});
