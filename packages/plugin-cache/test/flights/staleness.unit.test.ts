import { OperationTimeoutError } from "@mlmcp/core";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { unchanged, type Previous } from "../../src/engine/plan.js";
import { MemoryServer } from "../stores/memory-server.js";
import { pending, subject } from "../subject.js";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

const after = (ms: number): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);
const fail = (message: string) => (): never => {
  throw new Error(message);
};
const outcome = (promise: Promise<unknown>): Promise<unknown> => promise.catch((error: unknown) => error);

/** A cache that has the value `old` of the key `a`, past its ttl and within its grace. */
async function stale() {
  const one = await subject();
  await one.call("a", () => "old", { ttl: 1_000, grace: 10_000 });
  await after(1_500);
  one.trace.length = 0;
  return one;
}

describe("stale data within its grace period", () => {
  it("is given where making fresh data fails, and the next caller tries again", async () => {
    const { call, trace } = await stale();
    const options = { ttl: 1_000, grace: 10_000 };
    expect(await call("a", fail("down"), options)).toBe("old");
    expect(await call("a", () => "new", options)).toBe("new");
    expect(await call("a", fail("never"), options)).toBe("new");
    expect(trace).toEqual(["miss", "stale error", "miss", "set memory", "hit memory"]);
  });

  it("is given to all who wait for what fails, which runs once", async () => {
    const { call, trace } = await stale();
    let ran = 0;
    const failing = async (): Promise<never> => {
      ran++;
      await new Promise((resolve) => setTimeout(resolve, 50));
      throw new Error("down");
    };
    const callers = Array.from({ length: 10 }, () => call("a", failing));
    await after(50);
    expect(await Promise.all(callers)).toEqual(Array.from({ length: 10 }, () => "old"));
    expect([ran, trace.filter((line) => line === "stale error").length]).toEqual([1, 10]);
  });

  it("is no longer given when the grace is over", async () => {
    const { call } = await stale();
    await after(9_499);
    expect(await call("a", fail("down"))).toBe("old");
    await after(1);
    await expect(call("a", fail("down"))).rejects.toThrow("down");
  });

  it("is a copy of each taker's own", async () => {
    const { call } = await subject();
    const options = { ttl: 1_000, grace: 10_000 };
    await call("a", () => ({ n: 1 }), options);
    await after(1_000);
    ((await call("a", fail("down"), options)) as { n: number }).n = 2;
    expect(await call("a", fail("down"), options)).toEqual({ n: 1 });
  });

  it("is given where the method takes longer than softTimeout; what it makes is kept all the same", async () => {
    const { call, trace } = await stale();
    const { promise, land } = pending();
    const waiting = call("a", () => promise, { softTimeout: 100 }).then((value) =>
      trace.push(`got ${String(value)}`),
    );
    await after(99);
    expect(trace).toEqual(["miss"]);
    await after(1);
    await waiting;
    await after(400);
    land("new");
    await after(0);
    expect(await call("a", fail("never"))).toBe("new");
    expect(trace).toEqual(["miss", "stale slow", "got old", "set memory", "refreshed", "hit memory"]);
  });

  it("is given to who joins what is slow, after a softTimeout of their own", async () => {
    const { call, trace } = await stale();
    const { promise, land } = pending();
    const slow = (): Promise<unknown> => promise;
    const say = (name: string) => (value: unknown) => void trace.push(`${name} got ${String(value)}`);
    const callers = [call("a", slow, { softTimeout: 100 }).then(say("first"))];
    await after(60);
    callers.push(
      call("a", slow, { softTimeout: 100 }).then(say("second")),
      call("a", slow).then(say("third")),
    );
    await after(40);
    await after(60);
    land("new");
    await Promise.all(callers);
    expect(trace).toEqual([
      "miss",
      "stale slow",
      "first got old",
      "stale slow",
      "second got old",
      "set memory",
      "refreshed",
      "hit flight",
      "third got new",
    ]);
  });

  it("says of what fails after softTimeout that it did, and no rejection goes unhandled", async () => {
    const { call, trace } = await stale();
    const { promise, crash } = pending();
    const waiting = call("a", () => promise, { softTimeout: 100 });
    await after(100);
    expect(await waiting).toBe("old");
    crash(new Error("down"));
    await after(0);
    expect(trace).toEqual(["miss", "stale slow", "not refreshed: Error: down"]);
  });

  it("without it softTimeout changes nothing, and hardTimeout ends the waiting, not the work", async () => {
    const { call, trace } = await subject();
    const { promise, land } = pending();
    const waiting = outcome(call("a", () => promise, { softTimeout: 100, hardTimeout: 300 }));
    await after(300);
    const error = await waiting;
    expect(error).toBeInstanceOf(OperationTimeoutError);
    expect(error).toMatchObject({
      code: "MLMCP_TIMEOUT",
      message:
        "A.b did not answer within 300 ms, the hardTimeout of @cached; it goes on, and its result is kept.",
      context: { operation: "A.b", reason: "hard", timeoutMs: 300 },
    });
    land("late");
    await after(0);
    expect(await call("a", fail("never"))).toBe("late");
    expect(trace).toEqual(["miss", "set memory", "refreshed", "hit memory"]);
  });

  it("is given at hardTimeout where there is no softTimeout", async () => {
    const { call, trace } = await stale();
    const { promise, land } = pending();
    const waiting = call("a", () => promise, { hardTimeout: 300 });
    await after(300);
    expect(await waiting).toBe("old");
    land("new");
    await after(0);
    expect(trace).toEqual(["miss", "stale slow", "set memory", "refreshed"]);
  });

  it("is given just before the caller's deadline strikes, and the work goes on", async () => {
    const { call, trace } = await stale();
    const controller = new AbortController();
    const deadline = Date.now() + 200;
    setTimeout(() => controller.abort(new Error("the deadline")), 200);
    const { promise, land } = pending();
    const waiting = call("a", () => promise, { grace: 10_000 }, { signal: controller.signal, deadline }).then(
      (value) => {
        trace.push(`got ${String(value)} ${deadline - Date.now()} ms before`);
      },
    );
    await after(200);
    await waiting;
    land("new");
    await after(0);
    expect(await call("a", fail("never"))).toBe("new");
    expect(trace).toEqual([
      "miss",
      "stale deadline",
      "got old 10 ms before",
      "set memory",
      "refreshed",
      "hit memory",
    ]);
  });

  it("without it the deadline ends the call as ever, and the work with it", async () => {
    const { call, trace } = await subject();
    const controller = new AbortController();
    const deadline = Date.now() + 200;
    setTimeout(() => controller.abort("the deadline"), 200);
    const { promise, crash } = pending();
    const waiting = outcome(
      call("a", () => promise, { grace: 10_000 }, { signal: controller.signal, deadline }),
    );
    await after(200);
    expect(await waiting).toBe("the deadline");
    crash("aborted");
    await after(0);
    expect(trace).toEqual(["miss", "abandoned: the deadline"]);
  });

  it("is not given to a caller who gives up", async () => {
    const { call } = await stale();
    const controller = new AbortController();
    const { promise, crash } = pending();
    const waiting = outcome(call("a", () => promise, {}, { signal: controller.signal }));
    controller.abort("had enough");
    crash("aborted");
    expect(await waiting).toBe("had enough");
  });

  it("is found in the store, also by a process that never had it, while the method is slow", async () => {
    const server = new MemoryServer({ latency: 5 });
    const first = subject({ store: server.connect() });
    await after(10);
    const warm = (await first).call("a", () => "old", { ttl: 1_000, grace: 10_000 });
    await after(1_500);
    await warm;
    const second = subject({ store: server.connect() });
    await after(10);
    const { call, trace } = await second;
    const { promise, land } = pending();
    const waiting = call("a", () => promise, { softTimeout: 100, grace: 10_000 });
    await after(100);
    expect(await waiting).toBe("old");
    land("new");
    await after(100);
    expect(trace).toEqual(["miss", "stale slow", "set memory", "refreshed", "set store"]);
  });

  it("is looked for on demand, fresh or stale, but not once it is outdated or an error", async () => {
    const { cache, call, key, owner, trace } = await stale();
    expect(await cache.lookStale(key("a"), owner)).toEqual({ value: "old" });
    expect(await cache.lookStale(key("b"), owner)).toBeUndefined();
    await call("tagged", () => "t", { tags: ["x"], ttl: 1, grace: 10_000 });
    await after(2);
    expect(await cache.lookStale(key("tagged"), owner)).toEqual({ value: "t" });
    await cache.invalidateTags(["x"], owner);
    expect(await cache.lookStale(key("tagged"), owner)).toBeUndefined();
    await outcome(call("failed", fail("down"), { judge: () => ({}) }));
    expect(await cache.lookStale(key("failed"), owner)).toBeUndefined();
    expect(trace.filter((line) => line.startsWith("stale"))).toEqual(["stale fallback", "stale fallback"]);
  });
});

