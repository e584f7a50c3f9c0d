import { MessageChannel } from "node:worker_threads";
import { CircuitOpenError, OperationTimeoutError, ResourceExhaustedError } from "@mlmcp/core";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { isNews } from "../../../src/stores/guard/episode.js";
import { GuardedStore, type GuardOptions } from "../../../src/stores/guard/guarded-store.js";
import { RefusedError } from "../../../src/stores/refused-error.js";
import type { Store, StoredEntry } from "../../../src/stores/store.js";
import { MemoryServer } from "../memory-server.js";

const timeout = 250;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

function entry(text = "x", in_ = 600_000): StoredEntry {
  return { operation: "A.b", bytes: Buffer.from(text), expires: Date.now() + in_ };
}

const textOf = (found: StoredEntry | undefined) => found && Buffer.from(found.bytes).toString();

/** A guarded store, a server that obeys the test, and what was told of. */
function subject(options: Partial<GuardOptions> = {}, change: (store: Store) => Store = (store) => store) {
  const server = new MemoryServer();
  const errors: unknown[] = [];
  const outages: string[] = [];
  const store = new GuardedStore(change(server.connect()), {
    timeout,
    onError: (error) => errors.push(error),
    onFirstOutage: ({ message }) => outages.push(message),
    ...options,
  });
  return {
    server,
    store,
    errors,
    outages,
    /** What the server was asked since the last time. */
    asked: () => server.commands.splice(0),
    fail: (...commands: string[]) => commands.forEach((command) => server.failing.add(command)),
    heal: () => server.failing.clear(),
    async [Symbol.asyncDispose]() {
      await store.close();
    },
  };
}

/** Everything fails. */
const everyCommand = [
  "get",
  "getMany",
  "set",
  "delete",
  "clear",
  "versions",
  "setVersion",
  "ping",
  "acquire",
];

async function cutOff({ fail, store, asked }: ReturnType<typeof subject>): Promise<void> {
  fail(...everyCommand);
  for (let call = 0; call < 3; call++) await store.get("any").catch(() => undefined);
  expect(store.status.state).toBe("down");
  asked();
}

describe("a call", () => {
  it("is answered within its time or fails; what comes later is dropped", async () => {
    await using own = subject();
    own.server.latency = 1_000;
    const started = Date.now();
    const call = own.store.get("k").catch((error: unknown) => error);
    await vi.advanceTimersByTimeAsync(timeout + 1);
    expect(await call).toBeInstanceOf(OperationTimeoutError);
    expect(await call).toMatchObject({ code: "MLMCP_CACHE_STORE_TIMEOUT" });
    expect(Date.now() - started).toBe(timeout + 1);
    await vi.advanceTimersByTimeAsync(1_000);
    own.server.latency = 0;
    await own.store.ping();
    expect(own.asked()).toEqual(["get", "ping"]);
  });

  it("is waited for a tenth of its time after one that was waited for in vain, until an answer comes", async () => {
    await using own = subject();
    own.server.latency = 1_000;
    const started = Date.now();
    const waits = async (): Promise<number> => {
      await own.store.get("k").catch(() => undefined);
      return Date.now() - started;
    };
    const both = (async () => [await waits(), await waits()])();
    await vi.advanceTimersByTimeAsync(300);
    expect(await both).toEqual([timeout + 1, timeout + 1 + timeout / 10 + 1]);
    await vi.advanceTimersByTimeAsync(1_000);
    own.server.latency = timeout - 10;
    const answered = own.store.get("k");
    await vi.advanceTimersByTimeAsync(timeout);
    expect(await answered).toBeUndefined();
  });

  it("says how long it was waited for, and why", async () => {
    const never = new Promise<never>(() => undefined);
    await using own = subject({}, (store) => ({ ...store, get: () => never, count: () => never }));
    const failures: string[] = [];
    const failing = async (): Promise<void> => {
      for (const call of [() => own.store.get("k"), () => own.store.get("k"), () => own.store.count()])
        await call().catch((error: Error) => failures.push(error.message));
    };
    const failed = failing();
    await vi.advanceTimersByTimeAsync(31_000);
    await failed;
    expect(failures).toEqual([
      "memory-server has not answered a get within 250 ms (cache.storeTimeout).",
      "memory-server has not answered a get within 25 ms, a tenth of cache.storeTimeout (250 ms), since it had not answered the call before.",
      "memory-server has not answered a count within 30000 ms.",
    ]);
  });

  it("is not let through after three failures in a row, and costs nothing then", async () => {
    await using own = subject();
    own.fail("get");
    const failures: unknown[] = [];
    for (let call = 0; call < 5; call++)
      await own.store.get("k").catch((error: unknown) => failures.push(error));
    expect(own.asked()).toEqual(["get", "get", "get"]);
    expect(failures.map((error) => error instanceof CircuitOpenError)).toEqual([
      false,
      false,
      false,
      true,
      true,
    ]);
    expect(failures[4]).toMatchObject({
      code: "MLMCP_CACHE_STORE_DOWN",
      message: expect.stringContaining("get failed"),
    });
    expect(own.outages).toEqual(["memory-server does not answer: get failed"]);
  });

  it("that is answered begins the count anew", async () => {
    await using own = subject();
    for (let round = 0; round < 4; round++) {
      own.fail("get");
      await expect(own.store.get("k")).rejects.toThrow("get failed");
      await expect(own.store.get("k")).rejects.toThrow("get failed");
      own.heal();
      await own.store.get("k");
    }
    expect(own.store.status.state).toBe("up");
  });

  it("that the store refuses is no sign of an outage, and not tried again", async () => {
    const refuse = vi.fn<() => Promise<void>>(async () => {
      throw new RefusedError("too large");
    });
    await using own = subject({}, (store) => ({ ...store, set: refuse }));
    for (let call = 0; call < 5; call++)
      await expect(own.store.set("k", entry())).rejects.toThrow("too large");
    await vi.advanceTimersByTimeAsync(60_000);
    expect(refuse).toHaveBeenCalledTimes(5);
    expect(own.store.status).toEqual({ state: "up", waitingWrites: 0, lostWrites: 0 });
    expect(own.errors).toEqual([]);
  });

  it("is not taken for late where only this process was busy", async () => {
    vi.useRealTimers();
    // The answer comes at once, and is seen when the process looks for it.
    const answered = (): Promise<undefined> =>
      new Promise((resolve) => {
        const { port1, port2 } = new MessageChannel();
        port1.once("message", () => {
          port1.close();
          resolve(undefined);
        });
        port2.postMessage("");
      });
    const store = new GuardedStore(
      { ...new MemoryServer().connect(), get: answered },
      { timeout: 20, onError: () => undefined },
    );
    const call = store.get("k");
    const until = Date.now() + 60;
    while (Date.now() < until);
    expect(await call).toBeUndefined();
    await store.close();
    vi.useFakeTimers();
  });
});

