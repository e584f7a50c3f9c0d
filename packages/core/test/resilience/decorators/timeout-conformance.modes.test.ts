import {
  Bulkheads,
  currentOperation,
  degrade,
  OperationTimeoutError,
  retry,
  timeout,
  bulkhead,
  type DegradeOptions,
  type Kernel,
  type RetryOptions,
  type TimeoutOptions,
} from "@mlmcp/core";
import { createTestKernel } from "@mlmcp/core/testing";
import { getEventListeners } from "node:events";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { traceEvents } from "../events.js";
import { written } from "../../support/written.js";

/** What an attempt does after so many milliseconds; `"listens"` ends at once when its signal says so. */
type Plan = readonly [ms: number, how?: "fails" | "listens"];

const down = new Error("down");

let kernel: Kernel;
let trace: string[];
let plans: Plan[];
let calls: number;

beforeEach(async () => {
  vi.useFakeTimers();
  [trace, plans, calls] = [[], [], 0];
  kernel = await createTestKernel();
});
afterEach(async () => {
  await kernel.stop();
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

/** One attempt, as planned; the last plan stands for all that follow. */
async function work(): Promise<string> {
  const [ms, how] = plans[Math.min(calls++, plans.length - 1)]!;
  const call = currentOperation();
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    if (how !== "listens") return;
    call!.signal.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(call!.signal.reason as Error);
    });
  });
  trace.push(`${call?.aborted ? "aborted" : "ended"} ${calls}`);
  if (how === "fails") throw down;
  return "data";
}

const errorOf = (promise: Promise<unknown>): Promise<unknown> => promise.catch((error: unknown) => error);

/** What a call comes to, and after how many milliseconds. */
async function outcomeOf(run: () => Promise<unknown>): Promise<{ result: unknown; after: number }> {
  const began = Date.now();
  const ended = errorOf(run()).then((result) => ({
    result: result instanceof OperationTimeoutError ? "timeout" : result,
    after: Date.now() - began,
  }));
  await vi.runAllTimersAsync();
  return ended;
}

function subjectOf(limit: TimeoutOptions | number, retried: RetryOptions = { maxRetries: 0 }) {
  class Source {
    @retry({ initialDelay: 0, ...retried })
    @timeout(limit)
    async load(): Promise<string> {
      return work();
    }
  }
  return kernel.adopt(new Source());
}

const behaviours: Array<
  [source: string, behaviour: string, options: TimeoutOptions | number, plan: Plan, expected: object]
> = [
  ["MicroProfile FT", "no timeout of what ends in time", 500, [499], { result: "data", after: 499 }],
  ["MicroProfile FT", "a timeout of what does not", 500, [1000], { result: "timeout", after: 500 }],
  [
    "MicroProfile FT",
    "more than the default",
    { attempt: 60_000 },
    [59_999],
    { result: "data", after: 59_999 },
  ],
  ["MicroProfile FT", "a timeout in seconds", { attempt: "2s" }, [3000], { result: "timeout", after: 2000 }],
  [
    "MicroProfile FT",
    "a method that cannot be interrupted does not keep its caller",
    100,
    [60_000],
    { result: "timeout", after: 100 },
  ],
  ["cockatiel", "does nothing where no timeout happens", 1000, [42], { result: "data", after: 42 }],
  [
    "cockatiel",
    "cancels what listens to its signal",
    100,
    [1000, "listens"],
    { result: "timeout", after: 100 },
  ],
  [
    "cockatiel",
    "releases the caller of what does not listen",
    100,
    [1000],
    { result: "timeout", after: 100 },
  ],
  ["cockatiel", "hands on what the function throws in time", 100, [50, "fails"], { result: down, after: 50 }],
  ["opossum", "fails when the action times out", 100, [200], { result: "timeout", after: 100 }],
];

describe("@timeout does what other suites ask", () => {
  it.each(behaviours)("%s: %s", async (_source, _behaviour, options, plan, expected) => {
    plans = [plan];
    const subject = subjectOf(options);
    expect(await outcomeOf(() => subject.load())).toEqual(expected);
  });

  it.each<[string, Plan, string[]]>([
    ["nothing of a success", [50], []],
    ["nothing of a failure", [50, "fails"], []],
    [
      "a timeout, and what came too late",
      [150],
      ["timeout:expire attempt 100", "timeout:late true 50 undefined"],
    ],
  ])("cockatiel: tells %s", async (_, plan, told) => {
    plans = [plan];
    const subject = subjectOf(100);
    const events: string[] = [];
    traceEvents(kernel, events, ["timeout:expire", "timeout:late"]);
    await outcomeOf(() => subject.load());
    expect(events).toEqual(told);
  });

  it.each<[string, (abort: () => void) => Promise<void>, string[]]>([
    ["its caller gives up", async (abort) => abort(), ["aborted 1"]],
    ["its own time is over, whatever its caller has", async () => undefined, ["aborted 1"]],
  ])("cockatiel: the signal of a method aborts when %s", async (_, act, expected) => {
    plans = [[150]];
    const subject = subjectOf(100);
    const parent = new AbortController();
    const call = errorOf(kernel.withContext({ signal: parent.signal }, () => subject.load()));
    await vi.advanceTimersByTimeAsync(10);
    await act(() => parent.abort());
    await vi.runAllTimersAsync();
    await call;
    expect(trace).toEqual(expected);
  });

  it("cockatiel: leaves no listener on the caller's signal after many retries (#81)", async () => {
    plans = [
      [5, "fails"],
      [50, "listens"],
    ];
    const subject = subjectOf(10, { maxRetries: 40 });
    const { signal } = new AbortController();
    await outcomeOf(() => kernel.withContext({ signal }, () => subject.load()));
    expect(calls).toBe(41);
    expect(getEventListeners(signal, "abort")).toEqual([]);
  });

  it("opossum: is not retired by a timeout: each call has a signal of its own", async () => {
    plans = [[200, "listens"], [50]];
    const subject = subjectOf(100);
    expect(await outcomeOf(() => subject.load())).toMatchObject({ result: "timeout" });
    expect(await outcomeOf(() => subject.load())).toMatchObject({ result: "data" });
    expect(trace).toEqual(["ended 2"]);
  });
});

