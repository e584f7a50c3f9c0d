import {
  attemptsOf,
  BulkheadFullError,
  CircuitOpenError,
  ConfigurationError,
  onEvent,
  ProcessingError,
  RateLimitError,
  ResourceExhaustedError,
  retry,
  ValidationError,
  type Kernel,
  type RetryOptions,
} from "@mlmcp/core";
import { createTestKernel } from "@mlmcp/core/testing";
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { traceEvents } from "../events.js";
import { written } from "../../support/written.js";

class ErrorA extends Error {}
class ErrorB extends Error {}
class ErrorASon extends ErrorA {}
class NotAnError {}

const coded = (fields: object, message = "failed"): Error => Object.assign(new Error(message), fields);

let start = 0;
let kernel: Kernel;

beforeEach(async () => {
  vi.useFakeTimers();
  start = Date.now();
  kernel = await createTestKernel();
});
afterEach(async () => {
  await kernel.stop();
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

interface Subject {
  readonly trace: string[];
  readonly calls: number;
  load(what?: string): Promise<unknown>;
}

/** A method that comes to one outcome after another, the last one again and again. An error is thrown. */
function subjectOf(options: RetryOptions, outcomes: readonly unknown[], host = kernel): Subject {
  class Source {
    readonly trace: string[] = [];
    calls = 0;

    @retry({ jitter: "none", ...options })
    async load(_what?: string): Promise<unknown> {
      const outcome = outcomes[Math.min(this.calls++, outcomes.length - 1)];
      this.trace.push(`attempt at ${Date.now() - start} ms`);
      if (outcome instanceof Error || outcome instanceof NotAnError) throw outcome;
      return outcome;
    }
  }
  const made = host.adopt(new Source());
  traceEvents(host, made.trace, ["retry:attempt", "retry:giveUp"]);
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

async function callsFor(options: RetryOptions, ...outcomes: unknown[]): Promise<number> {
  const subject = subjectOf({ maxRetries: 2, initialDelay: 0, ...options }, outcomes);
  await ended(subject.load());
  return subject.calls;
}

describe("by default @retry", () => {
  it.each([
    ["a network error", coded({ code: "ECONNRESET" })],
    ["fetch's network error", new TypeError("fetch failed", { cause: coded({ code: "ECONNREFUSED" }) })],
    ["HTTP 503", coded({ response: { status: 503 } })],
    ["HTTP 429", coded({ statusCode: 429 })],
    ["a deadlock", coded({ code: "40P01", severity: "ERROR" })],
    ["an unknown error", new ErrorA("?")],
    ["what is no Error", new NotAnError()],
    ["an error of the framework that says it may", new ProcessingError("busy", { retryable: true })],
  ])("tries again after %s", async (_, error) => expect(await callsFor({}, error)).toBe(3));

  it.each([
    ["HTTP 404", coded({ response: { status: 404 } })],
    ["a file that is not there", coded({ code: "ENOENT" })],
    ["a full disk", coded({ code: "ENOSPC" })],
    ["too many open files", coded({ code: "EMFILE" })],
    ["invalid input", coded({ name: "ZodError" })],
    ["a cancellation", new DOMException("enough", "AbortError")],
    ["a mistake in the code", new TypeError("x is not a function")],
    ["an open breaker", new CircuitOpenError("open")],
    ["a full bulkhead", new BulkheadFullError("full")],
    ["a rate limit of ours", new RateLimitError("later")],
    ["used-up memory", new ResourceExhaustedError("heap")],
  ])("does not after %s", async (_, error) => expect(await callsFor({}, error)).toBe(1));
});

describe("retryIf and abortIf", () => {
  it.each<[string, RetryOptions, unknown, number]>([
    ["an error class", { retryIf: ErrorA }, new ErrorA("x"), 3],
    ["a subclass of it", { retryIf: ErrorA }, new ErrorASon("x"), 3],
    ["not another class", { retryIf: ErrorA }, new ErrorB("x"), 1],
    ["a class that is no error", { retryIf: NotAnError }, new NotAnError(), 3],
    ["one of several", { retryIf: [ErrorA, "EPIPE", 404] }, coded({ status: 404 }), 3],
    ["none of several", { retryIf: [ErrorA, "EPIPE", 404] }, coded({ status: 500 }), 1],
    ["a predicate", { retryIf: (error: Error) => error.message === "x" }, new ErrorB("x"), 3],
    ["a predicate that says no", { retryIf: () => false }, coded({ code: "EPIPE" }), 1],
    ["a class of errors", { retryIf: ["transient", "resource"] }, coded({ code: "ENOSPC" }), 3],
    ["what is permanent, where asked", { retryIf: "permanent" }, coded({ code: "ENOENT" }), 3],
    ["a rejection, where asked", { retryIf: BulkheadFullError }, new BulkheadFullError("full"), 3],
    ["invalid arguments, where asked", { retryIf: () => true }, new ValidationError("no date"), 3],
    ["not what abortIf names", { abortIf: ErrorA }, new ErrorA("x"), 1],
    ["what abortIf does not name", { abortIf: ErrorA }, new ErrorB("x"), 3],
    ["not what both name", { retryIf: Error, abortIf: [ErrorASon] }, new ErrorASon("x"), 1],
    ["what only retryIf names", { retryIf: Error, abortIf: [ErrorASon] }, new ErrorA("x"), 3],
    ["abortIf before the default", { abortIf: "ECONNRESET" }, coded({ code: "ECONNRESET" }), 1],
  ])("%s", async (_, options, error, calls) => expect(await callsFor(options, error)).toBe(calls));

  it("are asked of each error anew", async () => {
    expect(
      await callsFor({ maxRetries: 9, retryIf: ErrorA }, new ErrorA("1"), new ErrorA("2"), new ErrorB("3")),
    ).toBe(3);
  });

  it("that fail hand on the method's own error without a retry, and are reported", async () => {
    const failures: unknown[] = [];
    onTestFinished(onEvent("advice:failed", ({ advice, error }) => failures.push([advice, error])));
    const [error, failure] = [new ErrorA("own"), new ErrorB("in the predicate")];
    const throwing = subjectOf(
      {
        retryIf: () => {
          throw failure;
        },
      },
      [error],
    );
    expect(await ended(throwing.load())).toEqual({ error });
    const promising = subjectOf({ abortIf: (async () => false) as never }, [error]);
    expect(await ended(promising.load())).toEqual({ error });
    expect([throwing.calls, promising.calls]).toEqual([1, 1]);
    expect(failures).toEqual([
      ["retry", failure],
      ["retry", expect.any(TypeError)],
    ]);
  });

  it("take codes and names from the configuration, in place of the code's", async () => {
    const config = (retryIf: unknown) => ({
      operations: { "Source.load": { retry: { retryIf } as object } },
    });
    const callsUnder = async (retryIf: unknown, error: unknown): Promise<number> => {
      await using configured = await createTestKernel({ config: config(retryIf) });
      const subject = subjectOf({ maxRetries: 1, retryIf: ErrorA }, [error], configured);
      await ended(subject.load());
      return subject.calls;
    };
    expect(await callsUnder(["ErrorB", "ENOENT", 404], new ErrorB("x"))).toBe(2);
    expect(await callsUnder(["ErrorB", "ENOENT", 404], coded({ code: "ENOENT" }))).toBe(2);
    expect(await callsUnder(["ErrorB", "ENOENT", 404], new ErrorA("x"))).toBe(1);
    await expect(createTestKernel({ config: config([]) })).rejects.toThrow(ConfigurationError);
  });
});

describe("a function that answers with a promise", () => {
  const refused = async (): Promise<never> => {
    throw new ErrorB("nobody waits for it");
  };

  it.each<[string, RetryOptions, unknown, number, string]>([
    ["retryIf", { retryIf: refused as never }, new ErrorA("own"), 1, "A condition for errors"],
    ["abortIf", { abortIf: refused as never }, new ErrorA("own"), 1, "A condition for errors"],
    ["one of several conditions", { retryIf: [404, refused as never] }, new ErrorA("own"), 1, "A condition"],
    ["retryResultIf", { retryResultIf: refused as never }, "data", 1, "`retryResultIf` answered"],
    ["backoff", { backoff: refused as never, maxRetries: 1 }, new ErrorA("own"), 2, "The backoff function"],
  ])("as %s is reported, and its rejection reaches nobody", async (_, options, outcome, calls, problem) => {
    const failures: unknown[] = [];
    onTestFinished(onEvent("advice:failed", ({ error }) => failures.push(error)));
    const subject = subjectOf(options, [outcome]);
    expect(await ended(subject.load())).toEqual(outcome === "data" ? { value: outcome } : { error: outcome });
    expect(subject.calls).toBe(calls);
    expect(failures).toEqual([expect.any(TypeError)]);
    expect(String(failures[0])).toContain(problem);
  });
});

describe("retryResultIf", () => {
  it("asks for another attempt, and the good value is the answer", async () => {
    const subject = subjectOf({ retryResultIf: (value) => value === "stale" }, ["stale", "stale", "fresh"]);
    expect(await ended(kernel.outcome(() => subject.load()))).toMatchObject({
      value: { value: "fresh", attempts: 3 },
    });
    expect(subject.trace).toEqual([
      "attempt at 0 ms",
      "retry:attempt 2 100 undefined",
      "attempt at 100 ms",
      "retry:attempt 3 200 undefined",
      "attempt at 300 ms",
    ]);
  });

  it("cockatiel: gives the last value that was refused when there are no attempts left", async () => {
    const values = [{ n: 1 }, { n: 2 }, { n: 3 }];
    const subject = subjectOf({ maxRetries: 2, retryResultIf: () => true }, values);
    const end = await ended(subject.load());
    expect("value" in end && end.value).toBe(values[2]);
    expect(subject.trace.at(-1)).toBe("retry:giveUp 3 exhausted undefined");
  });

  it("goes together with errors: what the last attempt comes to counts", async () => {
    const error = new ErrorA("last");
    const subject = subjectOf({ maxRetries: 2, retryResultIf: (value) => value === 0 }, [0, 0, error]);
    expect(await ended(subject.load())).toEqual({ error });
    expect(attemptsOf(error).map((attempt) => attempt.error)).toEqual([undefined, undefined, error]);
  });

  it("hands on the value where the function fails, and reports it", async () => {
    const failures: unknown[] = [];
    onTestFinished(onEvent("advice:failed", ({ error }) => failures.push(error)));
    const failure = new ErrorB("in the function");
    const subject = subjectOf(
      {
        retryResultIf: () => {
          throw failure;
        },
      },
      ["data"],
    );
    expect(await ended(subject.load())).toEqual({ value: "data" });
    expect(failures).toEqual([failure]);
  });

  it("waits as long as the value's Retry-After says", async () => {
    const busy = new Response(null, { status: 503, headers: { "retry-after": "2" } });
    const subject = subjectOf({ retryResultIf: (response: Response) => response.status === 503 }, [
      busy,
      new Response("ok"),
    ]);
    await ended(subject.load());
    expect(subject.trace.at(-1)).toBe("attempt at 2000 ms");
  });

  it("is refused on a method that streams, by its first item", async () => {
    class Streaming {
      @retry({ retryResultIf: () => true })
      async *items(): AsyncGenerator<number> {
        yield 1;
      }
    }
    const reading = kernel.adopt(new Streaming()).items().next();
    await expect(reading).rejects.toMatchObject({ code: "MLMCP_ADVICE_OPTIONS" });
  });
});

describe("the delays of @retry", () => {
  const delaysOf = async (options: RetryOptions, error: unknown = new ErrorA("x")): Promise<number[]> => {
    const subject = subjectOf({ maxRetries: 4, ...options }, [error]);
    await ended(subject.load());
    const lines = subject.trace.filter((line) => line.startsWith("retry:attempt"));
    return lines.map((line) => Number(line.split(" ")[2]));
  };

  it.each<[string, RetryOptions, number[]]>([
    ["exponential", { factor: 3, initialDelay: 10 }, [10, 30, 90, 270]],
    ["linear", { backoff: "linear" }, [100, 200, 300, 400]],
    ["constant", { backoff: "constant", initialDelay: "1s" }, [1000, 1000, 1000, 1000]],
    ["at most the longest", { initialDelay: "1s", maxDelay: "2500ms" }, [1000, 2000, 2500, 2500]],
    ["the application's own", { backoff: (attempt) => attempt ** 2 * 10 }, [10, 40, 90, 160]],
  ])("are %s", async (_, options, expected) => expect(await delaysOf(options)).toEqual(expected));

  it("know the error that they follow", async () => {
    const backoff = (_: number, error: ErrorA) => Number(error.message);
    expect(await delaysOf({ backoff }, new ErrorA("77"))).toEqual([77, 77, 77, 77]);
  });

  it("under decorrelated jitter depend on the delay before", async () => {
    const random = vi.spyOn(Math, "random").mockReturnValue(0.5);
    expect(await delaysOf({ backoff: "decorrelated", maxDelay: 1000 })).toEqual([200, 350, 575, 913]);
    random.mockRestore();
  });

  it.each<[string, object, number]>([
    ["seconds", { retryAfter: 3 }, 3000],
    ["a header", { status: 429, headers: { "Retry-After": "3" } }, 3000],
    [
      "a response's Headers",
      { response: { status: 503, headers: new Headers({ "retry-after": "3" }) } },
      3000,
    ],
    ["at most the longest delay", { retryAfter: 3600 }, 10_000],
    ["nothing, where that is shorter", { retryAfter: 0 }, 100],
  ])("respect Retry-After: %s", async (_, fields, expected) => {
    expect(await delaysOf({ maxRetries: 1, maxDelay: "10s" }, coded(fields))).toEqual([expected]);
  });

  it("respect an HTTP date", async () => {
    const headers = { "retry-after": new Date(Math.ceil(Date.now() / 1000) * 1000 + 5000).toUTCString() };
    const [delay] = await delaysOf({ maxRetries: 1 }, coded({ headers }));
    expect(delay).toBeGreaterThanOrEqual(5000);
    expect(delay).toBeLessThan(6001);
  });

  it("leave Retry-After alone where it is turned off", async () => {
    expect(await delaysOf({ maxRetries: 1, respectRetryAfter: false }, coded({ retryAfter: 3 }))).toEqual([
      100,
    ]);
  });
});

describe("maxElapsed", () => {
  it.each<[string, RetryOptions, number, string]>([
    ["ends it before a delay that would last too long", { maxElapsed: 500 }, 3, "retry:giveUp 3 elapsed x"],
    ["admits an attempt that begins in time", { maxElapsed: 700 }, 4, "retry:giveUp 4 elapsed x"],
    ["admits what Retry-After allows", { maxElapsed: "1s", maxRetries: 2 }, 3, "retry:giveUp 3 exhausted x"],
    ["of 0 allows no retry that waits", { maxElapsed: 0 }, 1, "retry:giveUp 1 elapsed x"],
  ])("%s", async (_, options, calls, last) => {
    const subject = subjectOf({ maxRetries: 9, ...options }, [new ErrorA("x")]);
    await ended(subject.load());
    expect([subject.calls, subject.trace.at(-1)]).toEqual([calls, last]);
  });

  it("fails at once, without waiting for what would come too late", async () => {
    const subject = subjectOf({ maxElapsed: "2s" }, [coded({ retryAfter: 3 }, "x")]);
    await ended(subject.load());
    expect(Date.now() - start).toBe(0);
    expect(subject.trace).toEqual(["attempt at 0 ms", "retry:giveUp 1 elapsed x"]);
  });
});

describe("a system's time that is set anew between attempts", () => {
  it.each([
    ["forward", 3_600_000],
    ["back", -3_600_000],
  ])("%s neither ends nor prolongs a call", async (_, by) => {
    let attempts = 0;
    const error = new ErrorA("x");
    const run = kernel.wrap(
      async () => {
        attempts += 1;
        if (attempts === 2) vi.setSystemTime(Date.now() + by);
        throw error;
      },
      { name: "run", retry: { maxRetries: 9, backoff: "constant", jitter: "none", maxElapsed: 350 } },
    );
    expect(await ended(run())).toEqual({ error });
    expect(attempts).toBe(4);
    expect(attemptsOf(error).map(({ durationMs }) => durationMs)).toEqual([0, 0, 0, 0]);
    expect(attemptsOf(error).at(-1)!.startedAt).toBe(Date.now());
  });

  it("leaves the budget to fill up again", async () => {
    const subject = subjectOf({ maxRetries: 3, initialDelay: 0, budget: { ratio: 0, minPerSecond: 0.2 } }, [
      new ErrorA("down"),
    ]);
    await ended(subject.load());
    vi.setSystemTime(Date.now() - 3_600_000);
    await vi.advanceTimersByTimeAsync(10_000);
    await ended(subject.load());
    expect(subject.calls).toBe(6);
  });
});

describe("the retry budget", () => {
  const outage = { maxRetries: 3, initialDelay: 0 };

  it("keeps an outage from being multiplied", async () => {
    const budget = { ratio: 0.1, minPerSecond: 0 };
    const hundred = (subject: Subject) =>
      ended(Promise.allSettled(Array.from({ length: 100 }, () => subject.load())));
    const free = subjectOf(outage, [new ErrorA("down")]);
    await hundred(free);
    const bound = subjectOf({ ...outage, budget }, [new ErrorA("down")]);
    await hundred(bound);
    expect([free.calls, bound.calls]).toEqual([400, 110]);
    expect(bound.trace.filter((line) => line.includes("budget down"))).toHaveLength(100);
  });

  it("leaves few failures among many calls all their retries", async () => {
    const good = Array.from({ length: 50 }, () => "data");
    const subject = subjectOf({ ...outage, budget: { minPerSecond: 0 } }, [
      ...good,
      new ErrorA("once"),
      "data",
    ]);
    for (let call = 0; call < 50; call += 1) await subject.load();
    expect(await ended(subject.load())).toEqual({ value: "data" });
  });

  it("allows the minimum to what is seldom called", async () => {
    const subject = subjectOf({ ...outage, budget: { ratio: 0, minPerSecond: 0.2 } }, [new ErrorA("down")]);
    await ended(subject.load());
    expect(subject.calls).toBe(3);
    expect(subject.trace.at(-1)).toBe("retry:giveUp 3 budget down");
    await vi.advanceTimersByTimeAsync(10_000);
    await ended(subject.load());
    expect(subject.calls).toBe(6);
  });

  it("is shared by name within a kernel, and with nobody else", async () => {
    const shared = { ...outage, maxRetries: 10, budget: { ratio: 0, minPerSecond: 0.3, name: "upstream" } };
    class Two {
      calls = { a: 0, b: 0 };
      @retry(shared)
      async a(): Promise<never> {
        this.calls.a += 1;
        throw new ErrorA("down");
      }
      @retry(shared)
      async b(): Promise<never> {
        this.calls.b += 1;
        throw new ErrorB("down");
      }
    }
    const here = kernel.adopt(new Two());
    await ended(here.a().catch(() => undefined));
    await ended(here.b().catch(() => undefined));
    expect(here.calls).toEqual({ a: 4, b: 1 });
    await using other = await createTestKernel();
    const there = other.adopt(new Two());
    await ended(there.b().catch(() => undefined));
    expect(there.calls).toEqual({ a: 0, b: 4 });
  });

  it("is given, tuned and turned off by the configuration", async () => {
    const callsUnder = async (budget: unknown): Promise<number> => {
      const config = { operations: { "Source.load": { retry: { budget } as object } } };
      await using configured = await createTestKernel({ config });
      const subject = subjectOf(
        { ...outage, budget: { ratio: 0, minPerSecond: 0.1 } },
        [new ErrorA("x")],
        configured,
      );
      await ended(subject.load());
      return subject.calls;
    };
    expect(await callsUnder({})).toBe(2);
    expect(await callsUnder({ minPerSecond: 0.2 })).toBe(3);
    expect(await callsUnder(false)).toBe(4);
  });
});

describe("a reload", () => {
  it("keeps the budget while the options stay equal", async () => {
    const subject = subjectOf({ maxRetries: 5, initialDelay: 0, budget: { ratio: 0, minPerSecond: 0.3 } }, [
      new ErrorA("x"),
    ]);
    await ended(subject.load());
    expect(subject.calls).toBe(4);
    await kernel.reload();
    await ended(subject.load());
    expect(subject.calls).toBe(5);
  });
});

describe("@retry refuses", () => {
  it.each<[string, unknown]>([
    ["a backoff that is none", { backoff: "fibonacci" }],
    ["a jitter that is none", { jitter: "half" }],
    ["an empty list of conditions", { retryIf: [] }],
    ["a condition that is an object", { retryIf: { code: "X" } }],
    ["an empty code", { abortIf: "" }],
    ["a result condition that is no function", { retryResultIf: "x" }],
    ["a negative limit", { maxElapsed: -1 }],
    ["a negative ratio", { budget: { ratio: -0.1 } }],
    ["a budget without a name's text", { budget: { name: "" } }],
    ["an unknown key of the budget", { budget: { perSecond: 1 } }],
    ["budget: true", { budget: true }],
  ])("%s", (_, options) => expect(() => written(retry(options as never))).toThrow(ConfigurationError));
});