describe("a store that is cut off", () => {
  it("is asked whether it is there again after a pause that doubles, up to half a minute", async () => {
    await using own = subject();
    await cutOff(own);
    const pings: number[] = [];
    const started = Date.now();
    for (let second = 0; second < 130; second += 0.5) {
      await vi.advanceTimersByTimeAsync(500);
      for (const _ of own.asked()) pings.push((Date.now() - started) / 1_000);
    }
    expect(pings).toEqual([0.5, 1.5, 3.5, 7.5, 15.5, 31.5, 61.5, 91.5, 121.5]);
    own.heal();
    await vi.advanceTimersByTimeAsync(30_000);
    expect(own.store.status.state).toBe("up");
    expect(own.outages).toHaveLength(1);
  });

  it("is told what it missed, in order, before it is asked anything", async () => {
    await using own = subject();
    await own.store.set("old", entry("old"));
    await cutOff(own);
    const missing = (work: Promise<unknown>) => expect(work).rejects.toThrow(CircuitOpenError);
    await missing(own.store.set("old", entry("new")));
    await missing(own.store.clear());
    await missing(own.store.set("k", entry("first")));
    await missing(own.store.setVersion("any", "1"));
    await missing(own.store.setVersion("tag:a", "1"));
    await missing(own.store.delete("gone"));
    await missing(own.store.set("k", entry("last")));
    await missing(own.store.setVersion("any", "2"));
    expect(own.store.status).toEqual({ state: "down", waitingWrites: 5, lostWrites: 0 });
    own.heal();
    own.server.latency = 10;
    await vi.advanceTimersByTimeAsync(505);
    const early = own.store.get("k").then(textOf);
    await missing(own.store.versions(["tag:b"]));
    await vi.advanceTimersByTimeAsync(200);
    expect(own.asked()).toEqual(["ping", "clear", "delete", "setVersion any", "setVersion tag:a", "set"]);
    expect(await early).toBe("last");
    expect([...own.server.tags]).toEqual([
      ["any", "2"],
      ["tag:a", "1"],
    ]);
    expect([...own.server.entries.keys()]).toEqual(["k"]);
    expect(own.store.status).toEqual({ state: "up", waitingWrites: 0, lostWrites: 0 });
  });

  it("is told of when it begins and when it ends, with what waited and what was lost", async () => {
    const told: unknown[] = [];
    await using own = subject({
      maxSets: 2,
      onDown: ({ message }, waiting) => told.push([message, waiting]),
      onUp: (outage) => told.push(outage),
    });
    own.fail("set");
    await own.store.set("before", entry()).catch(() => undefined);
    await cutOff(own);
    for (const key of ["a", "b", "c"]) await own.store.set(key, entry()).catch(() => undefined);
    await own.store.delete("d").catch(() => undefined);
    expect(told).toEqual([["memory-server does not answer: get failed", 1]]);
    await vi.advanceTimersByTimeAsync(600);
    own.heal();
    await vi.advanceTimersByTimeAsync(5_000);
    // Those that are lost leave a delete.
    expect(told.slice(1)).toEqual([{ ms: 1_500, written: 5, lost: 2 }]);
    expect(own.store.status).toEqual({ state: "up", waitingWrites: 0, lostWrites: 2 });
    // Of many that are lost together the first is news.
    expect(own.errors.map((error) => isNews("background", error))).toEqual([true, false]);
  });

  it("gives errors of which the first of each action is news, until it is answered again", async () => {
    await using own = subject();
    own.fail("get", "set");
    const failures = async (): Promise<boolean[]> => {
      const news: boolean[] = [];
      for (const [action, call] of [
        ["get", () => own.store.get("a")],
        ["get", () => own.store.get("b")],
        ["set", () => own.store.set("c", entry())],
        ["get", () => own.store.get("d")],
        ["delete", () => own.store.delete("e")],
      ] as const)
        await call().catch((error: unknown) => news.push(isNews(action, error)));
      return news;
    };
    expect(await failures()).toEqual([true, false, true, false, false]);
    expect(own.store.status.state).toBe("down");
    own.heal();
    await vi.advanceTimersByTimeAsync(500);
    own.fail("get", "set");
    expect(await failures()).toEqual([true, false, true, false, false]);
    own.heal();
    await vi.advanceTimersByTimeAsync(500);
  });

  it("goes on where some are still answered while others fail, for a second", async () => {
    await using own = subject();
    const news = async (): Promise<boolean> => {
      own.fail("get");
      const error = await own.store.get("a").catch((reason: unknown) => reason);
      own.heal();
      await own.store.get("a");
      return isNews("get", error);
    };
    expect(await news()).toBe(true);
    await vi.advanceTimersByTimeAsync(999);
    expect(await news()).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    await own.store.get("a");
    expect(await news()).toBe(true);
  });

  it("stays cut off as long as it does not take an invalidation", async () => {
    await using own = subject();
    await own.store.set("k", entry("outdated"));
    await cutOff(own);
    await own.store.delete("k").catch(() => undefined);
    own.heal();
    own.fail("delete");
    await vi.advanceTimersByTimeAsync(5_000);
    expect(own.store.status.state).toBe("down");
    expect(await own.store.get("k")).toBeUndefined();
    own.heal();
    await vi.advanceTimersByTimeAsync(30_000);
    expect(own.store.status).toEqual({ state: "up", waitingWrites: 0, lostWrites: 0 });
    expect(own.server.entries.size).toBe(0);
  });

  it("tells listeners that they may have missed changes, once it is there again", async () => {
    await using own = subject();
    const missed = vi.fn<() => void>();
    await own.store.changes!.subscribe({ changed: () => undefined, missed });
    await cutOff(own);
    expect(missed).not.toHaveBeenCalled();
    own.heal();
    await vi.advanceTimersByTimeAsync(500);
    expect(missed).toHaveBeenCalledTimes(1);
  });

  it("is listened to as soon as it is there, where that could not be before", async () => {
    await using own = subject();
    own.fail("subscribe", "ping");
    const changed = vi.fn<() => void>();
    const missed = vi.fn<() => void>();
    const end = await own.store.changes!.subscribe({ changed, missed });
    expect(own.store.status.state).toBe("down");
    own.heal();
    await vi.advanceTimersByTimeAsync(500);
    expect(missed).toHaveBeenCalledTimes(1);
    await own.server.connect().set("k", entry());
    expect(changed).toHaveBeenCalledTimes(1);
    await end();
    await own.server.connect().set("k", entry());
    expect(changed).toHaveBeenCalledTimes(1);
  });

  it("is listened to where listening took so long that it was tried once more meanwhile", async () => {
    await using own = subject({}, (store) => ({
      ...store,
      changes: {
        latency: 0,
        subscribe: async (listener) => {
          await new Promise((resolve) => setTimeout(resolve, 5 * timeout));
          return store.changes!.subscribe(listener);
        },
      },
    }));
    const changed = vi.fn<() => void>();
    const subscribing = own.store.changes!.subscribe({ changed, missed: () => undefined });
    await vi.advanceTimersByTimeAsync(60_000);
    const end = await subscribing;
    await own.server.connect().delete("k");
    expect(changed).toHaveBeenCalledOnce();
    await end();
    expect(own.server.listening).toBe(0);
  });

  it("is asked once more when it is closed, and given what waits where it answers", async () => {
    const own = subject();
    await own.store.set("k", entry("outdated"));
    await cutOff(own);
    await own.store.setVersion("tag:a", "1").catch(() => undefined);
    await own.store.delete("k").catch(() => undefined);
    for (let n = 0; n < 100; n++) await own.store.set(`k${n}`, entry()).catch(() => undefined);
    own.heal();
    // Slower than a call may be.
    own.server.latency = timeout + 100;
    const closing = own.store.close(10_000);
    await vi.advanceTimersByTimeAsync(7 * (timeout + 100));
    await closing;
    expect(own.server.entries.size).toBe(100);
    expect(own.server.tags.get("tag:a")).toBe("1");
    expect(own.errors).toEqual([]);
  });

  it("is not waited for longer than a second when it is closed and gives no answer", async () => {
    const own = subject();
    await cutOff(own);
    await own.store.delete("k").catch(() => undefined);
    own.server.latency = 60_000;
    const closing = own.store.close(10_000);
    await vi.advanceTimersByTimeAsync(1_001);
    await closing;
    expect(own.errors.map(String)).toEqual([expect.stringContaining("1 writes have not reached it")]);
    await vi.advanceTimersByTimeAsync(60_000);
  });

  it("has what it does not take, and what comes later, told to the one that takes its place", async () => {
    await using own = subject();
    await using next = subject();
    for (const key of ["before", "after", "stays"]) await next.store.set(key, entry());
    await cutOff(own);
    await own.store.delete("before").catch(() => undefined);
    await own.store.setVersion("tag:a", "1").catch(() => undefined);
    await own.store.set("entry", entry()).catch(() => undefined);
    own.store.passOn(next.store);
    await own.store.delete("after").catch(() => undefined);
    await own.store.setVersion("tag:b", "1").catch(() => undefined);
    await vi.advanceTimersByTimeAsync(1);
    expect([...next.server.entries.keys()]).toEqual(["stays"]);
    // What was made under a version since must not be valid once it is replayed.
    expect(next.server.tags).toEqual(
      new Map([
        ["tag:a", expect.not.stringMatching(/^1$/)],
        ["tag:b", expect.not.stringMatching(/^1$/)],
      ]),
    );
  });

  it("leaves what waits to the one that takes its place on the same database, in the order of the calls", async () => {
    const own = subject();
    const next = subject({}, () => own.server.connect());
    await own.store.set("k", entry("oldest"));
    await cutOff(own);
    for (const key of ["k", "deleted", "other"])
      await own.store.set(key, entry("old")).catch(() => undefined);
    await own.store.delete("made again").catch(() => undefined);
    own.heal();
    own.store.passOn(next.store, { samePlace: true });
    // Until it is used itself, both have what waits.
    expect(textOf(await own.store.get("k"))).toBe("old");
    expect(textOf(await next.store.get("k"))).toBe("old");
    await Promise.all([
      next.store.set("k", entry("new")),
      next.store.delete("deleted"),
      next.store.set("made again", entry("new")),
    ]);
    await own.store.close(10_000);
    await vi.advanceTimersByTimeAsync(30_000);
    expect(own.errors).toEqual([]);
    const found = await next.store.getMany(["k", "deleted", "made again", "other"]);
    expect(found.map(textOf)).toEqual(["new", undefined, "new", "old"]);
    await next.store.close();
  });

  it("has what is under way to it settled before newer writes of the one that takes its place there", async () => {
    const own = subject();
    const next = subject({}, () => own.server.connect());
    own.server.latency = 200;
    const old = own.store.set("k", entry("old"));
    await vi.advanceTimersByTimeAsync(100);
    own.store.passOn(next.store, { samePlace: true });
    own.server.latency = 10;
    const written = next.store.set("k", entry("new"));
    await vi.advanceTimersByTimeAsync(300);
    await Promise.all([old, written]);
    expect(own.asked()).toEqual(["set", "set"]);
    expect(textOf(own.server.entries.get("k"))).toBe("new");
    await own.store.close();
    await next.store.close();
  });

  it("is closed without waiting for it; what it has not taken is told", async () => {
    const own = subject();
    await cutOff(own);
    await own.store.set("k", entry()).catch(() => undefined);
    await own.store.close();
    expect(own.errors.map(String)).toEqual([
      "Error: memory-server is closed, and 1 writes have not reached it",
    ]);
  });
});