describe("retry × timeout, as MicroProfile Fault Tolerance asks", () => {
  it.each<[behaviour: string, options: RetryOptions, plan: Plan, attempts: number]>([
    ["each attempt that times out is retried", { maxRetries: 3 }, [1000], 4],
    ["an attempt in time is not", { maxRetries: 3 }, [50], 1],
    ["a timeout that retryOn does not name is not", { maxRetries: 3, retryIf: RangeError }, [1000], 1],
    ["a timeout that abortOn names is not", { maxRetries: 3, abortIf: OperationTimeoutError }, [1000], 1],
    ["a retry does not wait for what was not interrupted", { maxRetries: 2 }, [60_000], 3],
  ])("MicroProfile FT: %s", async (_, options, plan, attempts) => {
    plans = [plan];
    const subject = subjectOf(100, options);
    const { after } = await outcomeOf(() => subject.load());
    expect(calls).toBe(attempts);
    expect(after).toBe(Math.min(plan[0], 100) * attempts);
  });
});

describe("breaker × timeout, as MicroProfile Fault Tolerance asks", () => {
  it.each<[string, DegradeOptions["when"], string[]]>([
    ["timeouts count", undefined, ["breaker:open failures 2 300000"]],
    ["timeouts count where failOn names them", OperationTimeoutError, ["breaker:open failures 2 300000"]],
    ["timeouts do not count where failOn names other errors", RangeError, []],
  ])("MicroProfile FT: %s", async (_, when, opened) => {
    plans = [[1000]];
    class Source {
      @degrade({ breaker: { failureThreshold: 2, ...(when ? { when } : {}) } })
      @timeout(100)
      async load(): Promise<string> {
        return work();
      }
    }
    const subject = kernel.adopt(new Source());
    traceEvents(kernel, trace, ["breaker:open"]);
    for (let i = 0; i < 2; i++) await outcomeOf(() => subject.load());
    expect(trace.filter((line) => line.startsWith("breaker"))).toEqual(opened);
  });
});

describe("bulkhead × timeout, as MicroProfile Fault Tolerance asks", () => {
  function guarded() {
    class Source {
      @timeout(500)
      @bulkhead({ maxConcurrent: 1, queue: 1 })
      async load(): Promise<string> {
        return work();
      }
    }
    return kernel.adopt(new Source());
  }

  it("MicroProfile FT: what was not interrupted keeps its place, and who waits for it times out", async () => {
    plans = [[5000]];
    const subject = guarded();
    const first = errorOf(subject.load());
    await vi.advanceTimersByTimeAsync(500);
    const second = errorOf(subject.load());
    await vi.advanceTimersByTimeAsync(500);
    const third = errorOf(subject.load());
    await vi.advanceTimersByTimeAsync(100);
    expect(await errorOf(subject.load())).toMatchObject({ code: "MLMCP_BULKHEAD_FULL" });
    await vi.advanceTimersByTimeAsync(400);
    for (const call of [first, second, third]) expect(await call).toBeInstanceOf(OperationTimeoutError);
    await vi.runAllTimersAsync();
    expect(calls).toBe(1);
    expect(kernel.resolve(Bulkheads).list()).toMatchObject([{ running: 0, waiting: 0 }]);
  });

  it("MicroProfile FT: the time begins when the call begins to wait", async () => {
    plans = [[300], [1000]];
    const subject = guarded();
    const first = subject.load();
    const began = Date.now();
    const second = errorOf(subject.load()).then((error) => [
      error instanceof OperationTimeoutError,
      Date.now() - began,
    ]);
    await vi.runAllTimersAsync();
    expect(await first).toBe("data");
    expect(await second).toEqual([true, 500]);
  });
});

describe("fallback × timeout, as MicroProfile Fault Tolerance asks", () => {
  it("MicroProfile FT: the fallback answers as soon as the time is over", async () => {
    plans = [[60_000]];
    class Source {
      @degrade({ fallback: { value: "stand-in" }, breaker: false })
      @timeout(500)
      async load(): Promise<string> {
        return work();
      }
    }
    const subject = kernel.adopt(new Source());
    expect(await outcomeOf(() => subject.load())).toEqual({ result: "stand-in", after: 500 });
  });

  it("opossum: the fallback is called once for a call that times out and fails later", async () => {
    plans = [[200, "fails"]];
    let answers = 0;
    class Source {
      @degrade({ fallback: () => ++answers, breaker: false })
      @timeout(100)
      async load(): Promise<unknown> {
        return work();
      }
    }
    const subject = kernel.adopt(new Source());
    expect(await outcomeOf(() => subject.load())).toEqual({ result: 1, after: 100 });
    expect(answers).toBe(1);
  });
});

it.each<[string, unknown]>([
  ["0", 0],
  ["less than 0", -1],
  ["NaN", Number.NaN],
  ["in no known unit", "2 moons"],
])("MicroProfile FT: invalid parameters: a timeout that is %s", (_, value) => {
  expect(() => written(timeout(value as number))).toThrow(
    expect.objectContaining({ name: "ConfigurationError" }),
  );
});
