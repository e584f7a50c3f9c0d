import { ConfigurationError, onEvent, type MlmcpEvents } from "@mlmcp/core";
import { createTestKernel } from "@mlmcp/core/testing";
import { cached, cacheKey, cachePlugin, CacheManager } from "@mlmcp/plugin-cache";
import { afterEach, describe, expect, it, onTestFinished, vi } from "vitest";

afterEach(() => vi.useRealTimers());

const inMemory = (more: object = {}): Parameters<typeof createTestKernel>[0] => ({
  plugins: [cachePlugin],
  config: { cache: { store: "memory:" }, ...more },
});

/** Collects one kind of event until the test ends. */
function collect<Name extends keyof MlmcpEvents & string>(name: Name): MlmcpEvents[Name][] {
  const events: MlmcpEvents[Name][] = [];
  onTestFinished(onEvent(name, (event) => void events.push(event)));
  return events;
}

/** A promise and the hand that settles it. */
function gate(): { readonly open: Promise<void>; release(): void } {
  let release!: () => void;
  const open = new Promise<void>((resolve) => (release = resolve));
  return { open, release };
}

describe("@cached", () => {
  it("runs a method once for equal arguments, and again for others", async () => {
    class Reports {
      ran: string[] = [];
      @cached("5m")
      async load(region: string, filter?: { from: Date; tags?: Set<string> }): Promise<string> {
        this.ran.push(region);
        return `${region} from ${filter?.from.getTime()} ${[...(filter?.tags ?? [])].length}`;
      }
    }
    await using kernel = await createTestKernel(inMemory());
    const reports = kernel.adopt(new Reports());
    const from = new Date(5);
    expect(await reports.load("EU", { from, tags: new Set(["a", "b"]) })).toBe("EU from 5 2");
    expect(await reports.load("EU", { tags: new Set(["b", "a"]), from: new Date(5) })).toBe("EU from 5 2");
    expect(reports.ran).toEqual(["EU"]);
    await reports.load("EU", { from: new Date(6) });
    await reports.load("EU", { from, tags: undefined });
    await reports.load("EU", { from });
    await reports.load("EU");
    await reports.load("EU", undefined);
    expect(reports.ran.length).toBe(6);
  });

  it("keeps methods, classes and namespaces apart", async () => {
    class First {
      @cached()
      async load(key: string): Promise<string> {
        return `First ${key}`;
      }
      @cached()
      async read(key: string): Promise<string> {
        return `read ${key}`;
      }
    }
    class Second {
      @cached()
      async load(key: string): Promise<string> {
        return `Second ${key}`;
      }
    }
    await using kernel = await createTestKernel(inMemory());
    const first = kernel.adopt(new First());
    const second = kernel.adopt(new Second());
    expect(await Promise.all([first.load("k"), first.read("k"), second.load("k")])).toEqual([
      "First k",
      "read k",
      "Second k",
    ]);
    expect(await Promise.all([first.load("k"), first.read("k"), second.load("k")])).toEqual([
      "First k",
      "read k",
      "Second k",
    ]);
  });

  it("takes undefined, null and falsy results for values", async () => {
    class Lookups {
      ran = 0;
      @cached()
      async find(value: unknown): Promise<unknown> {
        this.ran++;
        return value;
      }
    }
    await using kernel = await createTestKernel(inMemory());
    const lookups = kernel.adopt(new Lookups());
    for (const value of [undefined, null, 0, "", false, NaN, -0]) {
      await lookups.find(value);
      expect(Object.is(await lookups.find(value), value)).toBe(true);
    }
    expect(lookups.ran).toBe(7);
  });

  it("runs once for each key for callers that come while it runs", async () => {
    const door = gate();
    class Slow {
      ran = 0;
      @cached()
      async load(key: string): Promise<{ key: string }> {
        this.ran++;
        await door.open;
        return { key };
      }
    }
    await using kernel = await createTestKernel(inMemory());
    const slow = kernel.adopt(new Slow());
    const flights = collect("cache:hit");
    const waiting = Array.from({ length: 10 }, () => slow.load("a"));
    const others = Array.from({ length: 10 }, () => slow.load("b"));
    door.release();
    const values = await Promise.all(waiting);
    expect(values).toEqual(Array.from({ length: 10 }, () => ({ key: "a" })));
    expect(new Set(values).size).toBe(10);
    expect(await Promise.all(others)).toEqual(Array.from({ length: 10 }, () => ({ key: "b" })));
    expect(slow.ran).toBe(2);
    expect(flights.filter(({ tier }) => tier === "flight").length).toBe(18);
  });

  it("gives one error to all who wait, keeps none, and recovers with the next call", async () => {
    const door = gate();
    class Flaky {
      ran = 0;
      @cached()
      async load(key: string): Promise<string> {
        this.ran++;
        await door.open;
        if (this.ran === 1) throw new Error("first run fails");
        return key;
      }
    }
    await using kernel = await createTestKernel(inMemory());
    const flaky = kernel.adopt(new Flaky());
    const settled = Promise.allSettled(Array.from({ length: 10 }, () => flaky.load("a")));
    door.release();
    const reasons = (await settled).map((result) => result.status === "rejected" && (result.reason as Error));
    expect(new Set(reasons).size).toBe(1);
    expect((reasons[0] as Error).message).toBe("first run fails");
    expect(flaky.ran).toBe(1);
    expect(await flaky.load("a")).toBe("a");
    expect(await flaky.load("a")).toBe("a");
    expect(flaky.ran).toBe(2);
  });

  it("lets no caller change what another gets", async () => {
    class Rows {
      last: unknown;
      @cached()
      async load(): Promise<{ rows: number[]; at: Map<string, Date> }> {
        const result = { rows: [1, 2], at: new Map([["x", new Date(1)]]) };
        this.last = result;
        return result;
      }
    }
    await using kernel = await createTestKernel(inMemory());
    const rows = kernel.adopt(new Rows());
    const [first, second] = await Promise.all([rows.load(), rows.load()]);
    first.rows.push(3);
    second.at.get("x")!.setTime(9);
    (await rows.load()).rows.length = 0;
    (rows.last as { rows: number[] }).rows.push(4);
    expect(await rows.load()).toEqual({ rows: [1, 2], at: new Map([["x", new Date(1)]]) });
  });

  it("gives all the same object under isolate: false, also one that cannot be copied", async () => {
    class Connection {
      query = (): number => 1;
    }
    class Pool {
      @cached({ isolate: false })
      async connect(): Promise<Connection> {
        return new Connection();
      }
    }
    await using kernel = await createTestKernel(inMemory());
    const pool = kernel.adopt(new Pool());
    const [first, second] = await Promise.all([pool.connect(), pool.connect()]);
    expect(first).toBe(second);
    expect(await pool.connect()).toBe(first);
    expect(first.query()).toBe(1);
  });

  it("shares no result that cannot be copied, says so once, and fails no call", async () => {
    class Session {
      readonly id = Math.random();
    }
    class Sessions {
      ran = 0;
      @cached({ name: "Sessions.uncopyable" })
      async open(): Promise<Session> {
        this.ran++;
        return new Session();
      }
    }
    const warnings: Error[] = [];
    const onWarning = (warning: Error): void => void warnings.push(warning);
    process.on("warning", onWarning);
    onTestFinished(() => void process.off("warning", onWarning));
    await using kernel = await createTestKernel(inMemory());
    const sessions = kernel.adopt(new Sessions());
    const errors = collect("cache:error");
    const opened = await Promise.all([sessions.open(), sessions.open(), sessions.open()]);
    expect(new Set(opened).size).toBe(3);
    expect(opened[2]).toBeInstanceOf(Session);
    await sessions.open();
    expect(sessions.ran).toBe(4);
    expect(errors.map(({ action, error }) => [action, String(error)])).toEqual([
      ["copy", "UnstorableError: the value is an instance of Session"],
      ["copy", "UnstorableError: the value is an instance of Session"],
    ]);
    await new Promise((resolve) => setImmediate(resolve));
    expect(warnings.map(({ message }) => message)).toEqual([
      "Sessions.uncopyable is not cached: the value is an instance of Session. Return plain data, tell the cache how to copy the class with `cacheable()`, or use `isolate: false` if nobody changes the result.",
    ]);
  });

  it("forgets after its time, by the decorator, the section and the operation's own setting", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    class Times {
      ran: string[] = [];
      @cached({ ttl: "2s" })
      async own(): Promise<void> {
        this.ran.push("own");
      }
      @cached()
      async section(): Promise<void> {
        this.ran.push("section");
      }
      @cached({ ttl: "2s" })
      async configured(): Promise<void> {
        this.ran.push("configured");
      }
      @cached(0)
      async never(): Promise<void> {
        this.ran.push("never");
      }
    }
    await using kernel = await createTestKernel({
      plugins: [cachePlugin],
      config: {
        cache: { store: "memory:", ttl: "1s" },
        operations: { "Times.configured": { cached: { ttl: 500 } } },
      },
    });
    const times = kernel.adopt(new Times());
    const all = async (): Promise<string[]> => {
      times.ran = [];
      for (const method of ["own", "section", "configured", "never"] as const) await times[method]();
      return times.ran;
    };
    expect(await all()).toEqual(["own", "section", "configured", "never"]);
    vi.advanceTimersByTime(499);
    expect(await all()).toEqual(["never"]);
    vi.advanceTimersByTime(1);
    expect(await all()).toEqual(["configured", "never"]);
    vi.advanceTimersByTime(500);
    expect(await all()).toEqual(["section", "configured", "never"]);
    vi.advanceTimersByTime(1_000);
    expect(await all()).toEqual(["own", "section", "configured", "never"]);
  });

  it("makes the key of what `key` gives, and of namespace and version", async () => {
    let ran = 0;
    class Keyed {
      @cached({ key: (id: number) => ({ id: id % 10 }) })
      async load(id: number, signal: AbortSignal): Promise<number> {
        ran++;
        return signal.aborted ? -1 : id;
      }
    }
    await using kernel = await createTestKernel(inMemory());
    const keyed = kernel.adopt(new Keyed());
    const { signal } = new AbortController();
    expect(await keyed.load(3, signal)).toBe(3);
    expect(await keyed.load(13, signal)).toBe(3);
    expect(await keyed.load(4, signal)).toBe(4);
    expect(ran).toBe(2);
    await using versioned = await createTestKernel({
      plugins: [cachePlugin],
      config: {
        cache: { store: "memory:" },
        operations: { "Keyed.load": { cached: { version: 2, namespace: "n" } } },
      },
    });
    expect(await versioned.adopt(new Keyed()).load(3, signal)).toBe(3);
    expect(ran).toBe(3);
  });

  it("refuses arguments that cannot be a key before the method runs, and says which and what to do", async () => {
    class Reports {
      ran = 0;
      @cached()
      async load(id: number, options: { on?: { done: () => void } }): Promise<number> {
        this.ran++;
        return options.on ? id : 0;
      }
      @cached({ key: () => new WeakMap() })
      async wrong(): Promise<void> {}
      @cached({
        key: () => {
          throw new TypeError("no id");
        },
      })
      async failing(): Promise<void> {}
    }
    await using kernel = await createTestKernel(inMemory());
    const reports = kernel.adopt(new Reports());
    const refusal = await reports.load(1, { on: { done() {} } }).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(ConfigurationError);
    expect(refusal).toMatchObject({
      code: "MLMCP_CACHE_KEY",
      message:
        'Reports.load cannot be cached by its arguments: argument 2 (.on.done) is the function "done". ' +
        "Say what identifies a call: `@cached({ key: (...args) => … })`.",
      context: { operation: "Reports.load", argument: 2, path: ["on", "done"] },
    });
    expect(reports.ran).toBe(0);
    await expect(reports.wrong()).rejects.toThrow(
      "The `key` of @cached on Reports.wrong gave a value that cannot be a key",
    );
    await expect(reports.failing()).rejects.toThrow(
      "The `key` of @cached on Reports.failing threw TypeError: no id.",
    );
  });

  it("takes instances that declare an identity", async () => {
    class Customer {
      constructor(readonly id: string) {}
      [cacheKey](): string {
        return this.id;
      }
    }
    class Invoices {
      ran = 0;
      @cached()
      async of(customer: Customer): Promise<string> {
        this.ran++;
        return customer.id;
      }
    }
    await using kernel = await createTestKernel(inMemory());
    const invoices = kernel.adopt(new Invoices());
    await invoices.of(new Customer("7"));
    await invoices.of(new Customer("7"));
    await invoices.of(new Customer("8"));
    expect(invoices.ran).toBe(2);
  });

  it("keeps only what `when` wants, and nothing where `when` throws", async () => {
    class Pages {
      ran = 0;
      @cached({ when: (page: { complete: boolean }, [id]: [number]) => page.complete && id > 0 })
      async load(id: number, complete: boolean): Promise<{ complete: boolean }> {
        this.ran++;
        return { complete: complete && id !== 9 };
      }
      @cached({
        when: () => {
          throw new Error("unsure");
        },
      })
      async unsure(): Promise<number> {
        return ++this.ran;
      }
    }
    await using kernel = await createTestKernel(inMemory());
    const errors = collect("cache:error");
    const pages = kernel.adopt(new Pages());
    for (const [id, complete] of [
      [1, true],
      [1, true],
      [1, false],
      [1, false],
      [-1, true],
      [-1, true],
    ] as const) {
      await pages.load(id, complete);
    }
    expect(pages.ran).toBe(5);
    expect(await pages.unsure()).toBe(6);
    expect(await pages.unsure()).toBe(7);
    expect(errors.map(({ action }) => action)).toEqual(["when", "when"]);
  });

  it("passes through where the master switch or the operation's setting is off", async () => {
    class Off {
      ran = 0;
      @cached()
      async load(): Promise<number> {
        return ++this.ran;
      }
    }
    for (const more of [
      { performance: { enableCaching: false } },
      { operations: { "Off.load": { cached: false } } },
    ]) {
      await using kernel = await createTestKernel(inMemory(more));
      const off = kernel.adopt(new Off());
      expect(await off.load()).toBe(1);
      expect(await off.load()).toBe(2);
    }
  });

  it("takes MLMCP_PERFORMANCE_ENABLE_CACHING and MLMCP_CACHE_TTL", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    class Tuned {
      ran = 0;
      @cached()
      async load(): Promise<number> {
        return ++this.ran;
      }
    }
    await using off = await createTestKernel({
      ...inMemory(),
      env: { MLMCP_PERFORMANCE_ENABLE_CACHING: "false" },
    });
    const passing = off.adopt(new Tuned());
    expect([await passing.load(), await passing.load()]).toEqual([1, 2]);
    await using short = await createTestKernel({ ...inMemory(), env: { MLMCP_CACHE_TTL: "2s" } });
    const tuned = short.adopt(new Tuned());
    expect([await tuned.load(), await tuned.load()]).toEqual([1, 1]);
    vi.advanceTimersByTime(2_000);
    expect(await tuned.load()).toBe(2);
  });

  it("publishes what happened and counts it for each operation", async () => {
    class Counted {
      @cached()
      async load(id: number): Promise<number> {
        return id;
      }
    }
    await using kernel = await createTestKernel(inMemory());
    const hits = collect("cache:hit");
    const misses = collect("cache:miss");
    const sets = collect("cache:set");
    const counted = kernel.adopt(new Counted());
    await Promise.all([counted.load(1), counted.load(1)]);
    await counted.load(1);
    await counted.load(2);
    expect(hits).toMatchObject([
      { tier: "flight", operation: "Counted.load" },
      { tier: "memory", kernel: kernel.id },
    ]);
    expect(misses).toMatchObject([{ operation: "Counted.load" }, { operation: "Counted.load" }]);
    expect(sets.length).toBe(2);
    const stats = await kernel.resolve(CacheManager).stats();
    expect(stats.operations["Counted.load"]).toMatchObject({
      hits: 2,
      misses: 2,
      hitRate: 0.5,
      hitsByTier: { memory: 1, store: 0, flight: 1 },
      sets: 2,
      errors: 0,
      entries: 2,
    });
    expect(stats).toMatchObject({
      hits: 2,
      misses: 2,
      entries: 2,
      store: undefined,
      memory: { entries: 2, maxEntries: 1000 },
    });
  });

  it("says through kernel.outcome() where a result came from", async () => {
    class Told {
      @cached()
      async load(): Promise<number> {
        return 1;
      }
    }
    await using kernel = await createTestKernel(inMemory());
    const told = kernel.adopt(new Told());
    expect(await kernel.outcome(() => told.load())).toMatchObject({ value: 1, cached: false });
    expect(await kernel.outcome(() => told.load())).toMatchObject({ value: 1, cached: true });
  });

  it("keeps no more entries in memory than it may, and drops the one that was used longest ago", async () => {
    class Many {
      ran: number[] = [];
      @cached()
      async load(id: number): Promise<number> {
        this.ran.push(id);
        return id;
      }
    }
    await using kernel = await createTestKernel({
      plugins: [cachePlugin],
      config: { cache: { store: "memory:", maxEntries: 2 } },
    });
    const many = kernel.adopt(new Many());
    for (const id of [1, 2, 1, 3, 1, 2]) await many.load(id);
    expect(many.ran).toEqual([1, 2, 3, 2]);
    expect((await kernel.resolve(CacheManager).stats()).memory).toMatchObject({ entries: 2, maxEntries: 2 });
  });

  it("serves functions that a kernel wraps", async () => {
    await using kernel = await createTestKernel(inMemory());
    let ran = 0;
    const square = kernel.wrap(
      async (side: number) => {
        ran++;
        return side ** 2;
      },
      { name: "square", cached: { ttl: "1m" } },
    );
    expect([await square(3), await square(3)]).toEqual([9, 9]);
    expect(ran).toBe(1);
  });

  it("keeps two kernels of one process apart", async () => {
    class Shared {
      ran = 0;
      @cached()
      async load(): Promise<number> {
        return ++this.ran;
      }
    }
    await using first = await createTestKernel(inMemory());
    await using second = await createTestKernel(inMemory());
    const one = first.adopt(new Shared());
    const other = second.adopt(new Shared());
    expect([await one.load(), await one.load(), await other.load(), await other.load()]).toEqual([
      1, 1, 1, 1,
    ]);
  });
});