describe("a refresh ahead of time", () => {
  const options = { ttl: 10_000, refreshAfter: { share: 0.5 } };

  it("begins with the first hit past its age, once for all, and hits go on meanwhile", async () => {
    const { call, trace } = await subject();
    await call("a", () => "old", options);
    await after(4_999);
    await call("a", fail("never"), options);
    await after(1);
    const { promise, land } = pending();
    const values = [await call("a", () => promise, options), await call("a", fail("never"), options)];
    await after(100);
    values.push(await call("a", fail("never"), options));
    expect(values).toEqual(["old", "old", "old"]);
    land("new");
    await after(0);
    expect(await call("a", fail("never"), options)).toBe("new");
    expect(trace).toEqual([
      "miss",
      "set memory",
      ...Array.from({ length: 4 }, () => "hit memory"),
      "set memory",
      "refreshed",
      "hit memory",
    ]);
  });

  it("that fails is told, and tried again after a second at the earliest", async () => {
    const { call, trace } = await subject();
    await call("a", () => "old", { ttl: 10_000, refreshAfter: { ms: 2_000 } });
    await after(2_000);
    let tried = 0;
    const failing = (): never => {
      tried++;
      throw new Error("down");
    };
    for (let calls = 0; calls < 25; calls++) {
      expect(await call("a", failing, { refreshAfter: { ms: 2_000 } })).toBe("old");
      await after(100);
    }
    expect(tried).toBe(3);
    expect(trace).toContain("not refreshed: Error: down");
    expect(trace.filter((line) => line.startsWith("stale"))).toEqual([]);
  });

  it("is joined by who finds nothing fresh before it ends", async () => {
    const { call, trace } = await subject();
    await call("a", () => "old", { ttl: 1_000, refreshAfter: { share: 0.9 } });
    await after(900);
    const { promise, land } = pending();
    await call("a", () => promise, { refreshAfter: { share: 0.9 } });
    await after(200);
    const waiting = call("a", fail("never"));
    land("new");
    expect(await waiting).toBe("new");
    expect(trace).toEqual(["miss", "set memory", "hit memory", "set memory", "refreshed", "hit flight"]);
  });

  it("takes what another process has made meanwhile, or leaves it to the one that is at it", async () => {
    const server = new MemoryServer();
    const trace: string[] = [];
    const [one, two] = [
      await subject({ store: server.connect(), name: "1", trace }),
      await subject({ store: server.connect(), name: "2", trace }),
    ];
    await one.call("a", () => "old", options);
    await after(0);
    await two.call("a", fail("never"), options);
    await after(5_000);
    const { promise, land } = pending();
    expect(await one.call("a", () => promise, options)).toBe("old");
    await after(0);
    expect(await two.call("a", fail("never"), options)).toBe("old");
    await after(0);
    land("new");
    await after(1_000);
    expect(await two.call("a", fail("never"), options)).toBe("old");
    await after(0);
    expect(await two.call("a", fail("never"), options)).toBe("new");
    expect(trace.slice(3)).toEqual([
      "2 hit store",
      "1 hit memory",
      "2 hit memory",
      "1 set memory",
      "1 set store",
      "1 refreshed",
      "2 hit memory",
      "2 refreshed",
      "2 hit memory",
    ]);
    expect(server.locked).toBe(0);
  });

  it("is abandoned when all is", async () => {
    const { cache, call, trace } = await subject();
    await call("a", () => "old", options);
    await after(5_000);
    const { promise, crash } = pending();
    await call("a", () => promise, options);
    const ended = cache.abandonAll("the end").then(() => trace.push("ended"));
    crash(new Error("aborted"));
    await ended;
    expect(trace.slice(3)).toEqual(["abandoned: the end", "not refreshed: Error: aborted", "ended"]);
  });
});