describe("a write that fails", () => {
  it("is tried again in the background, and until then is what a read finds", async () => {
    await using own = subject();
    own.fail("set");
    await expect(own.store.set("k", entry("kept"))).rejects.toThrow("set failed");
    expect(textOf(await own.store.get("k"))).toBe("kept");
    expect((await own.store.getMany(["a", "k", "b"])).map(textOf)).toEqual([undefined, "kept", undefined]);
    expect(own.store.status).toEqual({ state: "up", waitingWrites: 1, lostWrites: 0 });
    own.heal();
    own.asked();
    await vi.advanceTimersByTimeAsync(100);
    expect(own.asked()).toEqual(["set"]);
    expect(own.store.status.waitingWrites).toBe(0);
  });

  it("is given up after five attempts where it is an entry, and that is told", async () => {
    await using own = subject();
    own.fail("set");
    await expect(own.store.set("k", entry())).rejects.toThrow("set failed");
    const begun = own.asked().length;
    // Reads in between, or the store would be cut off.
    for (let second = 0; second < 120; second++) {
      await own.store.get("other").catch(() => undefined);
      await vi.advanceTimersByTimeAsync(50);
    }
    expect(begun + own.asked().filter((command) => command === "set").length).toBe(5);
    expect(own.errors.map(String)).toEqual(["Error: set failed"]);
    expect(own.store.status.waitingWrites).toBe(0);
  });

  it("that is given up leaves nothing older in the store, which others are told, unless a call has made it", async () => {
    await using own = subject({ maxSets: 1 });
    const heard: unknown[] = [];
    const keys = ["tried", "too many", "latest", "made"];
    for (const key of keys) await own.store.set(key, entry("old"));
    await own.server
      .connect()
      .changes!.subscribe({ changed: (change) => heard.push(change), missed: () => undefined });
    const { fence } = (await own.store.locks!.acquire("made", 600_000)).lock!;
    own.fail("set");
    await own.store.set("tried", entry("new")).catch(() => undefined);
    const failing = async (): Promise<void> => {
      for (let round = 0; round < 120; round++) {
        await own.store.get("other").catch(() => undefined);
        await vi.advanceTimersByTimeAsync(50);
      }
    };
    await failing();
    expect(own.store.status.lostWrites).toBe(1);
    await own.store.set("made", { ...entry("new"), fence }).catch(() => undefined);
    await failing();
    expect(own.store.status.lostWrites).toBe(2);
    await cutOff(own);
    await own.store.set("too many", entry("new")).catch(() => undefined);
    await own.store.set("latest", entry("new")).catch(() => undefined);
    expect(own.store.status.lostWrites).toBe(3);
    own.heal();
    await vi.advanceTimersByTimeAsync(30_000);
    const found = await own.store.getMany(keys);
    expect(found.map(textOf)).toEqual([undefined, undefined, "new", "old"]);
    expect(heard).toEqual(["tried", "too many", "latest"].map((key) => ({ kind: "key", key })));
    expect(own.store.status.waitingWrites).toBe(0);
  });

  it("that is refused when it is tried again leaves nothing older in the store", async () => {
    const failures: Error[] = [new Error("not now"), new RefusedError("too large")];
    await using own = subject({}, (store) => ({
      ...store,
      set: async (key, value) => {
        if (textOf(value) === "new") throw failures.shift()!;
        await store.set(key, value);
      },
    }));
    await own.store.set("k", entry("old"));
    await expect(own.store.set("k", entry("new"))).rejects.toThrow("not now");
    await vi.advanceTimersByTimeAsync(1_000);
    expect(failures).toEqual([]);
    expect(own.server.entries.size).toBe(0);
  });

  it("makes a read miss where it is a delete or a clear, and is tried until it succeeds", async () => {
    await using own = subject();
    await own.store.set("k", entry());
    own.fail("delete");
    await expect(own.store.delete("k")).rejects.toThrow("delete failed");
    own.asked();
    expect(await own.store.get("k")).toBeUndefined();
    expect(own.asked()).toEqual([]);
    own.fail("clear");
    await own.store.set("other", entry());
    await expect(own.store.clear()).rejects.toThrow("clear failed");
    expect(await own.store.get("other")).toBeUndefined();
    own.heal();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(own.server.entries.size).toBe(0);
    expect(own.store.status.waitingWrites).toBe(0);
  });

  it("is told to others once it is there, where it is an invalidation", async () => {
    await using own = subject();
    const heard: unknown[] = [];
    await own.server
      .connect()
      .changes!.subscribe({ changed: (change) => heard.push(change), missed: () => undefined });
    own.fail("setVersion");
    await expect(own.store.setVersion("tag:a", "v1")).rejects.toThrow("setVersion");
    expect(await own.store.versions(["tag:a"])).toEqual(["v1"]);
    expect(heard).toEqual([]);
    own.heal();
    await vi.advanceTimersByTimeAsync(100);
    expect(heard).toMatchObject([{ kind: "version", name: "tag:a", version: "v1" }]);
    own.fail("set");
    await own.store.set("k", entry()).catch(() => undefined);
    expect(heard).toHaveLength(1);
    own.heal();
    await vi.advanceTimersByTimeAsync(200);
    expect(heard[1]).toEqual({ kind: "key", key: "k" });
  });

  it("is tried again where it neither succeeds nor fails, within half a minute", async () => {
    const lost = new Promise<never>(() => undefined);
    const results = [lost];
    await using own = subject({}, (store) => ({
      ...store,
      set: (key, value) => results.shift() ?? store.set(key, value),
    }));
    const first = own.store.set("k", entry()).catch((error: unknown) => error);
    await vi.advanceTimersByTimeAsync(timeout + 1);
    expect(await first).toBeInstanceOf(OperationTimeoutError);
    expect(own.store.status.waitingWrites).toBe(1);
    await vi.advanceTimersByTimeAsync(31_000);
    expect(own.server.entries.has("k")).toBe(true);
    expect(own.store.status.waitingWrites).toBe(0);
  });

  it("is replaced by a newer one of the same key, also where it is under way", async () => {
    await using own = subject();
    own.server.latency = 50;
    const writes = ["first", "second", "third"].map((text) => own.store.set("k", entry(text)));
    const deleted = own.store.delete("other");
    await vi.advanceTimersByTimeAsync(200);
    await Promise.all([...writes, deleted]);
    expect(own.asked()).toEqual(["set", "delete", "set"]);
    expect(textOf(own.server.entries.get("k"))).toBe("third");
  });
});

