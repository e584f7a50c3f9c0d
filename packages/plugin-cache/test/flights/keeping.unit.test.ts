import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Outcome } from "../../src/engine/plan.js";
import { MemoryServer } from "../stores/memory-server.js";
import { pending, subject } from "../subject.js";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

const after = (ms: number): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);
const outcome = (promise: Promise<unknown>): Promise<unknown> => promise.catch((error: unknown) => error);
const never = (): never => {
  throw new Error("never");
};

class NotFoundError extends Error {
  override readonly name = "NotFoundError";
  constructor(readonly id: number) {
    super(`no user ${id}`);
  }
}

describe("errors", () => {
  const keepErrors = ({ ok }: Outcome) => (ok ? {} : { ttl: 500 });

  it("are not kept unless asked", async () => {
    const { call, trace } = await subject();
    await outcome(call("a", never));
    expect(await call("a", () => "fine")).toBe("fine");
    expect(trace).toEqual(["miss", "miss", "set memory"]);
  });

  it("that are kept are thrown again as hits, with their class and properties, as long as they are kept", async () => {
    const { call, trace } = await subject();
    const make = (): never => {
      throw new NotFoundError(5);
    };
    await outcome(call("a", make, { judge: keepErrors }));
    const again = await outcome(call("a", never));
    expect(again).toBeInstanceOf(NotFoundError);
    expect(again).toMatchObject({ name: "NotFoundError", message: "no user 5", id: 5 });
    await after(500);
    expect(await call("a", () => "found")).toBe("found");
    expect(trace).toEqual(["miss", "set memory", "hit memory", "miss", "set memory"]);
  });

  it("of standard classes are each thrower's own, and the same where the plan shares", async () => {
    const { call } = await subject();
    const error = Object.assign(new TypeError("bad"), { status: 422 });
    const make = (): never => {
      throw error;
    };
    const options = { judge: () => ({}) };
    expect(await outcome(call("own", make, options))).toBe(error);
    const [one, two] = [await outcome(call("own", never)), await outcome(call("own", never))];
    expect(one).toEqual(error);
    expect(one).toMatchObject({ status: 422 });
    expect(one).not.toBe(two);
    await outcome(call("shared", make, { ...options, isolate: false }));
    expect(await outcome(call("shared", never))).toBe(error);
  });

  it("are found in the store by another process", async () => {
    const server = new MemoryServer();
    const one = await subject({ store: server.connect() });
    await outcome(one.call("a", () => Promise.reject(new RangeError("too far")), { judge: () => ({}) }));
    await after(0);
    const two = await subject({ store: server.connect() });
    const error = await outcome(two.call("a", never));
    expect(error).toBeInstanceOf(RangeError);
    expect(two.trace).toEqual(["hit store"]);
  });

  it("run the method once for ten callers, all of whom get the error", async () => {
    const { call } = await subject();
    const make = vi.fn<() => never>(never);
    const errors = await Promise.all(Array.from({ length: 10 }, () => outcome(call("a", make))));
    expect(make).toHaveBeenCalledTimes(1);
    expect(new Set(errors).size).toBe(1);
  });

  it("do not take the place of stale data", async () => {
    const { call } = await subject();
    const options = { ttl: 1_000, grace: 10_000, judge: keepErrors };
    await call("a", () => "old", options);
    await after(1_000);
    expect(await call("a", never, options)).toBe("old");
    expect(await call("a", never, options)).toBe("old");
  });
});