describe("a conditional refresh", () => {
  it("is given the old value, its age and its etag, and keeps it where it is unchanged", async () => {
    const { call, trace } = await subject();
    const seen: Previous[] = [];
    const judge = () => ({ etag: `v${seen.length}` });
    const make = (previous?: Previous): unknown => {
      if (!previous) return { n: 1 };
      seen.push({ value: previous.value, age: previous.age, etag: previous.etag, stale: previous.stale });
      return unchanged;
    };
    const options = { ttl: 1_000, grace: 5_000, judge };
    await call("a", make, options);
    await after(1_500);
    const kept = (await call("a", make, options)) as { n: number };
    expect(kept).toEqual({ n: 1 });
    kept.n = 2;
    await after(999);
    expect(await call("a", fail("never"), options)).toEqual({ n: 1 });
    await after(1);
    await call("a", make, options);
    expect(seen).toEqual([
      { value: { n: 1 }, age: 1_500, etag: "v0", stale: true },
      { value: { n: 1 }, age: 1_000, etag: "v1", stale: true },
    ]);
    expect(trace).toEqual(["miss", "set memory", "miss", "set memory", "hit memory", "miss", "set memory"]);
  });

  it("ahead of time is told that the value is not stale", async () => {
    const { call } = await subject();
    const options = { ttl: 1_000, refreshAfter: { ms: 100 } };
    await call("a", () => "old", options);
    await after(100);
    const make = vi.fn<(previous?: Previous) => unknown>(() => unchanged);
    await call("a", make, options);
    expect(make.mock.calls[0]![0]).toMatchObject({ value: "old", stale: false });
  });

  it("that changes the copy that it was given changes nobody's", async () => {
    const { call } = await subject();
    await call("a", () => ({ n: 1 }), { ttl: 1_000, grace: 5_000 });
    await after(1_500);
    const meddle = (previous?: Previous): unknown => {
      (previous!.value as { n: number }).n = 9;
      return unchanged;
    };
    expect(await call("a", meddle)).toEqual({ n: 1 });
  });

  it("is refused where no value was given, and says so", async () => {
    const { call } = await subject();
    await expect(call("a", () => unchanged)).rejects.toMatchObject({ code: "MLMCP_CACHE_UNCHANGED" });
  });

  it("is not given what was invalidated", async () => {
    const { cache, call, owner } = await subject();
    const options = { ttl: 1_000, grace: 5_000, tags: ["x"] };
    await call("a", () => "old", options);
    await cache.invalidateTags(["x"], owner);
    const make = vi.fn<(previous?: Previous) => unknown>(() => "new");
    await call("a", make, options);
    expect(make.mock.calls).toEqual([[undefined]]);
  });
});