describe("what waits", () => {
  it("is bounded in entries: the oldest goes, and that is told", async () => {
    await using own = subject({ maxSets: 2 });
    await cutOff(own);
    for (const key of ["a", "b", "c"]) await own.store.set(key, entry(key)).catch(() => undefined);
    expect(own.errors).toEqual([expect.any(ResourceExhaustedError)]);
    expect(own.errors[0]).toMatchObject({ code: "MLMCP_CACHE_BACKLOG" });
    own.heal();
    await vi.advanceTimersByTimeAsync(500);
    expect([...own.server.entries.keys()]).toEqual(["b", "c"]);
  });

  it("is bounded in bytes, also for a single entry", async () => {
    await using own = subject({ maxBytes: 10 });
    await cutOff(own);
    for (const text of ["1234", "5678", "90"]) await own.store.set(text, entry(text)).catch(() => undefined);
    expect(own.errors).toEqual([]);
    await own.store.set("one more", entry("1")).catch(() => undefined);
    await own.store.set("too large", entry("12345678901")).catch(() => undefined);
    expect(own.errors).toHaveLength(5);
    own.heal();
    await vi.advanceTimersByTimeAsync(500);
    expect(own.server.entries.size).toBe(0);
    expect(own.store.status).toEqual({ state: "up", waitingWrites: 0, lostWrites: 5 });
  });

  it("is bounded in bytes beside what is under way, which never makes the newest go", async () => {
    await using own = subject({ maxBytes: 10 });
    own.server.latency = 100;
    const writes = ["a", "b", "c", "d", "e", "f"].map((key) => own.store.set(key, entry("1234")));
    const answers = Promise.allSettled(writes);
    await vi.advanceTimersByTimeAsync(200);
    expect([...own.server.entries.keys()]).toEqual(["a", "b", "c", "e", "f"]);
    expect((await answers).filter(({ status }) => status === "rejected")).toHaveLength(1);
    expect(own.store.status).toEqual({ state: "up", waitingWrites: 0, lostWrites: 1 });
  });

  it.each<[string, (store: Store, n: number) => Promise<unknown>]>([
    ["keys", (store, n) => store.delete(`k${n}`)],
    ["tags", (store, n) => store.setVersion(`tag:${n}`, "v")],
  ])(
    "never loses an invalidation: too many %s become everything, which others are told",
    async (_, invalidate) => {
      await using own = subject({ maxInvalidations: 3 });
      const heard: string[] = [];
      await own.server.connect().changes!.subscribe({
        changed: (change) => heard.push(change.kind === "key" ? change.key : change.name),
        missed: () => undefined,
      });
      await own.store.set("kept by nobody", entry());
      await cutOff(own);
      for (let n = 0; n < 6; n++) await invalidate(own.store, n).catch(() => undefined);
      own.heal();
      await vi.advanceTimersByTimeAsync(500);
      expect([...own.server.tags.keys()]).toContain("*");
      expect(heard).toContain("*");
      expect(own.store.status).toEqual({ state: "up", waitingWrites: 0, lostWrites: 0 });
    },
  );

  it("goes to the store in bounded numbers at a time", async () => {
    let [running, most] = [0, 0];
    await using own = subject({}, (store) => ({
      ...store,
      async set(key, value) {
        most = Math.max(most, ++running);
        await store.set(key, value);
        running--;
      },
    }));
    own.server.latency = 10;
    const writes = Array.from({ length: 1_000 }, (_, key) => own.store.set(`k${key}`, entry()));
    await vi.advanceTimersByTimeAsync(100);
    await Promise.all(writes);
    expect(most).toBe(256);
    expect(own.server.entries.size).toBe(1_000);
  });

  it("is written before the store is closed as long as the store takes writes, within the time there is", async () => {
    const write = (own: ReturnType<typeof subject>): Promise<unknown> =>
      Promise.allSettled(Array.from({ length: 600 }, (_, key) => own.store.set(`k${key}`, entry())));
    const own = subject();
    own.server.latency = 600;
    const writing = write(own);
    const closing = own.store.close(10_000);
    await vi.advanceTimersByTimeAsync(3 * 600 + 1);
    await closing;
    expect(own.server.entries.size).toBe(600);
    expect(own.errors).toEqual([]);
    await writing;

    const hurried = subject();
    hurried.server.latency = 600;
    const abandoned = write(hurried);
    const ending = hurried.store.close(1_500);
    await vi.advanceTimersByTimeAsync(1_501);
    await ending;
    expect(hurried.errors.map(String)).toEqual([
      "Error: memory-server is closed, and 88 writes have not reached it",
    ]);
    await abandoned;
    // What was under way comes to its end.
    await vi.advanceTimersByTimeAsync(600);
  });

  it("is given up when the store is closed and has taken nothing for a second", async () => {
    const own = subject();
    own.server.latency = 600;
    const writing = own.store.set("k", entry()).catch(() => undefined);
    const closing = own.store.close();
    await vi.advanceTimersByTimeAsync(601);
    await closing;
    expect(own.server.entries.has("k")).toBe(true);
    await writing;

    const never = new Promise<never>(() => undefined);
    const hung = subject({}, (store) => ({ ...store, set: () => never }));
    const write = hung.store.set("k", entry()).catch((error: unknown) => error);
    const ending = hung.store.close();
    await vi.advanceTimersByTimeAsync(1_001);
    await ending;
    expect(hung.errors.map(String)).toEqual([expect.stringContaining("1 writes have not reached it")]);
    expect(await write).toBeInstanceOf(OperationTimeoutError);
  });
});

