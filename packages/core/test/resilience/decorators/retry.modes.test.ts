import {
  attemptsOf,
  ConfigurationError,
  currentOperation,
  ProcessingError,
  retry,
  ValidationError,
  type Kernel,
  type KernelConfig,
} from "@mlmcp/core";
import { createTestKernel } from "@mlmcp/core/testing";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { traceEvents } from "../events.js";
import { written } from "../../support/written.js";

type Outcome = () => unknown;

const fail =
  (error: unknown): Outcome =>
  () => {
    throw error;
  };
const give =
  (value: unknown): Outcome =>
  () =>
    value;

/** Its methods come to one outcome after another, the last one again and again. */
class Source {
  readonly trace: string[] = [];
  calls = 0;

  constructor(readonly outcomes: readonly Outcome[]) {}

  @retry({ jitter: "none" })
  async load(_what?: string): Promise<unknown> {
    return this.next();
  }

  @retry({ maxRetries: 1, initialDelay: "1s", jitter: "none" })
  async once(): Promise<unknown> {
    return this.next();
  }

  @retry(5)
  async jittered(): Promise<unknown> {
    return this.next();
  }

  @retry({ maxRetries: 2, jitter: "none" })
  throwing(): Promise<unknown> {
    return Promise.resolve(this.next());
  }

  @retry({ jitter: "none" })
  async *stream(): AsyncGenerator<unknown> {
    yield this.next();
    yield this.next();
  }

  private next(): unknown {
    const index = this.calls++;
    this.trace.push(`attempt ${currentOperation()?.attempt} at ${Math.round(performance.now() - start)} ms`);
    return this.outcomes[Math.min(index, this.outcomes.length - 1)]!();
  }
}

let start = 0;
let kernel: Kernel;

