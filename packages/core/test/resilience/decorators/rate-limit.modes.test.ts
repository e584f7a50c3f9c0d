import {
  bulkhead,
  CircuitBreakers,
  ConfigurationError,
  currentOperation,
  degrade,
  rateLimit,
  RateLimitError,
  RateLimiters,
  retry,
  type Kernel,
} from "@mlmcp/core";
import { createTestKernel } from "@mlmcp/core/testing";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { traceEvents } from "../events.js";
import { written } from "../../support/written.js";

class Api {
  readonly trace: string[] = [];

  @rateLimit({ limit: 2, interval: "1s" })
  async call(name = "call"): Promise<string> {
    return this.work(name);
  }

  @rateLimit({ limit: 1, interval: "1s", key: (tenant: string) => tenant, maxKeys: 2 })
  async export(tenant: string): Promise<string> {
    return this.work(tenant);
  }

  @rateLimit({ limit: 1, interval: 100, wait: 250 })
  async patient(name: string): Promise<string> {
    return this.work(name);
  }

  @rateLimit({ limit: 1, interval: "1m", sharedAs: "quota" })
  async search(): Promise<string> {
    return this.work("search");
  }

  @rateLimit({ limit: 1, interval: "1m", sharedAs: "quota" })
  async suggest(): Promise<string> {
    return this.work("suggest");
  }

  @rateLimit(1)
  async *stream(): AsyncGenerator<number> {
    yield 1;
  }

  @retry({ maxRetries: 5, backoff: "constant", initialDelay: 10, jitter: "none" })
  @rateLimit({ limit: 2, interval: "1s" })
  async flaky(): Promise<string> {
    this.work(`attempt ${currentOperation()?.attempt}`);
    throw new Error("down");
  }

  protected work(name: string): string {
    this.trace.push(name);
    return name;
  }
}

const errorOf = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  );
const refused = (retryAfterMs: number) => ({ code: "MLMCP_RATE_LIMIT", context: { retryAfterMs } });

let kernel: Kernel;
let api: Api;

