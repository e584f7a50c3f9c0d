import {
  attemptsOf,
  bulkhead,
  ConfigurationError,
  currentOperation,
  degrade,
  OperationTimeoutError,
  retry,
  timeout,
  type Call,
  type Kernel,
} from "@mlmcp/core";
import { createTestKernel } from "@mlmcp/core/testing";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { traceEvents } from "../events.js";
import { written } from "../../support/written.js";

const EVENTS = [
  "timeout:expire",
  "timeout:late",
  "retry:attempt",
  "retry:giveUp",
  "degrade:fallback",
] as const;

/** What one attempt does: how long it takes, and whether it listens to its signal. */
interface Plan {
  readonly ms: number;
  readonly error?: Error;
  readonly cooperative?: boolean;
}

class Source {
  readonly trace: string[] = [];
  readonly calls: Call[] = [];
  /** One for each attempt; the last one stands for all that follow. */
  plans: Plan[] = [{ ms: 0 }];

  @timeout(100)
  async load(): Promise<unknown> {
    return this.work();
  }

  @timeout({ deadline: 250 })
  async whole(): Promise<unknown> {
    return this.work();
  }

  @retry({ maxRetries: 2, backoff: "constant", initialDelay: 50, jitter: "none" })
  @timeout("100ms")
  async retried(): Promise<unknown> {
    return this.work();
  }

  @retry({ maxRetries: 9, backoff: "constant", initialDelay: 50, jitter: "none" })
  @timeout({ attempt: 100, deadline: 250 })
  async bounded(): Promise<unknown> {
    return this.work();
  }

  @degrade({ fallback: { value: "stand-in" }, breaker: false })
  @timeout({ deadline: 100 })
  async degraded(): Promise<unknown> {
    return this.work();
  }

  @timeout({ deadline: 100 })
  async outer(): Promise<unknown> {
    await new Promise((resolve) => setTimeout(resolve, 60));
    return this.inner();
  }

  @timeout(1_000)
  async inner(): Promise<unknown> {
    return this.work();
  }

  @timeout(100)
  async *items(gaps: number[]): AsyncGenerator<number> {
    try {
      for (const [index, gap] of gaps.entries()) {
        await new Promise((resolve) => setTimeout(resolve, gap));
        yield index;
      }
    } finally {
      this.trace.push("closed");
    }
  }

  protected async work(): Promise<unknown> {
    const call = currentOperation()!;
    this.calls.push(call);
    const { ms, error, cooperative } = this.plans[Math.min(this.calls.length, this.plans.length) - 1]!;
    this.trace.push(`attempt ${call?.attempt}`);
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(resolve, ms);
      if (!cooperative) return;
      call.signal.addEventListener("abort", () => {
        clearTimeout(timer);
        this.trace.push("aborted");
        reject(call.signal.reason as Error);
      });
    });
    if (error) throw error;
    return "data";
  }
}

let kernel: Kernel;
let source: Source;