describe("how long a value is kept", () => {
  it("may depend on the value, which may also be not kept at all", async () => {
    const { call } = await subject();
    const judge = (made: Outcome) => {
      if (!made.ok || made.value === "nothing") return undefined;
      return { ttl: (made.value as { ttl: number }).ttl };
    };
    await call("short", () => ({ ttl: 10 }), { judge });
    await call("none", () => ({ ttl: 0 }), { judge });
    await call("nothing", () => "nothing", { judge });
    expect(await call("short", never)).toEqual({ ttl: 10 });
    expect(await call("none", () => "again")).toBe("again");
    expect(await call("nothing", () => "again")).toBe("again");
    await after(10);
    expect(await call("short", () => "again")).toBe("again");
  });

  it("is shortened at random by at most the jitter", async () => {
    const { call, cache, key, owner } = await subject({ maxEntries: 1_000 });
    const options = { ttl: 1_000, ttlJitter: { share: 0.2 } };
    for (let index = 0; index < 100; index++) await call(`${index}`, () => index, options);
    const fresh = async (): Promise<number> => {
      const found = await Promise.all(
        Array.from({ length: 100 }, (_, index) => cache.find(key(`${index}`), owner)),
      );
      return found.filter((value) => typeof value === "number").length;
    };
    await after(799);
    expect(await fresh()).toBe(100);
    await after(100);
    const half = await fresh();
    expect(half).toBeGreaterThan(20);
    expect(half).toBeLessThan(80);
    await after(101);
    expect(await fresh()).toBe(0);
  });

  it("with a ttl of 0 is no time: calls share what is under way, nothing is locked or judged", async () => {
    const server = new MemoryServer();
    const { call, trace } = await subject({ store: server.connect() });
    server.commands.length = 0;
    const judge = vi.fn<() => object>(() => ({}));
    const { promise, land } = pending();
    const callers = [call("a", () => promise, { ttl: 0, judge }), call("a", never, { ttl: 0, judge })];
    land("A");
    expect(await Promise.all(callers)).toEqual(["A", "A"]);
    await after(0);
    expect(judge).not.toHaveBeenCalled();
    expect(server.commands).toEqual(["get", "versions *,op:A.b,any"]);
    expect(trace).toEqual(["miss", "hit flight"]);
  });

  it("is no time where what decides on it fails, which is told", async () => {
    const { call, trace } = await subject();
    const judge = (): never => {
      throw new Error("cannot tell");
    };
    expect(await call("a", () => "A", { judge })).toBe("A");
    expect(await call("a", () => "B")).toBe("B");
    expect(trace).toEqual(["miss", "failed when: Error: cannot tell", "miss", "set memory"]);
  });
});

describe("several keys", () => {
  it("are looked up in one reading, in their order", async () => {
    const server = new MemoryServer();
    const one = await subject({ store: server.connect() });
    const two = await subject({ store: server.connect() });
    for (const text of ["a", "b", "c"]) await one.call(text, () => text.toUpperCase());
    await after(0);
    await two.call("b", never);
    server.commands.length = 0;
    const texts = ["a", "b", "missing", "c"].map(two.key);
    expect(await two.cache.findMany(texts, two.owner)).toEqual(["A", "B", expect.any(Symbol), "C"]);
    expect(server.commands).toEqual(["getMany"]);
    expect(two.trace.slice(1)).toEqual(["hit store", "hit memory", "miss", "hit store"]);
    expect(await two.cache.findMany([two.key("c")], two.owner)).toEqual(["C"]);
    expect(server.commands).toEqual(["getMany"]);
  });

  it("that cannot be read are missing, and that is told", async () => {
    const server = new MemoryServer();
    const { cache, key, owner, trace } = await subject({ store: server.connect() });
    server.failing.add("getMany");
    expect(await cache.findMany([key("a")], owner)).toEqual([expect.any(Symbol)]);
    expect(trace).toEqual(["failed get: Error: getMany failed", "miss"]);
  });
});

describe("times that outlast everything", () => {
  it.each([Infinity, Number.MAX_VALUE, Number.MAX_SAFE_INTEGER])(
    "are a hundred years, in memory and in the store: %d",
    async (endless) => {
      const server = new MemoryServer();
      const { call, cache, key, owner } = await subject({ store: server.connect() });
      const century = 100 * 365.25 * 86_400_000;
      const times = { ttl: endless, grace: endless };
      await call("a", () => "A", { ...times, ttlJitter: { share: 0.1 }, refreshAfter: { share: 0.8 } });
      await call("b", () => "B", { judge: () => ({ ttl: endless }) });
      await cache.set(key("c"), "C", { owner, timing: times });
      await after(0);
      const expire = [...server.entries.values()].map(({ expires }) => expires);
      expect(expire.every((expires) => Number.isSafeInteger(expires))).toBe(true);
      expect(expire[0]).toBeGreaterThan(Date.now() + 1.89 * century);
      expect(expire.slice(1)).toEqual([Date.now() + century, Date.now() + 2 * century]);
      const other = await subject({ store: server.connect() });
      for (const one of [{ call }, other])
        expect([await one.call("a", never), await one.call("c", never)]).toEqual(["A", "C"]);
    },
  );
});

it("what a call has made is told from what is set by hand, also where the store has no locks", async () => {
  const server = new MemoryServer({ locks: false });
  const { call, cache, key, owner } = await subject({ store: server.connect() });
  await call("a", () => "A");
  await cache.set(key("b"), "B", { owner, timing: { ttl: 1_000 } });
  await after(0);
  expect(Array.from(server.entries.values(), ({ fence }) => fence)).toEqual([0, undefined]);
});
