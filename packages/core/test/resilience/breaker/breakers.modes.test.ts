import {
  CircuitBreakers,
  CircuitOpenError,
  ConfigurationError,
  degrade,
  type BreakerOptions,
  type DegradeOptions,
  type Kernel,
  type SavedBreakers,
} from "@mlmcp/core";
import { createTestKernel } from "@mlmcp/core/testing";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { traceEvents } from "../events.js";

const down = new Error("down");
const MINUTE = 60_000;
const EVENTS = ["breaker:open", "breaker:halfOpen", "breaker:close", "breaker:reject"] as const;
const one: BreakerOptions = { failureThreshold: 1, resetAfter: "1m" };

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

/** Operations of one class, whose results the test decides. */
function service(first: BreakerOptions, second: BreakerOptions = first, on = kernel) {
  class Tenants {
    readonly prefix = "tenant";
    broken = new Set<string>();

    @degrade({ breaker: first } as DegradeOptions)
    async load(tenant: string): Promise<string> {
      return this.answer(tenant);
    }

    @degrade({ breaker: second } as DegradeOptions)
    async save(tenant: string): Promise<string> {
      return this.answer(tenant);
    }

    private answer(tenant: string): string {
      if (this.broken.has(tenant)) throw down;
      return tenant;
    }
  }
  return on.adopt(new Tenants());
}

const outcomeOf = (call: Promise<unknown>): Promise<unknown> => call.catch((error: unknown) => error);
const breakers = (of = kernel) => of.resolve(CircuitBreakers);

describe("breakers by key", () => {
  const byTenant: BreakerOptions = { ...one, key: (tenant: string) => tenant };

  it("keep the failures of one key from the calls of another", async () => {
    const tenants = service(byTenant);
    tenants.broken.add("a");
    expect(await outcomeOf(tenants.load("a"))).toBe(down);
    const rejection = await outcomeOf(tenants.load("a"));
    expect(rejection).toBeInstanceOf(CircuitOpenError);
    expect(rejection).toMatchObject({
      message: expect.stringContaining('its breaker for "a" is open after 1 consecutive failure'),
      context: { operation: "Tenants.load", key: "a", retryAfterMs: MINUTE },
      cause: down,
    });
    expect(await tenants.load("b")).toBe("b");
    expect(breakers().list()).toMatchObject([
      { operation: "Tenants.load", key: "a", state: "open" },
      { operation: "Tenants.load", key: "b", state: "closed" },
    ]);
  });

  it("are told apart on the method's `this`, with its arguments", async () => {
    const keys: unknown[] = [];
    const tenants = service({
      ...one,
      key(this: { prefix: string }, ...args: unknown[]) {
        keys.push([this.prefix, ...args]);
        return "k";
      },
    });
    await tenants.load("a");
    expect(keys).toEqual([["tenant", "a"]]);
  });

  it("make room for new ones, the one used longest ago first, with its timer", async () => {
    const tenants = service({ ...byTenant, maxKeys: 2 });
    const trace: string[] = [];
    traceEvents(kernel, trace, EVENTS);
    tenants.broken.add("a").add("b");
    await outcomeOf(tenants.load("a"));
    await outcomeOf(tenants.load("b"));
    expect(await outcomeOf(tenants.load("a"))).toBeInstanceOf(CircuitOpenError);
    await tenants.load("c");
    expect(breakers().list()).toMatchObject([{ key: "a" }, { key: "c" }]);
    expect(vi.getTimerCount()).toBe(1);
    expect(trace).toEqual([
      "breaker:open failures 1 60000 a",
      "breaker:open failures 1 60000 b",
      "breaker:reject open 60000 a",
      "breaker:close evicted b",
    ]);
    expect(await outcomeOf(tenants.load("b"))).toBe(down);
  });

  it("do not count a call whose breaker has made room meanwhile", async () => {
    let answer: (value: string) => void = () => undefined;
    class Slow {
      @degrade({ breaker: { ...byTenant, maxKeys: 1 } })
      async load(tenant: string): Promise<string> {
        if (tenant === "slow") return new Promise((resolve) => (answer = resolve));
        throw down;
      }
    }
    const slow = kernel.adopt(new Slow());
    const running = slow.load("slow");
    await outcomeOf(slow.load("x"));
    answer("late");
    expect(await running).toBe("late");
    expect(breakers().list()).toMatchObject([{ key: "x", state: "open" }]);
  });

  it.each<[string, () => unknown, RegExp]>([
    ["gives no text", () => 7, /`key` of its breaker gave a value of type number instead of a text/],
    [
      "throws",
      () => {
        throw down;
      },
      /`key` of its breaker threw instead of giving a text/,
    ],
  ])("refuse the call where the key %s", async (_, key, message) => {
    const error = await outcomeOf(service({ ...one, key: key as () => string }).load("a"));
    expect(error).toBeInstanceOf(ConfigurationError);
    expect(error).toMatchObject({ code: "MLMCP_BREAKER_KEY", message: expect.stringMatching(message) });
  });

  it("are moved by hand one by one; closing and resetting also all at once", async () => {
    const tenants = service(byTenant);
    await tenants.load("a");
    breakers().isolate("Tenants.load", "a");
    // One that has not been met before.
    breakers().open("Tenants.load", "b");
    expect(await outcomeOf(tenants.load("a"))).toBeInstanceOf(CircuitOpenError);
    expect(await outcomeOf(tenants.load("b"))).toBeInstanceOf(CircuitOpenError);
    expect(() => breakers().isolate("Tenants.load")).toThrow(/one breaker for each key/);
    breakers().close("Tenants.load", "a");
    expect(await tenants.load("a")).toBe("a");
    breakers().reset("Tenants.load");
    expect(await tenants.load("b")).toBe("b");
  });
});