describe("what others change", () => {
  const listening = () => ({ changed: vi.fn<() => void>(), missed: vi.fn<() => void>(), listening: vi.fn() });

  it("is told to be told no more at once, and after five seconds to who operates, once each time", async () => {
    const deaf: unknown[] = [];
    await using own = subject({ onDeaf: (reason) => deaf.push(reason) });
    const listener = listening();
    await own.store.changes!.subscribe(listener);
    own.server.deafen("first");
    own.server.deafen("latest");
    expect(listener.listening.mock.calls).toEqual([[false, "first"]]);
    await vi.advanceTimersByTimeAsync(4_999);
    expect(deaf).toEqual([]);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(deaf).toEqual(["latest"]);
    own.server.hear();
    expect(listener.listening.mock.lastCall).toEqual([true, undefined]);
    own.server.deafen("again");
    await vi.advanceTimersByTimeAsync(1_000);
    own.server.hear();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(deaf).toEqual(["latest"]);
    expect(own.store.status.state).toBe("up");
  });

  it("is not told to who operates in an outage, of which there is another word, also where nobody asks for anything", async () => {
    const deaf: unknown[] = [];
    await using own = subject({ onDeaf: (reason) => deaf.push(reason) });
    await own.store.changes!.subscribe(listening());
    own.fail(...everyCommand);
    own.server.deafen("gone");
    await vi.advanceTimersByTimeAsync(60_000);
    expect(deaf).toEqual([]);
    expect(own.store.status.state).toBe("down");
    own.server.hear();
    own.heal();
    await vi.advanceTimersByTimeAsync(30_000);
    expect(deaf).toEqual([]);
  });

  it("cannot be listened to where the store answers: it is used all the same, and listening is tried on", async () => {
    const deaf: unknown[] = [];
    await using own = subject({ onDeaf: (reason) => deaf.push(reason) });
    own.fail("subscribe");
    const listener = listening();
    await own.store.changes!.subscribe(listener);
    expect(own.store.status.state).toBe("down");
    await vi.advanceTimersByTimeAsync(500);
    expect(own.store.status.state).toBe("up");
    expect(listener.listening.mock.calls).toEqual([[false, expect.any(Error)]]);
    await vi.advanceTimersByTimeAsync(20_000);
    expect(deaf.map(String)).toEqual(["Error: subscribe failed"]);
    expect(await own.store.get("k")).toBeUndefined();
    own.heal();
    await vi.advanceTimersByTimeAsync(5_000);
    expect(listener.listening.mock.lastCall).toEqual([true, undefined]);
    await own.server.connect().set("k", entry());
    expect(listener.changed).toHaveBeenCalledOnce();
  });
});