beforeEach(async () => {
  vi.useFakeTimers();
  kernel = await createTestKernel();
  api = kernel.adopt(new Api());
  traceEvents(kernel, api.trace, ["rateLimit:wait", "rateLimit:reject", "rateLimit:forget"]);
});
afterEach(async () => {
  await kernel.stop();
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

describe("@rateLimit", () => {
  it("Polly: a sliding window lets so many calls begin in any interval and says when the next can", async () => {
    await api.call("a");
    await vi.advanceTimersByTimeAsync(600);
    await api.call("b");
    await vi.advanceTimersByTimeAsync(100);
    const error = (await errorOf(api.call("c"))) as RateLimitError;
    expect(error).toBeInstanceOf(RateLimitError);
    expect(error).toMatchObject({ ...refused(300), retryable: false });
    expect(error.message).toBe(
      "Api.call was not called: its limit of 2 calls in 1000 ms is reached. The next call can begin in 300 ms.",
    );
    await vi.advanceTimersByTimeAsync(299);
    expect(await errorOf(api.call("d"))).toMatchObject(refused(1));
    await vi.advanceTimersByTimeAsync(1);
    await api.call("e");
    // The window slides: no second burst at the turn of an interval.
    expect(await errorOf(api.call("f"))).toMatchObject(refused(600));
    expect(api.trace).toEqual([
      "a",
      "b",
      "rateLimit:reject  300",
      "rateLimit:reject  1",
      "e",
      "rateLimit:reject  600",
    ]);
  });

  it("counts each key by itself", async () => {
    await api.export("one");
    await api.export("two");
    expect(await errorOf(api.export("one"))).toMatchObject({ context: { key: "one", retryAfterMs: 1000 } });
  });

  it("remembers so many keys, and says which it forgets too early", async () => {
    await api.export("one");
    await api.export("two");
    await errorOf(api.export("one"));
    await api.export("three");
    expect(api.trace.at(-2)).toBe("rateLimit:forget two");
    expect(kernel.resolve(RateLimiters).list()).toMatchObject([{ name: "Api.export", keys: 2 }]);
    await vi.advanceTimersByTimeAsync(1000);
    await api.export("four");
    expect(api.trace.filter((line) => line.startsWith("rateLimit:forget"))).toHaveLength(1);
  });

  it("refuses a key that would put strangers together", async () => {
    await expect(api.export(undefined as unknown as string)).rejects.toMatchObject({
      code: "MLMCP_RATE_LIMIT_KEY",
    });
    await expect(api.export({} as string)).rejects.toThrow(/gave a value of type object/);
  });

  it("refuses the call where the key throws, and no breaker counts that", async () => {
    class Keyed {
      @degrade({ breaker: { failureThreshold: 1 } })
      @rateLimit({
        limit: 1,
        key() {
          throw new Error("no tenant");
        },
      })
      async load(): Promise<void> {}
    }
    const keyed = kernel.adopt(new Keyed());
    expect(await errorOf(keyed.load())).toMatchObject({
      code: "MLMCP_RATE_LIMIT_KEY",
      message:
        "Keyed.load was not called: the `key` of its @rateLimit threw instead of giving a text or a number.",
      cause: { message: "no tenant" },
    });
    expect(kernel.resolve(CircuitBreakers).list()).toMatchObject([{ state: "closed", failures: 0 }]);
  });

  it("can be shared by several operations", async () => {
    await api.search();
    expect(await errorOf(api.suggest())).toMatchObject({ context: { sharedAs: "quota" } });
    expect(kernel.resolve(RateLimiters).list()).toEqual([
      {
        name: "quota",
        operations: ["Api.search", "Api.suggest"],
        limit: 1,
        interval: 60_000,
        keys: 1,
        waiting: 0,
        available: 0,
      },
    ]);
  });

  it("counts every attempt, and is not retried itself", async () => {
    const error = errorOf(api.flaky());
    await vi.advanceTimersByTimeAsync(100);
    expect(await error).toBeInstanceOf(RateLimitError);
    expect(api.trace).toEqual(["attempt 1", "attempt 2", "rateLimit:reject  980"]);
  });

  it("counts the opening of a stream", async () => {
    for await (const _ of api.stream());
    await expect(api.stream().next()).rejects.toMatchObject(refused(1000));
  });

  it("has no part in a call that it refuses: no place in a bulkhead is taken", async () => {
    class Both {
      @rateLimit({ limit: 1, interval: "1h" })
      @bulkhead(1)
      async work(): Promise<string> {
        return "done";
      }
    }
    const both = kernel.adopt(new Both());
    expect(await both.work()).toBe("done");
    for (let i = 0; i < 3; i++) expect(await errorOf(both.work())).toBeInstanceOf(RateLimitError);
  });
});

describe("a call that may wait for its turn", () => {
  it("Resilience4j: begins in the order of arrival, as soon as it can, and is refused where that is too late", async () => {
    const began = Date.now();
    const at = (name: string) => api.patient(name).then((value) => `${value} at ${Date.now() - began}`);
    const calls = [at("a"), at("b"), at("c"), errorOf(api.patient("d"))];
    await vi.advanceTimersByTimeAsync(1000);
    expect(await Promise.all(calls)).toMatchObject(["a at 0", "b at 100", "c at 200", refused(300)]);
    expect(api.trace).toEqual([
      "a",
      "rateLimit:wait  100",
      "rateLimit:wait  200",
      "rateLimit:reject  300",
      "b",
      "c",
    ]);
  });

  it("is not overtaken by one that comes at its turn", async () => {
    await api.patient("a");
    const waiting = api.patient("b");
    await vi.advanceTimersByTimeAsync(99);
    const late = api.patient("c");
    await vi.advanceTimersByTimeAsync(1);
    expect(await waiting).toBe("b");
    await vi.advanceTimersByTimeAsync(100);
    expect(await late).toBe("c");
    expect(api.trace.filter((line) => line.length === 1)).toEqual(["a", "b", "c"]);
  });

  it("leaves its turn to the next when its caller gives up", async () => {
    const controller = new AbortController();
    const reason = new Error("enough");
    await api.patient("a");
    const given = errorOf(kernel.withContext({ signal: controller.signal }, () => api.patient("b")));
    const next = api.patient("c");
    await vi.advanceTimersByTimeAsync(50);
    controller.abort(reason);
    expect(await given).toBe(reason);
    await vi.advanceTimersByTimeAsync(50);
    expect(await next).toBe("c");
    expect(api.trace).not.toContain("b");
  });

  it("leaves no timer where it was the only one", async () => {
    const controller = new AbortController();
    await api.patient("a");
    const given = errorOf(kernel.withContext({ signal: controller.signal }, () => api.patient("b")));
    controller.abort();
    await given;
    expect(vi.getTimerCount()).toBe(0);
  });

  it("is refused when its kernel stops", async () => {
    const stopping = await createTestKernel({ config: { system: { stopTimeout: 10 } } });
    const warned = vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);
    const subject = stopping.adopt(new Api());
    await subject.patient("a");
    const waiting = errorOf(subject.patient("b"));
    const stopped = stopping.stop();
    await vi.advanceTimersByTimeAsync(10);
    await stopped;
    expect(await waiting).toBeInstanceOf(RateLimitError);
    warned.mockRestore();
  });
});

it("a reload that changes the limit keeps the calls of the past", async () => {
  const directory = await mkdtemp(join(tmpdir(), "mlmcp-"));
  const configFile = join(directory, ".mlmcprc.json");
  const write = (setting: unknown) =>
    writeFile(configFile, JSON.stringify({ operations: { "Api.call": { rateLimit: setting } } }));
  await write(true);
  const reloadable = await createTestKernel({ configFile });
  const subject = reloadable.adopt(new Api());
  await subject.call();
  await subject.call();
  await write({ limit: 3 });
  await reloadable.reload();
  await subject.call();
  expect(await errorOf(subject.call())).toMatchObject(refused(1000));
  await write(1);
  await reloadable.reload();
  await vi.advanceTimersByTimeAsync(999);
  expect(await errorOf(subject.call())).toMatchObject(refused(1));
  await write(false);
  await reloadable.reload();
  for (let i = 0; i < 5; i++) await subject.call();
  await reloadable.stop();
  await rm(directory, { recursive: true });
});

it.each<[string, unknown]>([
  ["no call at all", 0],
  ["no interval", { interval: 0 }],
  ["a key that is no function", { key: "tenant" }],
  ["no key to remember", { maxKeys: 0 }],
  ["an unknown option", { limt: 3 }],
])("@rateLimit refuses %s", (_, options) => {
  expect(() => written(rateLimit(options as 1))).toThrow(ConfigurationError);
});