beforeEach(async () => {
  vi.useFakeTimers();
  start = performance.now();
  kernel = await createTestKernel();
});
afterEach(async () => {
  await kernel.stop();
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

function source(...outcomes: Outcome[]): Source {
  const made = kernel.adopt(new Source(outcomes));
  traceEvents(kernel, made.trace, ["retry:attempt", "retry:giveUp"]);
  return made;
}

/** The promise's end, with all the time passed that it takes. */
async function ended<T>(promise: Promise<T>): Promise<{ value: T } | { error: unknown }> {
  const settled = promise.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
  await vi.runAllTimersAsync();
  return settled;
}

describe("@retry", () => {
  it("adds nothing to a call that succeeds", async () => {
    const subject = source(give("data"));
    expect(await subject.load()).toBe("data");
    expect(subject.trace).toEqual(["attempt 1 at 0 ms"]);
  });

  it("p-retry, cockatiel: calls again after growing delays until it succeeds, each attempt with its number", async () => {
    const subject = source(fail(new Error("one")), fail(new Error("two")), give("data"));
    expect(await ended(subject.load())).toEqual({ value: "data" });
    expect(subject.trace).toEqual([
      "attempt 1 at 0 ms",
      "retry:attempt 2 100 one",
      "attempt 2 at 100 ms",
      "retry:attempt 3 200 two",
      "attempt 3 at 300 ms",
    ]);
  });

  it("MicroProfile FT, p-retry, cockatiel: gives up after 1 + maxRetries calls, with the last error as it was thrown", async () => {
    const errors = [1, 2, 3, 4].map((n) => Object.freeze(new Error(`failure ${n}`)));
    const subject = source(...errors.map(fail));
    const end = await ended(subject.load());
    expect("error" in end && end.error).toBe(errors[3]);
    expect(subject.calls).toBe(4);
    expect(subject.trace.at(-1)).toBe("retry:giveUp 4 exhausted failure 4");
  });

  it("tells what was tried", async () => {
    const [first, second] = [new Error("first"), new Error("second")];
    const subject = source(fail(first), fail(second));
    const at = Date.now();
    await ended(subject.once());
    expect(attemptsOf(second)).toEqual([
      { attempt: 1, error: first, startedAt: at, durationMs: 0, delayMs: 1000 },
      { attempt: 2, error: second, startedAt: at + 1000, durationMs: 0, delayMs: undefined },
    ]);
    expect(attemptsOf(first)).toEqual([]);
  });

  it.each([["a text"], [undefined], [null], [42], [Symbol("s")]])(
    "serves a method that throws %s",
    async (thrown) => {
      const subject = source(fail(thrown));
      expect(await ended(subject.once())).toEqual({ error: thrown });
      expect(subject.calls).toBe(2);
    },
  );

  it("p-retry: handles what the method throws before it returns a promise like a rejection", async () => {
    const subject = source(fail(new Error("at once")), give("data"));
    const promise = subject.throwing();
    expect(promise).toBeInstanceOf(Promise);
    expect(await ended(promise)).toEqual({ value: "data" });
  });

  it("draws each delay between none and what the backoff gives", async () => {
    const chances = [0, 0.5, 0.25, 1 - Number.EPSILON, 0.5];
    const random = vi.spyOn(Math, "random").mockImplementation(() => chances.shift()!);
    const subject = source(fail(new Error("no")));
    await ended(subject.jittered());
    random.mockRestore();
    const delays = subject.trace
      .filter((line) => line.startsWith("retry:attempt"))
      .map((line) => Number(line.split(" ")[2]));
    expect(delays).toEqual([0, 100, 100, 800, 800]);
  });

  it("keeps concurrent calls apart", async () => {
    const subject = source(fail(new Error("a")), fail(new Error("b")), give("first"), give("second"));
    const both = Promise.all([subject.load("a"), subject.load("b")]);
    expect(await ended(both)).toEqual({ value: ["first", "second"] });
    expect(subject.calls).toBe(4);
  });

  it("retries a method that streams until its first item, not after it", async () => {
    const subject = source(fail(new Error("opening")), give("item"), fail(new Error("later")));
    const items: unknown[] = [];
    const reading = (async () => {
      for await (const item of subject.stream()) items.push(item);
    })();
    expect(await ended(reading)).toEqual({ error: new Error("later") });
    expect(items).toEqual(["item"]);
    expect(subject.calls).toBe(3);
  });
});

describe("@retry does not try again", () => {
  it.each([
    ["invalid arguments", new ValidationError("not a date")],
    ["a wrong configuration", new ConfigurationError("no such store")],
    ["an error that says so", new ProcessingError("no columns")],
    ["an AbortError", new DOMException("enough", "AbortError")],
  ])("%s", async (_, error) => {
    const subject = source(fail(error));
    expect(await ended(subject.load())).toEqual({ error });
    expect(subject.calls).toBe(1);
    expect(subject.trace.at(-1)).toBe(`retry:giveUp 1 notRetryable ${error.message}`);
  });

  it("but does where an error of the framework says that it may", async () => {
    const subject = source(fail(new ProcessingError("busy", { retryable: true })), give("data"));
    expect(await ended(subject.load())).toEqual({ value: "data" });
  });

  it("p-retry, cockatiel: once the caller has aborted, and rejects during a delay with the reason at once", async () => {
    const subject = source(fail(new Error("down")));
    const controller = new AbortController();
    const reason = new Error("the user left");
    const settled = kernel
      .withContext({ signal: controller.signal }, () => subject.once())
      .catch((error: unknown) => error);
    await vi.advanceTimersByTimeAsync(400);
    expect(vi.getTimerCount()).toBe(1);
    controller.abort(reason);
    expect(await settled).toBe(reason);
    expect(vi.getTimerCount()).toBe(0);
    expect(subject.trace.at(-1)).toBe("retry:giveUp 1 aborted the user left");
    expect(attemptsOf(reason).map(({ error }) => error)).toEqual([new Error("down")]);
  });

  it("what fails after the caller has aborted, and hands on the method's own error", async () => {
    const controller = new AbortController();
    const error = new Error("cut off");
    const subject = source(() => {
      controller.abort();
      throw error;
    });
    const settled = kernel
      .withContext({ signal: controller.signal }, () => subject.load())
      .catch((caught: unknown) => caught);
    expect(await settled).toBe(error);
    expect(subject.trace.at(-1)).toBe("retry:giveUp 1 aborted cut off");
  });

  it("what fails after the time to drain is over, and announces no attempt", async () => {
    const slow = await createTestKernel({ config: { system: { stopTimeout: 50 } } });
    const error = new Error("down");
    const failing = (): Promise<never> => new Promise((_, reject) => setTimeout(() => reject(error), 100));
    const subject = slow.adopt(new Source([failing]));
    traceEvents(slow, subject.trace, ["retry:attempt", "retry:giveUp"]);
    const settled = subject.load().catch((caught: unknown) => caught);
    const stopped = slow.stop();
    await vi.advanceTimersByTimeAsync(100);
    await stopped;
    expect(await settled).toBe(error);
    expect(subject.trace).toEqual(["attempt 1 at 0 ms", "retry:giveUp 1 stopped down"]);
  });

  it("what still waits when the time to drain is over: the last error is thrown", async () => {
    const slow = await createTestKernel({ config: { system: { stopTimeout: 50 } } });
    const error = new Error("down");
    const subject = slow.adopt(new Source([fail(error)]));
    traceEvents(slow, subject.trace, ["retry:giveUp"]);
    const settled = subject.once().catch((caught: unknown) => caught);
    const stopped = slow.stop();
    await vi.advanceTimersByTimeAsync(50);
    await stopped;
    expect(await settled).toBe(error);
    expect(vi.getTimerCount()).toBe(0);
    expect(subject.trace.at(-1)).toBe("retry:giveUp 1 stopped down");
  });
});

describe("@retry and the configuration", () => {
  const callsUnder = async (config: KernelConfig, method: "load" | "once"): Promise<number> => {
    await using configured = await createTestKernel({ config });
    const subject = configured.adopt(new Source([fail(new Error("down"))]));
    await ended(subject[method]());
    return subject.calls;
  };

  it("takes the section's number where the decorator names none", async () => {
    const config = { errorHandling: { maxRetries: 1 } };
    expect(await callsUnder(config, "load")).toBe(2);
    expect(await callsUnder({ errorHandling: { maxRetries: 7 } }, "once")).toBe(2);
  });

  it("is tuned and turned off for one operation", async () => {
    expect(await callsUnder({ operations: { "Source.load": { retry: { maxRetries: 0 } } } }, "load")).toBe(1);
    expect(await callsUnder({ operations: { "Source.load": { retry: 5 } } }, "load")).toBe(6);
    expect(await callsUnder({ operations: { "Source.*": { retry: false } } }, "load")).toBe(1);
  });

  it("tells how many attempts a result took", async () => {
    const subject = source(fail(new Error("one")), give("data"));
    const outcome = await ended(kernel.outcome(() => subject.load()));
    expect(outcome).toEqual({
      value: { value: "data", attempts: 2, degraded: false, stale: false, cached: false },
    });
  });

  it("works without context, but for the caller's signal", async () => {
    await using bare = await createTestKernel({ config: { system: { context: false } } });
    const subject = bare.adopt(new Source([fail(new Error("one")), give("data")]));
    expect(await ended(subject.load())).toEqual({ value: "data" });
  });

  it.each([
    [{ maxRetries: -1 }],
    [{ maxRetries: 1.5 }],
    [{ factor: 0.5 }],
    [{ initialDelay: "soon" }],
    [{ maxDelay: "30d" }],
    [{ jitter: "some" }],
  ])("refuses %j where it is written", (options) => {
    expect(() => written(retry(options as never))).toThrow(ConfigurationError);
  });
});