describe("a shared breaker", () => {
  const shared: BreakerOptions = { ...one, sharedAs: "database" };

  it("counts and rejects for all operations that name it", async () => {
    const tenants = service(shared);
    const trace: string[] = [];
    traceEvents(kernel, trace, EVENTS);
    await tenants.save("a");
    tenants.broken.add("b");
    expect(await outcomeOf(tenants.load("b"))).toBe(down);
    const rejection = await outcomeOf(tenants.save("a"));
    expect(rejection).toBeInstanceOf(CircuitOpenError);
    expect(String(rejection)).toMatch(
      /Tenants\.save was not called: its breaker, which it shares as "database", is open/,
    );
    expect(breakers().list()).toMatchObject([
      { operation: "database", sharedBy: ["Tenants.save", "Tenants.load"], state: "open" },
    ]);
    // What happens to it is told once for each of its operations.
    expect(trace).toEqual([
      "breaker:open failures 1 60000 database",
      "breaker:open failures 1 60000 database",
      "breaker:reject open 60000 database",
    ]);
  });

  it("is moved by its name, or by the id of any of its operations", async () => {
    const tenants = service(shared);
    await tenants.load("a");
    await tenants.save("a");
    breakers().isolate("Tenants.save");
    expect(await outcomeOf(tenants.load("a"))).toBeInstanceOf(CircuitOpenError);
    breakers().close("database");
    expect(await tenants.save("a")).toBe("a");
  });

  it("may have keys, which each operation finds in its own way", async () => {
    const tenants = service(
      { ...shared, key: (tenant: string) => tenant },
      { ...shared, key: (tenant: string) => tenant.toUpperCase() },
    );
    tenants.broken.add("A");
    await outcomeOf(tenants.load("A"));
    expect(await outcomeOf(tenants.save("a"))).toBeInstanceOf(CircuitOpenError);
    expect(await tenants.save("b")).toBe("b");
  });

  it.each<[string, BreakerOptions]>([
    ["a threshold", { ...shared, failureThreshold: 2 }],
    ["a mode", { ...shared, mode: "shadow" }],
    ["keys", { ...shared, key: (tenant: string) => tenant }],
  ])("is an error of whoever comes later and disagrees on %s", async (_, other) => {
    const tenants = service(shared, other);
    expect(await tenants.load("a")).toBe("a");
    const error = await outcomeOf(tenants.save("a"));
    expect(error).toBeInstanceOf(ConfigurationError);
    expect(error).toMatchObject({
      code: "MLMCP_BREAKER_CONFLICT",
      message: expect.stringMatching(/Tenants\.save and Tenants\.load share the breaker "database"/),
    });
    expect(await tenants.load("a")).toBe("a");
  });

  it("cannot go by the id of an operation that has a breaker of its own", async () => {
    const tenants = service(one, { ...one, sharedAs: "Tenants.load" });
    await tenants.load("a");
    expect(await outcomeOf(tenants.save("a"))).toMatchObject({ code: "MLMCP_BREAKER_CONFLICT" });
  });

  it("need not agree on which errors count", async () => {
    const tenants = service(shared, { ...shared, when: TypeError });
    tenants.broken.add("a");
    await outcomeOf(tenants.save("a"));
    expect(breakers().list()).toMatchObject([{ operation: "database", state: "closed" }]);
    await outcomeOf(tenants.load("a"));
    expect(breakers().list()).toMatchObject([{ operation: "database", state: "open" }]);
  });
});