describe("a lock", () => {
  it("that comes too late is given back", async () => {
    await using own = subject();
    own.server.latency = 300;
    const taking = own.store.locks!.acquire("k", 60_000).catch((error: unknown) => error);
    await vi.advanceTimersByTimeAsync(timeout + 1);
    expect(await taking).toBeInstanceOf(OperationTimeoutError);
    own.server.latency = 0;
    await vi.advanceTimersByTimeAsync(350);
    expect(own.server.locked).toBe(0);
  });

  it("is had, kept and given back as the store's own", async () => {
    await using own = subject();
    const lock = (await own.store.locks!.acquire("k", 60_000)).lock!;
    expect((await own.store.locks!.acquire("k", 60_000)).lock).toBeUndefined();
    expect(await lock.extend(60_000)).toBe(true);
    await lock.release();
    const next = (await own.store.locks!.acquire("k", 60_000)).lock!;
    expect(next.fence).toBeGreaterThan(lock.fence);
  });

  it("is not given back where the store has taken what was made under it, and is where a clear came before that", async () => {
    await using own = subject();
    const first = (await own.store.locks!.acquire("k", 60_000)).lock!;
    await own.store.set("k", { ...entry(), fence: first.fence });
    expect(own.server.locked).toBe(0);
    await first.release();
    expect(own.asked()).toEqual(["acquire", "set"]);
    const second = (await own.store.locks!.acquire("k", 60_000)).lock!;
    await cutOff(own);
    await own.store.set("k", { ...entry(), fence: second.fence }).catch(() => undefined);
    await own.store.clear().catch(() => undefined);
    own.heal();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(own.store.status).toEqual({ state: "up", waitingWrites: 0, lostWrites: 0 });
    expect(own.server.locked).toBe(1);
    await second.release();
    expect(own.server.locked).toBe(0);
  });

  it("comes with the entry that there is, also with one that the store has not taken yet", async () => {
    await using own = subject();
    await own.store.set("k", entry("taken"));
    expect(textOf((await own.store.locks!.acquire("k", 60_000)).entry)).toBe("taken");
    own.fail("set");
    await own.store.set("k", entry("waiting")).catch(() => undefined);
    const { lock, entry: found } = await own.store.locks!.acquire("k", 60_000);
    expect([lock, textOf(found)]).toEqual([undefined, "waiting"]);
    own.heal();
    await vi.advanceTimersByTimeAsync(1_000);
  });

  it("is given back when the store is closed, and then not once more", async () => {
    const own = subject();
    const lock = (await own.store.locks!.acquire("k", 60_000)).lock!;
    await own.store.close();
    expect(own.server.locked).toBe(0);
    const other = (await own.server.connect().locks!.acquire("k", 60_000)).lock!;
    await lock.release();
    expect(own.server.locked).toBe(1);
    await other.release();
  });
});