beforeEach(async () => {
  vi.useFakeTimers();
  kernel = await createTestKernel();
  source = kernel.adopt(new Source());
  traceEvents(kernel, source.trace, EVENTS);
});
afterEach(async () => {
  await kernel.stop();
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

/** What comes of a call, and when. */
async function outcomeOf(
  run: () => Promise<unknown>,
): Promise<{ value?: unknown; error?: unknown; after: number }> {
  const began = Date.now();
  const ended = run().then(
    (value) => ({ value, after: Date.now() - began }),
    (error: unknown) => ({ error, after: Date.now() - began }),
  );
  await vi.runAllTimersAsync();
  return ended;
}

describe("the time of one attempt", () => {
  it("does not touch a call that ends in time, nor what it throws", async () => {
    expect(await outcomeOf(() => source.load())).toEqual({ value: "data", after: 0 });
    const own = Object.freeze(new Error("its own"));
    source.plans = [{ ms: 99, error: own }];
    const { error, after } = await outcomeOf(() => source.load());
    expect(error).toBe(own);
    expect(after).toBe(99);
    expect(source.calls[0]!.aborted).toBe(false);
  });

  it("releases the caller of a method that ignores it, and drops what the method comes to", async () => {
    source.plans = [{ ms: 500 }];
    const { error, after } = await outcomeOf(() => source.load());
    expect(error).toBeInstanceOf(OperationTimeoutError);
    expect(error).toMatchObject({
      code: "MLMCP_TIMEOUT",
      retryable: true,
      context: { operation: "Source.load", reason: "attempt", timeoutMs: 100 },
    });
    expect(String(error)).toMatch(/Source\.load did not end within 100 ms, the time of one attempt/);
    expect(after).toBe(100);
    expect(source.trace).toEqual([
      "attempt 1",
      "timeout:expire attempt 100",
      "timeout:late true 400 undefined",
    ]);
  });

  it("leaves no rejection unhandled when the method fails after that", async () => {
    const unhandled = vi.fn();
    process.on("unhandledRejection", unhandled);
    source.plans = [{ ms: 500, error: new Error("too late") }];
    await outcomeOf(() => source.load());
    vi.useRealTimers();
    await new Promise((resolve) => setImmediate(resolve));
    process.off("unhandledRejection", unhandled);
    expect(unhandled).not.toHaveBeenCalled();
    expect(source.trace).toContain("timeout:late false 400 too late");
    vi.useFakeTimers();
  });

  it("aborts the signal that the method reads, with the error that its caller gets", async () => {
    source.plans = [{ ms: 500, cooperative: true }];
    const { error } = await outcomeOf(() => source.load());
    expect(source.calls[0]!.signal.reason).toBe(error);
    expect(source.trace).toEqual([
      "attempt 1",
      "timeout:expire attempt 100",
      "aborted",
      `timeout:late false 0 ${(error as Error).message}`,
    ]);
  });

  it("makes no signal where none is read", async () => {
    const made = vi.spyOn(globalThis, "AbortController");
    await outcomeOf(() => source.load());
    source.plans = [{ ms: 500 }];
    await outcomeOf(() => source.load());
    expect(made).not.toHaveBeenCalled();
    made.mockRestore();
  });

  it("tells the method until when it has", async () => {
    const now = Date.now();
    await outcomeOf(() => source.load());
    expect(source.calls[0]!.deadline).toBe(now + 100);
  });

  it("is 30 s where nothing is said", async () => {
    class Plain {
      @timeout()
      async wait(): Promise<void> {
        await new Promise((resolve) => setTimeout(resolve, 60_000));
      }
    }
    expect(await outcomeOf(() => kernel.adopt(new Plain()).wait())).toMatchObject({ after: 30_000 });
  });

  it("holds without a context too", async () => {
    await using bare = await createTestKernel({ config: { system: { context: false } } });
    class Plain {
      @timeout(100)
      async wait(): Promise<void> {
        await new Promise((resolve) => setTimeout(resolve, 500));
      }
    }
    const { error, after } = await outcomeOf(() => bare.adopt(new Plain()).wait());
    expect([(error as OperationTimeoutError).code, after]).toEqual(["MLMCP_TIMEOUT", 100]);
  });

  it("passes what is thrown at once", async () => {
    const thrown = new Error("at once");
    const run = kernel.wrap(
      () => {
        throw thrown;
      },
      { name: "thrower", timeout: 100 },
    );
    expect(await outcomeOf(async () => run())).toMatchObject({ error: thrown });
  });
});

describe("retry × timeout", () => {
  const cases: Array<{ title: string; plans: Plan[]; expected: object; trace: string[] }> = [
    {
      title: "an attempt that takes too long is tried again",
      plans: [{ ms: 500, cooperative: true }, { ms: 10 }],
      expected: { value: "data", after: 160 },
      trace: ["attempt 1", "timeout:expire attempt 100", "aborted", "retry:attempt", "attempt 2"],
    },
    {
      title: "attempts that all take too long end in the last one's timeout",
      plans: [{ ms: 500, cooperative: true }],
      expected: { after: 400 },
      trace: [
        ...["attempt 1", "timeout:expire attempt 100", "aborted", "retry:attempt"],
        ...["attempt 2", "timeout:expire attempt 100", "aborted", "retry:attempt"],
        ...["attempt 3", "timeout:expire attempt 100", "aborted", "retry:giveUp"],
      ],
    },
    {
      title: "a late success of an earlier attempt is not the answer",
      plans: [{ ms: 170 }, { ms: 90, error: new Error("second") }, { ms: 0, error: new Error("third") }],
      expected: { error: new Error("third"), after: 290 },
      trace: [
        ...["attempt 1", "timeout:expire attempt 100", "retry:attempt"],
        ...["attempt 2", "timeout:late true 70 undefined", "retry:attempt"],
        ...["attempt 3", "retry:giveUp"],
      ],
    },
  ];
  it.each(cases)("MicroProfile FT: $title", async ({ plans, expected, trace }) => {
    source.plans = plans;
    expect(await outcomeOf(() => source.retried())).toMatchObject(expected);
    const short = source.trace.map((line) => (line.startsWith("retry:") ? line.split(" ")[0]! : line));
    expect(short.filter((line) => !line.startsWith("timeout:late false"))).toEqual(trace);
  });

  it("gives each attempt a signal of its own", async () => {
    source.plans = [{ ms: 500, cooperative: true }, { ms: 10 }];
    await outcomeOf(() => source.retried());
    expect(source.calls.map(({ attempt, aborted }) => [attempt, aborted])).toEqual([
      [1, true],
      [2, false],
    ]);
  });

  it("tells what was tried", async () => {
    source.plans = [{ ms: 500 }];
    const { error } = await outcomeOf(() => source.retried());
    expect(attemptsOf(error).map(({ durationMs }) => durationMs)).toEqual([100, 100, 100]);
  });
});

describe("the time of the whole call", () => {
  it("bounds a call without retries", async () => {
    source.plans = [{ ms: 500, cooperative: true }];
    const { error, after } = await outcomeOf(() => source.whole());
    expect(error).toMatchObject({ context: { reason: "deadline", timeoutMs: 250 } });
    expect(after).toBe(250);
    expect(source.calls[0]!.aborted).toBe(true);
  });

  it("bounds all attempts and the delays between them, and makes no further attempt", async () => {
    source.plans = [{ ms: 500, cooperative: true }];
    const { error, after } = await outcomeOf(() => source.bounded());
    expect(error).toBeInstanceOf(OperationTimeoutError);
    expect(after).toBe(250);
    expect(source.calls.map(({ attempt }) => attempt)).toEqual([1, 2]);
  });

  it("cuts the delay between two attempts short", async () => {
    source.plans = [{ ms: 220, error: new Error("down"), cooperative: true }];
    class Slow extends Source {
      @retry({ maxRetries: 1, backoff: "constant", initialDelay: "1m", jitter: "none" })
      @timeout({ deadline: 250 })
      override async bounded(): Promise<unknown> {
        return this.work();
      }
    }
    const slow = kernel.adopt(Object.assign(new Slow(), { plans: source.plans }));
    expect(await outcomeOf(() => slow.bounded())).toMatchObject({ after: 250 });
    expect(slow.calls).toHaveLength(1);
  });

  it("gives an attempt no more than what is left of it", async () => {
    const now = Date.now();
    source.plans = [{ ms: 100, error: new Error("down") }, { ms: 0 }];
    await outcomeOf(() => source.bounded());
    expect(source.calls.map(({ deadline }) => deadline! - now)).toEqual([100, 250]);
  });

  it("leaves the fallback its own time", async () => {
    source.plans = [{ ms: 500 }];
    expect(await outcomeOf(() => source.degraded())).toMatchObject({ value: "stand-in", after: 100 });
  });
});

describe("limits inside limits", () => {
  it("gives an inner call no more than the outer has left", async () => {
    source.plans = [{ ms: 500 }];
    const { error, after } = await outcomeOf(() => source.outer());
    expect(error).toBeInstanceOf(OperationTimeoutError);
    expect(after).toBe(100);
    expect(source.calls[0]!.aborted).toBe(true);
  });

  it("releases the inner caller as well, without another attempt", async () => {
    const seen: unknown[] = [];
    class Waiting extends Source {
      @timeout({ deadline: 100 })
      override async outer(): Promise<unknown> {
        return this.retried().catch((error: unknown) => seen.push(error));
      }
      @retry({ maxRetries: 5, initialDelay: 0 })
      @timeout(1_000)
      override async retried(): Promise<unknown> {
        return this.work();
      }
    }
    const waiting = kernel.adopt(Object.assign(new Waiting(), { plans: [{ ms: 500 }] }));
    await outcomeOf(() => waiting.outer());
    expect(seen).toHaveLength(1);
    expect(seen[0]).toBeInstanceOf(OperationTimeoutError);
    expect(waiting.calls).toHaveLength(1);
  });

  it("keeps to the deadline of a caller, and does not begin after it", async () => {
    source.plans = [{ ms: 500 }];
    const deadline = Date.now() + 40;
    const within = (fn: () => Promise<unknown>) => outcomeOf(() => kernel.withContext({ deadline }, fn));
    expect(await within(() => source.load())).toMatchObject({
      error: { context: { reason: "enclosing", timeoutMs: 40 }, retryable: false },
      after: 40,
    });
    expect(await within(() => source.load())).toMatchObject({
      error: { context: { reason: "enclosing", timeoutMs: 0 } },
      after: 0,
    });
    expect(source.calls).toHaveLength(1);
  });
});

describe("an iteration under @timeout", () => {
  const read = (gaps: number[], pause = 0) =>
    outcomeOf(async () => {
      const items: number[] = [];
      try {
        for await (const item of source.items(gaps)) {
          items.push(item);
          if (pause > 0) await new Promise((resolve) => setTimeout(resolve, pause));
        }
      } catch (error) {
        source.trace.push((error as OperationTimeoutError).code);
      }
      return items;
    });

  it.each<[string, number[], number, number[], string[]]>([
    ["ends in time", [30, 30, 30], 0, [0, 1, 2], ["closed"]],
    ["yields nothing in time", [150], 0, [], ["timeout:expire attempt 100", "MLMCP_TIMEOUT"]],
    ["hangs at a later item", [30, 30, 500], 0, [0, 1], ["timeout:expire attempt 100", "MLMCP_TIMEOUT"]],
    [
      "is read too slowly",
      [10, 10, 10],
      60,
      [0, 1],
      ["timeout:expire attempt 100", "closed", "MLMCP_TIMEOUT"],
    ],
  ])("that %s", async (_, gaps, pause, items, trace) => {
    expect((await read(gaps, pause)).value).toEqual(items);
    expect(source.trace.filter((line) => !line.startsWith("timeout:late")).slice(0, trace.length)).toEqual(
      trace,
    );
    // What the generator has opened is closed, sooner or later.
    expect(source.trace).toContain("closed");
  });

  it("that is left early takes its timer with it", async () => {
    const left = (async () => {
      for await (const item of source.items([10, 10])) return item;
      return undefined;
    })();
    await vi.advanceTimersByTimeAsync(10);
    expect(await left).toBe(0);
    expect(vi.getTimerCount()).toBe(0);
    expect(source.trace).toEqual(["closed"]);
  });
});

describe("@timeout and the configuration", () => {
  it.each<[string, unknown, object]>([
    ["turns it off", false, { value: "data", after: 500 }],
    ["gives it another time", "200ms", { after: 200 }],
    ["gives it another time by name", { attempt: "300ms" }, { after: 300 }],
    ["adds a deadline", { deadline: 50 }, { after: 50 }],
  ])("%s", async (_, setting, expected) => {
    await using tuned = await createTestKernel({
      config: { operations: { "Source.load": { timeout: setting as object } } },
    });
    const subject = kernel.adopt(new Source());
    const tunedSubject = tuned.adopt(subject);
    tunedSubject.plans = [{ ms: 500 }];
    expect(await outcomeOf(() => tunedSubject.load())).toMatchObject(expected);
  });

  it.each<[string, unknown]>([
    ["no time at all", 0],
    ["a negative time", -1],
    ["a text that is no time", "soon"],
    ["more than a timer can wait", 2 ** 31],
    ["no attempt at all", { attempt: 0 }],
    ["an unknown option", { attempts: 3 }],
  ])("refuses %s", (_, options) => {
    expect(() => written(timeout(options as 1))).toThrow(ConfigurationError);
  });

  it("is an error where it stands twice on one method", () => {
    expect(() => {
      class Twice {
        @timeout(1)
        @timeout(2)
        async work(): Promise<void> {}
      }
      return Twice;
    }).toThrow(/it is there already/);
  });
});

it("a call that outlasts the stop of its kernel is released", async () => {
  const stopping = await createTestKernel({ config: { system: { stopTimeout: 10 } } });
  const warned = vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);
  const subject = stopping.adopt(Object.assign(new Source(), { plans: [{ ms: 20 }] }));
  const call = subject.inner().catch((error: unknown) => error);
  const stopped = stopping.stop();
  await vi.advanceTimersByTimeAsync(10);
  await stopped;
  expect(await call).toMatchObject({ context: { reason: "stopped" }, retryable: false });
  await vi.runAllTimersAsync();
  warned.mockRestore();
});

it("a method that goes on after its time still holds its place in a bulkhead", async () => {
  class Held extends Source {
    @timeout(100)
    @bulkhead(1)
    override async load(): Promise<unknown> {
      return this.work();
    }
  }
  const held = kernel.adopt(Object.assign(new Held(), { plans: [{ ms: 500 }, { ms: 0 }] }));
  const first = held.load().catch((error: unknown) => error);
  await vi.advanceTimersByTimeAsync(100);
  expect(await first).toBeInstanceOf(OperationTimeoutError);
  await expect(held.load()).rejects.toMatchObject({ code: "MLMCP_BULKHEAD_FULL" });
  await vi.advanceTimersByTimeAsync(400);
  expect(await outcomeOf(() => held.load())).toMatchObject({ value: "data" });
});