describe("breakers and a reload", () => {
  const start = async (operations: unknown) => {
    const directory = await mkdtemp(join(tmpdir(), "mlmcp-"));
    const configFile = join(directory, ".mlmcprc.json");
    const write = (settings: unknown) => writeFile(configFile, JSON.stringify({ operations: settings }));
    await write(operations);
    const reloadable = await createTestKernel({ configFile });
    return {
      kernel: reloadable,
      async reload(settings: unknown) {
        await write(settings);
        await reloadable.reload();
      },
      async [Symbol.asyncDispose]() {
        await reloadable.stop();
        await rm(directory, { recursive: true });
      },
    };
  };
  const settings = (breaker: unknown) => ({ degrade: { breaker } });

  it("stay as they are where another option of the decorator changes", async () => {
    await using running = await start({});
    const tenants = service(one, one, running.kernel);
    tenants.broken.add("a");
    await outcomeOf(tenants.load("a"));
    await running.reload({ "Tenants.load": { degrade: { fallback: { value: "kept" } } } });
    expect(await tenants.load("a")).toBe("kept");
    expect(breakers(running.kernel).list()).toMatchObject([{ state: "open", failures: 1 }]);
  });

  it("that are shared change for all at once; while only one of them does, the others do not work", async () => {
    const shared = { ...one, sharedAs: "database" };
    await using running = await start({});
    const tenants = service(shared, shared, running.kernel);
    await tenants.load("a");
    await tenants.save("a");
    await running.reload({ "Tenants.*": settings({ failureThreshold: 2 }) });
    tenants.broken.add("x");
    await outcomeOf(tenants.load("x"));
    await outcomeOf(tenants.save("x"));
    expect(await outcomeOf(tenants.load("a"))).toBeInstanceOf(CircuitOpenError);
    expect(breakers(running.kernel).list()).toMatchObject([{ operation: "database", failures: 2 }]);

    await running.reload({ "Tenants.load": settings({ failureThreshold: 9 }) });
    expect(await tenants.load("a")).toBe("a");
    expect(await outcomeOf(tenants.save("a"))).toMatchObject({ code: "MLMCP_BREAKER_CONFLICT" });
    await running.reload({});
    expect(await tenants.save("a")).toBe("a");
    expect(await tenants.load("a")).toBe("a");
    expect(breakers(running.kernel).list()).toMatchObject([
      { operation: "database", sharedBy: ["Tenants.save", "Tenants.load"], state: "closed" },
    ]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("that are shared go on for the others where one of them turns its own off", async () => {
    const shared = { ...one, sharedAs: "database" };
    await using running = await start({});
    const tenants = service(shared, shared, running.kernel);
    tenants.broken.add("x");
    await tenants.save("a");
    await outcomeOf(tenants.load("x"));
    await running.reload({ "Tenants.load": settings(false) });
    expect(await tenants.load("a")).toBe("a");
    expect(await outcomeOf(tenants.save("a"))).toBeInstanceOf(CircuitOpenError);
    expect(breakers(running.kernel).list()).toMatchObject([{ sharedBy: ["Tenants.save"], state: "open" }]);
  });

  it("can be put into shadow mode", async () => {
    await using running = await start({});
    const tenants = service(one, one, running.kernel);
    tenants.broken.add("x");
    await running.reload({ "Tenants.load": settings({ mode: "shadow" }) });
    const trace: string[] = [];
    traceEvents(running.kernel, trace, EVENTS);
    expect(await outcomeOf(tenants.load("x"))).toBe(down);
    expect(await tenants.load("a")).toBe("a");
    expect(breakers(running.kernel).list()).toMatchObject([{ state: "open", mode: "shadow" }]);
    expect((await running.kernel.health()).status).toBe("up");
    expect(trace).toEqual(["breaker:open failures 1 60000 true", "breaker:reject open 60000 true"]);
  });
});

describe("breakers that are isolated", () => {
  it("say so, without a time, and stay so", async () => {
    const tenants = service(one);
    const trace: string[] = [];
    traceEvents(kernel, trace, EVENTS);
    await tenants.load("a");
    breakers().isolate("Tenants.load");
    await vi.advanceTimersByTimeAsync(60 * MINUTE);
    const rejection = await outcomeOf(tenants.load("a"));
    expect(String(rejection)).toMatch(/was isolated by hand. No call passes until it is closed by hand/);
    expect(rejection).toMatchObject({ context: { operation: "Tenants.load" } });
    expect(breakers().list()).toEqual([
      { operation: "Tenants.load", state: "isolated", mode: "enforce", failures: 0 },
    ]);
    breakers().reset("Tenants.load");
    expect(await tenants.load("a")).toBe("a");
    expect(trace).toEqual(["breaker:open isolated 0", "breaker:reject isolated", "breaker:close reset"]);
  });
});

describe("a key that is isolated", () => {
  it("stays so however many others come, unless all are", async () => {
    const tenants = service({ ...one, key: (tenant: string) => tenant, maxKeys: 2 });
    await tenants.load("a");
    breakers().isolate("Tenants.load", "a");
    for (const tenant of ["b", "c", "d"]) await tenants.load(tenant);
    expect(await outcomeOf(tenants.load("a"))).toBeInstanceOf(CircuitOpenError);
    breakers().isolate("Tenants.load", "d");
    expect(await tenants.load("e")).toBe("e");
    expect(
      breakers()
        .list()
        .map(({ key, state }) => [key, state]),
    ).toEqual([
      ["d", "isolated"],
      ["e", "closed"],
    ]);
  });
});

describe("breakers with rates", () => {
  it("list and tell what they were taken of", async () => {
    const tenants = service({ failureRate: 0.5, window: 4, minimumCalls: 4, resetAfter: "1m" });
    const opened: unknown[] = [];
    const { onEvent } = await import("@mlmcp/core");
    const end = onEvent("breaker:open", ({ kernel: _, ...event }) => opened.push(event));
    tenants.broken.add("x");
    for (const tenant of ["x", "a", "a"]) await outcomeOf(tenants.load(tenant));
    expect(breakers().list()).toMatchObject([{ window: { calls: 3, failures: 1, slow: 0 } }]);
    await outcomeOf(tenants.load("x"));
    end();
    expect(opened).toEqual([
      {
        operation: "Tenants.load",
        reason: "failureRate",
        failures: 1,
        resetAfterMs: MINUTE,
        window: { calls: 4, failures: 2, slow: 0 },
      },
    ]);
    expect(String(await outcomeOf(tenants.load("a")))).toMatch(/is open after 2 of 4 calls failed/);
  });
});

describe("breakers that are saved", () => {
  const saved = (): SavedBreakers => JSON.parse(JSON.stringify(breakers().save())) as SavedBreakers;
  const restart = async (): Promise<void> => {
    await kernel.stop();
    kernel = await createTestKernel();
  };
  const prepare = async () => {
    const tenants = service({ ...one, key: (tenant: string) => tenant }, { ...one, failureThreshold: 2 });
    tenants.broken.add("x");
    await outcomeOf(tenants.load("x"));
    await tenants.load("a");
    await outcomeOf(tenants.save("x"));
    return saved();
  };

  it("go on in the next process, the time between counted, from the first call of their operation", async () => {
    const state = await prepare();
    expect(state.breakers).toMatchObject([
      { operation: "Tenants.load", key: "x", state: "open", failures: 1 },
      { operation: "Tenants.save", state: "closed", failures: 1 },
    ]);
    await restart();
    breakers().restore(state);
    await vi.advanceTimersByTimeAsync(MINUTE / 2);
    const tenants = service({ ...one, key: (tenant: string) => tenant }, { ...one, failureThreshold: 2 });
    expect(await outcomeOf(tenants.load("x"))).toMatchObject({ context: { retryAfterMs: MINUTE / 2 } });
    expect(await tenants.load("a")).toBe("a");
    tenants.broken.add("y");
    await outcomeOf(tenants.save("y"));
    expect(breakers().list()).toMatchObject([
      { key: "x", state: "open" },
      { key: "a", state: "closed" },
      { operation: "Tenants.save", state: "open" },
    ]);
  });

  it("tell their operation that they are open since before a restart", async () => {
    const state = await prepare();
    await restart();
    breakers().restore(state);
    const trace: string[] = [];
    traceEvents(kernel, trace, EVENTS);
    const tenants = service({ ...one, key: (tenant: string) => tenant });
    expect(String(await outcomeOf(tenants.load("x")))).toMatch(/is open since before a restart/);
    expect(trace).toEqual(["breaker:open restored 1 60000 x", "breaker:reject open 60000 x"]);
  });

  it("are written down again where their operation has not been called yet", async () => {
    const state = await prepare();
    await restart();
    breakers().restore(state);
    expect(saved()).toEqual(state);
  });

  it("are taken over at once where the breaker is there", async () => {
    const tenants = service(one);
    await tenants.load("a");
    breakers().restore({
      version: 1,
      breakers: [{ operation: "Tenants.load", state: "isolated", failures: 0 }],
    });
    expect(await outcomeOf(tenants.load("a"))).toBeInstanceOf(CircuitOpenError);
  });

  it("are left alone where they have come to have keys, or have them no more", async () => {
    const tenants = service(one);
    await tenants.load("a");
    breakers().restore({
      version: 1,
      breakers: [{ operation: "Tenants.load", key: "a", state: "open", failures: 1 }],
    });
    expect(await tenants.load("a")).toBe("a");
  });

  it.each<[string, unknown, RegExp]>([
    ["nothing", undefined, /expected an object/],
    ["another version", { version: 2, breakers: [] }, /version: expected 1/],
    [
      "a state that there is not",
      { version: 1, breakers: [{ operation: "X.y", state: "ajar", failures: 0 }] },
      /breakers\.0\.state: expected one of/,
    ],
    [
      "a breaker of nothing",
      { version: 1, breakers: [{ state: "open", failures: 0 }] },
      /breakers\.0\.operation: is required/,
    ],
  ])("are not restored from %s", (_, state, message) => {
    let thrown: unknown;
    try {
      breakers().restore(state as SavedBreakers);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toMatchObject({ code: "MLMCP_BREAKER_STATE", message: expect.stringMatching(message) });
  });
});

describe("a breaker's name", () => {
  it("that is not there, or a key that does not belong, is an error", async () => {
    await service(one).load("a");
    expect(() => breakers().isolate("Tenants.laod")).toThrow(/Breakers so far: Tenants\.load/);
    expect(() => breakers().close("Tenants.load", "a")).toThrow(/has a single breaker/);
  });
});
