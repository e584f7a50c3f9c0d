import {
  attemptsOf,
  bulkhead,
  BulkheadFullError,
  Bulkheads,
  ConfigurationError,
  currentOperation,
  degrade,
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

class Gate {
  readonly trace: string[] = [];
  readonly #open = new Map<string, (end: () => unknown) => void>();

  @bulkhead({ maxConcurrent: 2, queue: 2 })
  async enter(name: string): Promise<unknown> {
    return this.stay(name);
  }

  @bulkhead(1)
  async alone(name: string): Promise<unknown> {
    return this.stay(name);
  }

  @bulkhead({ maxConcurrent: 1, queue: 1, queueTimeout: "100ms" })
  async impatient(name: string): Promise<unknown> {
    return this.stay(name);
  }

  @bulkhead({ maxConcurrent: 1, sharedAs: "database" })
  async read(name: string): Promise<unknown> {
    return this.stay(name);
  }

  @bulkhead({ maxConcurrent: 1, sharedAs: "database" })
  async write(name: string): Promise<unknown> {
    return this.stay(name);
  }

  @bulkhead(1)
  async *stream(...items: number[]): AsyncGenerator<number> {
    yield* items;
  }

  /** Ends the call of this name. */
  async end(name: string, how: () => unknown = () => name): Promise<void> {
    this.#open.get(name)!(how);
    await settled();
  }

  protected async stay(name: string): Promise<unknown> {
    this.trace.push(name);
    const how = await new Promise<() => unknown>((resolve) => this.#open.set(name, resolve));
    return how();
  }
}

const settled = () => vi.advanceTimersByTimeAsync(0);
const errorOf = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  );
const full = (reason: string) => ({ code: "MLMCP_BULKHEAD_FULL", context: { reason } });

let kernel: Kernel;
let gate: Gate;

beforeEach(async () => {
  vi.useFakeTimers();
  kernel = await createTestKernel();
  gate = kernel.adopt(new Gate());
  traceEvents(kernel, gate.trace, ["bulkhead:wait", "bulkhead:reject"]);
});
afterEach(async () => {
  await kernel.stop();
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

describe("the places of @bulkhead", () => {
  it("are taken by so many calls, others wait, and one more is refused", async () => {
    const calls = ["a", "b", "c", "d", "e"].map((name) => errorOf(gate.enter(name)));
    await settled();
    expect(gate.trace).toEqual(["a", "b", "bulkhead:wait 1", "bulkhead:wait 2", "bulkhead:reject full 2 2"]);
    const error = (await calls[4]) as BulkheadFullError;
    expect(error).toBeInstanceOf(BulkheadFullError);
    expect(error).toMatchObject({ ...full("full"), retryable: false });
    expect(error.message).toBe(
      "Gate.enter was not called: its bulkhead is full: 2 calls run (maxConcurrent 2) and 2 wait.",
    );
    for (const name of ["a", "b", "c", "d"]) await gate.end(name);
    expect(await Promise.all(calls.slice(0, 4))).toEqual([undefined, undefined, undefined, undefined]);
  });

  it("fall to those that wait in the order in which they came", async () => {
    for (const name of ["a", "b", "c", "d"]) void gate.enter(name);
    await settled();
    gate.trace.length = 0;
    await gate.end("b");
    await gate.end("a");
    expect(gate.trace).toEqual(["c", "d"]);
    for (const name of ["c", "d"]) await gate.end(name);
  });

  it("are not taken by one that comes just when a place falls free", async () => {
    void gate.enter("a");
    void gate.enter("b");
    void gate.enter("waited");
    await settled();
    void gate.end("a");
    void gate.enter("came late");
    await settled();
    expect(gate.trace.filter((line) => !line.includes(":"))).toEqual(["a", "b", "waited"]);
    for (const name of ["b", "waited", "came late"]) await gate.end(name);
  });

  it.each<[string, () => unknown]>([
    ["a value", () => "done"],
    ["an error", () => Promise.reject(new Error("down"))],
    ["something that is no error", () => Promise.reject("down" as unknown as Error)],
  ])("are given back with %s", async (_, how) => {
    const first = errorOf(gate.alone("first"));
    await gate.end("first", how);
    await first;
    const second = gate.alone("second");
    await gate.end("second");
    expect(await second).toBe("second");
  });

  it("are given back by a call that throws at once", async () => {
    const run = kernel.wrap(
      () => {
        throw new Error("at once");
      },
      { name: "thrower", bulkhead: 1 },
    ) as () => Promise<never>;
    for (let i = 0; i < 3; i++) await expect(run()).rejects.toThrow("at once");
  });

  it("are held by a stream until it ends, fails or is left", async () => {
    const one = gate.stream(1, 2);
    await one.next();
    await expect(gate.stream().next()).rejects.toMatchObject(full("full"));
    await one.return(undefined);
    const items: number[] = [];
    for await (const item of gate.stream(1, 2)) items.push(item);
    expect(items).toEqual([1, 2]);
    expect(kernel.resolve(Bulkheads).list()).toMatchObject([{ running: 0 }]);
  });

  it("hold without a context too", async () => {
    await using bare = await createTestKernel({ config: { system: { context: false } } });
    const subject = bare.adopt(new Gate());
    const first = subject.alone("a");
    await expect(subject.alone("b")).rejects.toMatchObject(full("full"));
    await subject.end("a");
    expect(await first).toBe("a");
  });

  it("can be shared by several operations", async () => {
    const reading = gate.read("reading");
    const error = (await errorOf(gate.write("writing"))) as BulkheadFullError;
    expect(error.message).toMatch(/Gate\.write was not called: the bulkhead "database" is full/);
    expect(kernel.resolve(Bulkheads).list()).toEqual([
      {
        name: "database",
        operations: ["Gate.read", "Gate.write"],
        running: 1,
        waiting: 0,
        maxConcurrent: 1,
        queue: 0,
      },
    ]);
    await gate.end("reading");
    await reading;
  });

  it("that are shared must have the same limits everywhere", async () => {
    class Odd {
      @bulkhead({ maxConcurrent: 3, sharedAs: "database" })
      async scan(): Promise<void> {}
    }
    void gate.read("reading");
    const error = (await errorOf(kernel.adopt(new Odd()).scan())) as ConfigurationError;
    expect(error.code).toBe("MLMCP_SHARED_LIMITS");
    expect(error.message).toMatch(/Gate\.read \{"maxConcurrent":1,.*Odd\.scan \{"maxConcurrent":3/);
    await gate.end("reading");
  });

  it("belong to one kernel", async () => {
    await using other = await createTestKernel();
    const elsewhere = other.adopt(new Gate());
    void gate.alone("here");
    void elsewhere.alone("there");
    await settled();
    expect([...gate.trace, ...elsewhere.trace]).toEqual(["here", "there"]);
    await gate.end("here");
    await elsewhere.end("there");
  });
});

describe("a call that waits", () => {
  it("is refused after the queue's timeout, and makes room in the queue", async () => {
    void gate.impatient("a");
    const waiting = errorOf(gate.impatient("b"));
    await vi.advanceTimersByTimeAsync(100);
    expect(await waiting).toMatchObject(full("queueTimeout"));
    expect(gate.trace).toEqual(["a", "bulkhead:wait 1", "bulkhead:reject queueTimeout 1 0"]);
    const next = gate.impatient("c");
    await vi.advanceTimersByTimeAsync(99);
    await gate.end("a");
    expect(vi.getTimerCount()).toBe(0);
    await gate.end("c");
    expect(await next).toBe("c");
  });

  it("leaves the queue at once when its caller gives up, and the others move up", async () => {
    const controller = new AbortController();
    void gate.enter("a");
    void gate.enter("b");
    const given = errorOf(kernel.withContext({ signal: controller.signal }, () => gate.enter("given up")));
    void gate.enter("d");
    await settled();
    const reason = new Error("enough");
    controller.abort(reason);
    expect(await given).toBe(reason);
    await gate.end("a");
    expect(gate.trace.at(-1)).toBe("d");
    for (const name of ["b", "d"]) await gate.end(name);
  });

  it("does not begin where its caller gave up just when a place fell free", async () => {
    const controller = new AbortController();
    void gate.impatient("a");
    const given = errorOf(
      kernel.withContext({ signal: controller.signal }, () => gate.impatient("given up")),
    );
    await settled();
    const ended = gate.end("a");
    await Promise.resolve();
    controller.abort();
    await ended;
    expect(await given).toMatchObject({ name: "AbortError" });
    expect(gate.trace).not.toContain("given up");
    expect(kernel.resolve(Bulkheads).list()).toMatchObject([{ running: 0, waiting: 0 }]);
  });

  it("makes no signal where there is room", async () => {
    const made = vi.spyOn(globalThis, "AbortController");
    const call = gate.alone("a");
    await gate.end("a");
    await call;
    expect(made).not.toHaveBeenCalled();
    made.mockRestore();
  });
});

describe("bulkhead × retry", () => {
  it("does not try a refused call again", async () => {
    class Retried extends Gate {
      @retry({ maxRetries: 3, initialDelay: 10, jitter: "none" })
      @bulkhead(1)
      override async alone(name: string): Promise<unknown> {
        return this.stay(`${name} ${currentOperation()?.attempt}`);
      }
    }
    const retried = kernel.adopt(new Retried());
    const first = retried.alone("first");
    const error = await errorOf(retried.alone("second"));
    expect(error).toBeInstanceOf(BulkheadFullError);
    expect(attemptsOf(error)).toHaveLength(1);
    await retried.end("first 1");
    await first;
  });

  it("gives the place back during the delay before a retry", async () => {
    class Retried extends Gate {
      @retry({ maxRetries: 1, initialDelay: 100, jitter: "none" })
      @bulkhead(1)
      override async alone(name: string): Promise<unknown> {
        return this.stay(`${name} ${currentOperation()?.attempt}`);
      }
    }
    const retried = kernel.adopt(new Retried());
    const first = retried.alone("first");
    await retried.end("first 1", () => Promise.reject(new Error("down")));
    const second = retried.alone("second");
    await retried.end("second 1");
    expect(await second).toBe("second 1");
    await vi.advanceTimersByTimeAsync(100);
    await retried.end("first 2");
    expect(await first).toBe("first 2");
  });

  it("lets a fallback answer for a refused call, and no breaker count it", async () => {
    class Degraded extends Gate {
      @degrade({ fallback: { value: "stand-in" }, breaker: { failureThreshold: 1 } })
      @bulkhead(1)
      override async alone(name: string): Promise<unknown> {
        return this.stay(name);
      }
    }
    const degraded = kernel.adopt(new Degraded());
    const first = degraded.alone("first");
    expect(await degraded.alone("second")).toBe("stand-in");
    await degraded.end("first");
    expect(await first).toBe("first");
    const third = degraded.alone("third");
    await degraded.end("third");
    expect(await third).toBe("third");
  });
});

describe("a bulkhead and a reload", () => {
  const start = async () => {
    const directory = await mkdtemp(join(tmpdir(), "mlmcp-"));
    const configFile = join(directory, ".mlmcprc.json");
    const write = (operations: object) => writeFile(configFile, JSON.stringify({ operations }));
    await write({});
    const reloadable = await createTestKernel({ configFile });
    return {
      gate: reloadable.adopt(new Gate()),
      status: () => reloadable.resolve(Bulkheads).list(),
      async reload(setting: unknown, id = "Gate.enter") {
        await write({ [id]: { bulkhead: setting } });
        await reloadable.reload();
      },
      async [Symbol.asyncDispose]() {
        await reloadable.stop();
        await rm(directory, { recursive: true });
      },
    };
  };

  it("counts the calls that run, and lets those that wait move up", async () => {
    await using subject = await start();
    for (const name of ["a", "b", "c", "d"]) void subject.gate.enter(name);
    await settled();
    await subject.reload({ maxConcurrent: 4 });
    void subject.gate.enter("e");
    await settled();
    expect(subject.gate.trace).toEqual(["a", "b", "c", "d"]);
    expect(subject.status()).toMatchObject([{ running: 4, waiting: 1, maxConcurrent: 4 }]);
    for (const name of ["a", "b", "c", "d", "e"]) await subject.gate.end(name);
    expect(subject.status()).toMatchObject([{ running: 0, waiting: 0 }]);
  });

  it("admits no further call until fewer run than the lower limit", async () => {
    await using subject = await start();
    void subject.gate.enter("a");
    void subject.gate.enter("b");
    await subject.reload({ maxConcurrent: 1 });
    void subject.gate.enter("c");
    await settled();
    await subject.gate.end("a");
    expect(subject.gate.trace).toEqual(["a", "b"]);
    await subject.gate.end("b");
    expect(subject.gate.trace).toEqual(["a", "b", "c"]);
    await subject.gate.end("c");
  });

  it("takes other limits for all that share it", async () => {
    await using subject = await start();
    void subject.gate.read("a");
    await subject.reload({ maxConcurrent: 2 }, "Gate.*");
    void subject.gate.write("b");
    const third = errorOf(subject.gate.read("c"));
    expect(await third).toMatchObject(full("full"));
    expect(subject.gate.trace).toEqual(["a", "b"]);
    for (const name of ["a", "b"]) await subject.gate.end(name);
  });

  it("passes all calls where it is turned off", async () => {
    await using subject = await start();
    await subject.reload(false, "Gate.alone");
    void subject.gate.alone("a");
    void subject.gate.alone("b");
    await settled();
    expect(subject.gate.trace).toEqual(["a", "b"]);
    for (const name of ["a", "b"]) await subject.gate.end(name);
  });
});

it.each<[string, unknown]>([
  ["no place at all", 0],
  ["half a place", 1.5],
  ["a negative queue", { queue: -1 }],
  ["a queue timeout of nothing", { queueTimeout: 0 }],
  ["an empty name", { sharedAs: "" }],
  ["an unknown option", { maxConcurent: 3 }],
])("@bulkhead refuses %s", (_, options) => {
  expect(() => written(bulkhead(options as 1))).toThrow(ConfigurationError);
});

it("calls that wait when their kernel stops are refused", async () => {
  const stopping = await createTestKernel({ config: { system: { stopTimeout: 10 } } });
  const warned = vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);
  const subject = stopping.adopt(new Gate());
  void subject.impatient("a");
  void subject.enter("b");
  void subject.enter("c");
  const waiting = [errorOf(subject.impatient("d")), errorOf(subject.enter("e"))];
  const stopped = stopping.stop();
  await vi.advanceTimersByTimeAsync(10);
  await stopped;
  expect(await Promise.all(waiting)).toMatchObject([full("stopped"), full("stopped")]);
  for (const name of ["a", "b", "c"]) await subject.end(name);
  warned.mockRestore();
});
