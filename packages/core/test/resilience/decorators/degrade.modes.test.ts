import {
  bulkhead,
  BulkheadFullError,
  CircuitBreakers,
  CircuitOpenError,
  ConfigurationError,
  degrade,
  KernelNotStartedError,
  onEvent,
  RateLimitError,
  retry,
  timeout,
  ValidationError,
  type DegradeOptions,
  type Kernel,
} from "@mlmcp/core";
import { createTestKernel } from "@mlmcp/core/testing";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { traceEvents } from "../events.js";

const shared = { list: [1, 2] };
const MINUTE = 60_000;

class Base {
  readonly trace: string[] = [];
  /** What the source comes to; replaced as a test goes on. */
  source: () => unknown = () => "data";

  protected async read(method: string, ...args: unknown[]): Promise<unknown> {
    this.trace.push([method, ...args].join(" "));
    return this.source();
  }
}

class Reports extends Base {
  @degrade({ fallback: "sample" })
  async load(airport: string, month = 1): Promise<unknown> {
    return this.read("load", airport, month);
  }

  @retry({ maxRetries: 1, jitter: "none" })
  async sample(...args: unknown[]): Promise<unknown> {
    this.trace.push(`sample ${args.join(" ")}`);
    return `a sample of ${String(args[0])}`;
  }

  @degrade({
    fallback(this: Reports, error: Error, airport: string) {
      this.trace.push(`function ${error.message} ${airport}`);
      return `${airport} from a function`;
    },
    breaker: false,
  })
  async byFunction(airport: string): Promise<unknown> {
    return this.read("byFunction", airport);
  }

  @degrade({ fallback: { value: shared }, breaker: false })
  async byValue(): Promise<unknown> {
    return this.read("byValue");
  }

  @degrade({ fallback: { value: undefined }, breaker: false })
  async byNothing(): Promise<unknown> {
    return this.read("byNothing");
  }

  @degrade({ breaker: { failureThreshold: 2, resetAfter: "1m" } })
  async guarded(): Promise<unknown> {
    return this.read("guarded");
  }

  @retry({ maxRetries: 5, jitter: "none" })
  @degrade({ fallback: "sample", breaker: { failureThreshold: 2, resetAfter: "1m" } })
  async both(airport: string): Promise<unknown> {
    return this.read("both", airport);
  }

  @degrade({ fallback: { value: ["kept", "items"] } })
  async *stream(): AsyncGenerator<unknown> {
    yield await this.read("stream");
    yield await this.read("stream");
  }
}

const down = new Error("down");
const EVENTS = [
  "degrade:fallback",
  "retry:giveUp",
  "breaker:open",
  "breaker:halfOpen",
  "breaker:close",
  "breaker:reject",
] as const;

let kernel: Kernel;
let reports: Reports;

beforeEach(async () => {
  vi.useFakeTimers();
  kernel = await createTestKernel();
  reports = kernel.adopt(new Reports());
  traceEvents(kernel, reports.trace, EVENTS);
});
afterEach(async () => {
  await kernel.stop();
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

const fails = (error: unknown) => () => {
  throw error;
};
const thrownBy = (promise: Promise<unknown>) =>
  promise.then(
    (value) => expect.fail(`it returned ${String(value)}`),
    (error: unknown) => error,
  );

/** What comes of a stream that does not open and has this fallback. */
async function streaming(answer: () => unknown): Promise<{ items: unknown[]; error?: unknown }> {
  class Source {
    @degrade({ fallback: answer, breaker: false })
    async *stream(): AsyncGenerator<unknown> {
      yield await Promise.reject(down);
    }
  }
  const items: unknown[] = [];
  try {
    for await (const item of kernel.adopt(new Source()).stream()) items.push(item);
    return { items };
  } catch (error) {
    return { items, error };
  }
}

describe("the fallback of @degrade", () => {
  it("MicroProfile FT, cockatiel, opossum: the fallback stays out of a call that succeeds", async () => {
    expect(await reports.load("LAX")).toBe("data");
    expect(reports.trace).toEqual(["load LAX 1"]);
  });

  it("is a method of the same object, called with the same arguments and with advice of its own", async () => {
    reports.source = fails(down);
    expect(await reports.load("LAX", 7)).toBe("a sample of LAX");
    expect(reports.trace).toEqual(["load LAX 7", "degrade:fallback down", "sample LAX 7"]);
  });

  it("is the subclass's own where that overrides it", async () => {
    class Yearly extends Reports {
      override async sample(airport: string): Promise<unknown> {
        return `a year of ${airport}`;
      }
    }
    const yearly = kernel.adopt(new Yearly());
    yearly.source = fails(down);
    expect(await yearly.load("LAX")).toBe("a year of LAX");
  });

  it("MicroProfile FT, opossum: the fallback may be a function, called with the error and the arguments", async () => {
    reports.source = fails(down);
    expect(await reports.byFunction("JFK")).toBe("JFK from a function");
    expect(reports.trace).toEqual(["byFunction JFK", "degrade:fallback down", "function down JFK"]);
  });

  it("is a value, of which every caller gets a copy", async () => {
    reports.source = fails(down);
    const first = (await reports.byValue()) as typeof shared;
    first.list.push(3);
    expect(await reports.byValue()).toEqual({ list: [1, 2] });
    expect(shared).toEqual({ list: [1, 2] });
    expect(await reports.byNothing()).toBeUndefined();
  });

  it.each<[string, () => unknown]>([
    ["a list", () => ["kept", "items"]],
    ["a promise of a list", async () => ["kept", "items"]],
    ["a set", () => new Set(["kept", "items"])],
    [
      "a generator",
      function* () {
        yield* ["kept", "items"];
      },
    ],
    [
      "an async generator",
      async function* () {
        yield* ["kept", "items"];
      },
    ],
  ])("answers in place of a stream with %s", async (_, answer) => {
    const { items } = await streaming(answer);
    expect(items).toEqual(["kept", "items"]);
  });

  it.each<[string, () => unknown, RegExp]>([
    ["nothing", () => undefined, /gave a value of type undefined, but the method streams/],
    ["null", () => null, /gave null/],
    ["a text", async () => "text", /gave a value of type string/],
    ["an object", () => ({}), /gave a value of type object/],
  ])(
    "refuses %s in place of a stream, with the method's own error as the cause",
    async (_, answer, message) => {
      const { error } = await streaming(answer);
      expect(error).toBeInstanceOf(ConfigurationError);
      expect(error).toMatchObject({ code: "MLMCP_FALLBACK_RESULT", cause: down });
      expect(String(error)).toMatch(message);
    },
  );

  it("answers in place of a stream that does not open, not of one that breaks off", async () => {
    const read = async () => {
      const items: unknown[] = [];
      for await (const item of reports.stream()) items.push(item);
      return items;
    };
    reports.source = fails(down);
    expect(await read()).toEqual(["kept", "items"]);
    let reads = 0;
    reports.source = () => (++reads === 1 ? "item" : fails(down)());
    expect(await thrownBy(read())).toBe(down);
  });

  it("is told to the caller who asks how the result came about", async () => {
    expect(await kernel.outcome(() => reports.load("LAX"))).toMatchObject({ value: "data", degraded: false });
    reports.source = fails(down);
    expect(await kernel.outcome(() => reports.load("LAX"))).toMatchObject({
      value: "a sample of LAX",
      degraded: true,
    });
  });

  it.each([
    ["invalid arguments", new ValidationError("not an airport")],
    ["a wrong configuration", new ConfigurationError("no such store")],
    ["a missing kernel", new KernelNotStartedError("not started")],
    ["a method that was cancelled", new DOMException("enough", "AbortError")],
  ])("does not stand in for %s", async (_, error) => {
    reports.source = fails(error);
    expect(await thrownBy(reports.load("LAX"))).toBe(error);
    expect(reports.trace).toEqual(["load LAX 1"]);
  });

  it("does not run for a caller who has given up", async () => {
    const controller = new AbortController();
    reports.source = () => {
      controller.abort();
      throw down;
    };
    expect(await thrownBy(kernel.withContext({ signal: controller.signal }, () => reports.load("LAX")))).toBe(
      down,
    );
  });

  it("fails with its own error, as it was thrown", async () => {
    const worse = Object.freeze(new Error("no sample either"));
    const broken = kernel.adopt(Object.assign(new Reports(), { sample: fails(worse) }));
    broken.source = fails(down);
    expect(await thrownBy(broken.load("LAX"))).toBe(worse);
    expect(worse.cause).toBeUndefined();
  });

  it("MicroProfile FT: the fallback runs once, after the retries are spent", async () => {
    const { trace } = reports;
    reports.source = fails(down);
    const result = reports.both("LAX");
    await vi.runAllTimersAsync();
    expect(await result).toBe("a sample of LAX");
    expect(trace.slice(0, 8)).toEqual([
      "both LAX",
      "both LAX",
      "breaker:open failures 2 60000",
      "breaker:reject open 59800",
      expect.stringMatching(/^retry:giveUp 3 notRetryable Reports\.both was not called: its breaker is open/),
      expect.stringMatching(/^degrade:fallback Reports\.both was not called/),
      "sample LAX",
      "breaker:halfOpen elapsed",
    ]);
  });

  it("MicroProfile FT: a fallback method that the object does not have is an error before the method runs", async () => {
    class Mistaken extends Base {
      @degrade({ fallback: "sampel" as string })
      async load(): Promise<unknown> {
        return this.read("load");
      }
    }
    const mistaken = kernel.adopt(new Mistaken());
    const error = await thrownBy(mistaken.load());
    expect(error).toBeInstanceOf(ConfigurationError);
    expect(error).toMatchObject({
      code: "MLMCP_FALLBACK_MISSING",
      context: { operation: "Mistaken.load", fallback: "sampel" },
    });
    expect(mistaken.trace).toEqual([]);
  });

  it("may be a field of the object", async () => {
    class WithField extends Base {
      readonly sample = async () => "from a field";

      @degrade({ fallback: "sample" })
      async load(): Promise<unknown> {
        return this.read("load");
      }
    }
    const withField = kernel.adopt(new WithField());
    withField.source = fails(down);
    expect(await withField.load()).toBe("from a field");
  });
});

describe("a fallback that cannot work", () => {
  class Wrong extends Base {
    @degrade({ fallback: "itself" })
    async itself(): Promise<unknown> {
      return this.read("itself");
    }

    @degrade({ fallback: { value: new URL("https://example.org") } })
    async instance(): Promise<unknown> {
      return this.read("instance");
    }

    @degrade({ fallback: { value: { deep: new Map([["key", () => 1]]) } } })
    async nested(): Promise<unknown> {
      return this.read("nested");
    }
  }

  it.each([
    ["itself", /names? another method/i],
    ["instance", /plain data/],
    ["nested", /plain data/],
  ] as const)("is refused at the first call: %s", async (method, message) => {
    const wrong = kernel.adopt(new Wrong());
    const error = await thrownBy(wrong[method]());
    expect(error).toBeInstanceOf(ConfigurationError);
    expect((error as Error).message).toMatch(message);
    expect(wrong.trace).toEqual([]);
  });

  it("is refused where a plain function names a method", async () => {
    const load = kernel.wrap(async () => "data", { name: "load", degrade: { fallback: "sample" } });
    expect(await thrownBy(load())).toMatchObject({ message: expect.stringMatching(/Give a function/) });
  });
});

describe("the breaker of @degrade", () => {
  const failTimes = async (times: number, error: unknown = down): Promise<void> => {
    reports.source = fails(error);
    for (let i = 0; i < times; i++) await reports.guarded().catch(() => undefined);
  };

  it("stops calling the method after failures in a row, then probes, then closes", async () => {
    await failTimes(2);
    const error = await thrownBy(reports.guarded());
    expect(error).toBeInstanceOf(CircuitOpenError);
    expect(error).toMatchObject({
      retryable: false,
      context: { operation: "Reports.guarded", retryAfterMs: MINUTE },
    });
    await vi.advanceTimersByTimeAsync(MINUTE);
    reports.source = () => "data again";
    expect(await reports.guarded()).toBe("data again");
    expect(reports.trace).toEqual([
      "guarded",
      "guarded",
      "breaker:open failures 2 60000",
      "breaker:reject open 60000",
      "breaker:halfOpen elapsed",
      "guarded",
      "breaker:close probeSucceeded",
    ]);
  });

  it("opens after 3 failures, for 5 minutes, by default, and the fallback answers meanwhile", async () => {
    reports.source = fails(down);
    for (let i = 0; i < 5; i++) expect(await reports.load("LAX")).toBe("a sample of LAX");
    expect(reports.trace.filter((line) => line.startsWith("load"))).toHaveLength(3);
    await vi.advanceTimersByTimeAsync(5 * MINUTE - 1);
    expect(reports.trace).not.toContain("breaker:halfOpen elapsed");
    await vi.advanceTimersByTimeAsync(1);
    expect(reports.trace).toContain("breaker:halfOpen elapsed");
  });

  it("admits one probe at a time", async () => {
    await failTimes(2);
    await vi.advanceTimersByTimeAsync(MINUTE);
    let answer: (value: unknown) => void = () => undefined;
    reports.source = () => new Promise((resolve) => (answer = resolve));
    const probe = reports.guarded();
    const rejected = await thrownBy(reports.guarded());
    expect((rejected as Error).message).toMatch(/its probes are under way/);
    answer("data");
    expect(await probe).toBe("data");
    reports.source = () => "more data";
    expect(await reports.guarded()).toBe("more data");
  });

  it("is not closed by a slow success from before it opened", async () => {
    let answer: (value: unknown) => void = () => undefined;
    reports.source = () => new Promise((resolve) => (answer = resolve));
    const slow = reports.guarded();
    await failTimes(2);
    await vi.advanceTimersByTimeAsync(MINUTE);
    answer("late data");
    expect(await slow).toBe("late data");
    expect(kernel.resolve(CircuitBreakers).list()).toMatchObject([{ state: "halfOpen" }]);
  });

  it("is not held half-open by a probe that hangs", async () => {
    await failTimes(2);
    await vi.advanceTimersByTimeAsync(MINUTE);
    let answer: (value: unknown) => void = () => undefined;
    reports.source = () => new Promise((resolve) => (answer = resolve));
    const hung = reports.guarded();
    await vi.advanceTimersByTimeAsync(MINUTE);
    reports.source = () => "data";
    expect(await reports.guarded()).toBe("data");
    expect(kernel.resolve(CircuitBreakers).list()).toMatchObject([{ state: "closed" }]);
    answer("at last");
    expect(await hung).toBe("at last");
  });

  it.each([
    ["invalid arguments", new ValidationError("not an airport")],
    ["a full bulkhead", new BulkheadFullError("full")],
    ["a rate limit", new RateLimitError("too many")],
    ["a breaker further inside", new CircuitOpenError("open")],
    ["a call that was cancelled", new DOMException("enough", "AbortError")],
  ])("does not count %s", async (_, error) => {
    await failTimes(1);
    await failTimes(10, error);
    expect(kernel.resolve(CircuitBreakers).list()).toMatchObject([{ state: "closed", failures: 1 }]);
  });

  it("does not count calls whose caller gave up", async () => {
    for (let i = 0; i < 5; i++) {
      const controller = new AbortController();
      reports.source = () => {
        controller.abort();
        throw down;
      };
      await kernel.withContext({ signal: controller.signal }, () => reports.guarded()).catch(() => undefined);
    }
    expect(kernel.resolve(CircuitBreakers).list()).toMatchObject([{ state: "closed", failures: 0 }]);
  });

  it("lets no listener that throws harm a call", async () => {
    const warned = vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);
    const end = onEvent("breaker:close", () => {
      throw new Error("a listener's fault");
    });
    await failTimes(2);
    await vi.advanceTimersByTimeAsync(MINUTE);
    reports.source = () => "data";
    expect(await reports.guarded()).toBe("data");
    expect(warned).toHaveBeenCalledOnce();
    end();
    warned.mockRestore();
  });

  it("is passed by every attempt of a retry", async () => {
    reports.source = fails(down);
    const result = reports.both("LAX").catch((error: unknown) => error);
    await vi.advanceTimersByTimeAsync(100);
    expect(kernel.resolve(CircuitBreakers).list()).toMatchObject([
      { operation: "Reports.both", state: "open", failures: 2 },
    ]);
    await vi.advanceTimersByTimeAsync(200);
    expect(await result).toBe("a sample of LAX");
  });
});

describe("breakers of one kernel", () => {
  it("belong to one operation of that kernel", async () => {
    await using other = await createTestKernel();
    const elsewhere = other.adopt(new Reports());
    reports.source = elsewhere.source = fails(down);
    for (let i = 0; i < 2; i++) await thrownBy(reports.guarded());
    await thrownBy(elsewhere.guarded());
    await reports.load("LAX");
    expect(kernel.resolve(CircuitBreakers).list()).toEqual([
      { operation: "Reports.guarded", state: "open", mode: "enforce", failures: 2, retryAfterMs: MINUTE },
      { operation: "Reports.load", state: "closed", mode: "enforce", failures: 1, retryAfterMs: 0 },
    ]);
    expect(other.resolve(CircuitBreakers).list()).toMatchObject([
      { operation: "Reports.guarded", state: "closed" },
    ]);
  });

  it("are opened and closed by hand", async () => {
    const breakers = kernel.resolve(CircuitBreakers);
    await reports.guarded();
    breakers.open("Reports.guarded");
    expect(((await thrownBy(reports.guarded())) as Error).message).toMatch(/opened by hand/);
    breakers.close("Reports.guarded");
    expect(await reports.guarded()).toBe("data");
    expect(reports.trace.filter((line) => line.startsWith("breaker"))).toEqual([
      "breaker:open manual 0 60000",
      "breaker:reject open 60000",
      "breaker:close manual",
    ]);
  });

  it("end with it, and leave nothing on the list", async () => {
    const other = await createTestKernel();
    const breakers = other.resolve(CircuitBreakers);
    await other.adopt(new Reports()).guarded();
    breakers.open("Reports.guarded");
    expect(vi.getTimerCount()).toBe(1);
    await other.stop();
    expect(breakers.list()).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("are an error by an id that has none", async () => {
    await reports.guarded();
    expect(() => kernel.resolve(CircuitBreakers).open("Reports.gaurded")).toThrow(
      /Breakers so far: Reports.guarded/,
    );
  });

  it("are reported as degraded health while they are not closed", async () => {
    await reports.guarded();
    expect(await kernel.health()).toMatchObject({
      status: "up",
      checks: { "resilience/breakers": { details: { breakers: 1 } } },
    });
    kernel.resolve(CircuitBreakers).open("Reports.guarded");
    const { status, checks } = await kernel.health();
    expect(status).toBe("degraded");
    expect(checks["resilience/breakers"]).toMatchObject({
      status: "degraded",
      details: { notClosed: [{ operation: "Reports.guarded", state: "open" }] },
    });
  });
});

describe("breakers and a reload", () => {
  const start = async (settings: { guarded?: unknown }) => {
    const { mkdtemp, rm, writeFile } = await import("node:fs/promises");
    const { tmpdir } = await import("node:os");
    const { join } = await import("node:path");
    const directory = await mkdtemp(join(tmpdir(), "mlmcp-"));
    const configFile = join(directory, ".mlmcprc.json");
    const write = (degradeSettings: unknown, system = {}) =>
      writeFile(
        configFile,
        JSON.stringify({ system, operations: { "Reports.guarded": { degrade: degradeSettings } } }),
      );
    await write(settings.guarded ?? true);
    const reloadable = await createTestKernel({ configFile });
    const subject = reloadable.adopt(new Reports());
    subject.source = fails(down);
    for (let i = 0; i < 2; i++) await thrownBy(subject.guarded());
    return {
      subject,
      kernel: reloadable,
      states: () =>
        reloadable
          .resolve(CircuitBreakers)
          .list()
          .map(({ state }) => state),
      async reload(degradeSettings: unknown, system?: object) {
        await write(degradeSettings, system);
        await reloadable.reload();
      },
      async [Symbol.asyncDispose]() {
        await reloadable.stop();
        await rm(directory, { recursive: true });
      },
    };
  };

  it("stay as they are where their options do", async () => {
    await using subject = await start({});
    await subject.reload(true, { debug: true });
    expect(subject.states()).toEqual(["open"]);
    expect(await thrownBy(subject.subject.guarded())).toBeInstanceOf(CircuitOpenError);
  });

  it("start anew where their options change", async () => {
    await using subject = await start({});
    await subject.reload({ breaker: { failureThreshold: 9 } });
    expect(await thrownBy(subject.subject.guarded())).toBe(down);
    expect(subject.states()).toEqual(["closed"]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("are off the list while the configuration turns them off", async () => {
    await using subject = await start({});
    await subject.reload({ breaker: false });
    expect(subject.states()).toEqual([]);
    expect(await thrownBy(subject.subject.guarded())).toBe(down);
    await subject.reload(false);
    expect(await thrownBy(subject.subject.guarded())).toBe(down);
    expect((await subject.kernel.health()).status).toBe("up");
  });

  it("stay as they are where the new options cannot work, which refuses the reload", async () => {
    await using subject = await start({});
    const refused = await thrownBy(subject.reload({ fallback: "guarded" }));
    expect(refused).toMatchObject({ code: "MLMCP_ADVICE_OPTIONS" });
    expect(String(refused)).toContain("@degrade on Reports.guarded cannot work");
    expect(subject.states()).toEqual(["open"]);
    expect(await thrownBy(subject.subject.guarded())).toBeInstanceOf(CircuitOpenError);
  });
});

it("an open breaker's error has the last failure that counted as its cause", async () => {
  reports.source = fails(down);
  await thrownBy(reports.guarded());
  await thrownBy(reports.guarded());
  expect(await thrownBy(reports.guarded())).toMatchObject({ code: "MLMCP_CIRCUIT_OPEN", cause: down });
  kernel.resolve(CircuitBreakers).close("Reports.guarded");
  kernel.resolve(CircuitBreakers).open("Reports.guarded");
  expect(await thrownBy(reports.guarded())).not.toHaveProperty("cause");
});

describe("the limits of @degrade", () => {
  const limited = (options: DegradeOptions) => {
    class Limited {
      running = 0;
      most = 0;

      @degrade({ breaker: false, ...options } as DegradeOptions)
      async call(ms: number): Promise<string> {
        this.most = Math.max(this.most, ++this.running);
        await new Promise((resolve) => void setTimeout(resolve, ms));
        this.running -= 1;
        return "data";
      }
    }
    return kernel.adopt(new Limited());
  };
  const ended = async (promise: Promise<unknown>): Promise<unknown> => {
    const outcome = promise.catch((error: unknown) => error);
    await vi.runAllTimersAsync();
    return outcome;
  };

  it("end an attempt that takes too long, which the breaker counts and the fallback mends", async () => {
    const subject = limited({
      timeout: "1s",
      breaker: { failureThreshold: 1, resetAfter: "1h" },
      fallback: { value: "kept" },
    });
    const outcome = subject.call(5000);
    await vi.advanceTimersByTimeAsync(1000);
    expect(await outcome).toBe("kept");
    expect(kernel.resolve(CircuitBreakers).list()).toMatchObject([{ state: "open" }]);
    await vi.advanceTimersByTimeAsync(4000);
    kernel.resolve(CircuitBreakers).close("Limited.call");
  });

  it("end the whole call", async () => {
    expect(await ended(limited({ deadline: 100 }).call(500))).toMatchObject({
      code: "MLMCP_TIMEOUT",
      context: { reason: "deadline", timeoutMs: 100 },
    });
  });

  it("admit so many calls; the breaker does not count the others", async () => {
    const subject = limited({ bulkhead: { maxConcurrent: 2 }, breaker: { failureThreshold: 1 } });
    const outcomes = Promise.all([1, 2, 3].map(() => subject.call(10).catch((error: unknown) => error)));
    await vi.runAllTimersAsync();
    expect(await outcomes).toEqual(["data", "data", expect.any(BulkheadFullError)]);
    expect(subject.most).toBe(2);
    expect(kernel.resolve(CircuitBreakers).list()).toMatchObject([{ state: "closed", failures: 0 }]);
  });

  it("are off where the configuration says so", async () => {
    const off: object = { timeout: false, deadline: false, bulkhead: false };
    const config = { operations: { "Limited.call": { degrade: off } } };
    await using free = await createTestKernel({ config });
    const subject = free.adopt(limited({ timeout: 1, deadline: 1, bulkhead: { maxConcurrent: 1 } }));
    expect(await ended(Promise.all([subject.call(10), subject.call(10)]))).toEqual(["data", "data"]);
  });

  it.each<[string, () => unknown]>([
    [
      "timeout",
      () => {
        class Twice {
          @timeout("1s")
          @degrade({ timeout: "2s" })
          async call(): Promise<void> {}
        }
        return Twice;
      },
    ],
    [
      "deadline",
      () => {
        class Twice {
          @degrade({ deadline: "2s" })
          @timeout({ deadline: "1s" })
          async call(): Promise<void> {}
        }
        return Twice;
      },
    ],
    [
      "bulkhead",
      () => {
        class Twice {
          @bulkhead(1)
          @degrade({ bulkhead: {} })
          async call(): Promise<void> {}
        }
        return Twice;
      },
    ],
  ])("refuse to be given twice: %s", (setting, declare) => {
    expect(declare).toThrow(new RegExp(`"${setting}" is given by @\\w+ already`));
  });

  it("stand beside a decorator that gives another of them", async () => {
    class Both {
      @timeout({ attempt: "1s" })
      @degrade({ deadline: "2s", timeout: false })
      async call(): Promise<string> {
        return "data";
      }
    }
    expect(await kernel.adopt(new Both()).call()).toBe("data");
  });
});
