import { stat } from "node:fs/promises";
import { setImmediate as nextTurn } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { OperationTimeoutError } from "@mlmcp/core";
import { GuardedStore } from "../../../src/stores/guard/guarded-store.js";
import { locate } from "../../../src/stores/location.js";
import { RedisStore } from "../../../src/stores/redis/redis-store.js";
import { hasRedis, RedisServer } from "../../support/redis-server.js";
import { MemoryServer } from "../memory-server.js";

const timeout = 1_000;

describe("while this process stands still", () => {
  let stalled = 0;

  beforeEach(() => {
    vi.useFakeTimers();
    stalled = 0;
    const { now } = performance;
    vi.spyOn(performance, "now").mockImplementation(() => now.call(performance) + stalled);
  });
  afterEach(async () => {
    await vi.runAllTimersAsync();
    vi.useRealTimers();
    vi.restoreAllMocks();
  });

  /** A call that takes so long, and how it ends. */
  function call(latency: number): { store: GuardedStore; ended: Promise<unknown> } {
    const server = new MemoryServer({ latency });
    const store = new GuardedStore(server.connect(), { timeout, onError: () => undefined });
    const ended = store.get("k").then(
      () => "answered",
      (error: unknown) => error,
    );
    return { store, ended };
  }

  it("a call's time does not count", async () => {
    const { store, ended } = call(timeout + 20);
    await vi.advanceTimersByTimeAsync(timeout - 10);
    stalled += 3_000;
    await vi.advanceTimersByTimeAsync(200);
    expect(await ended).toBe("answered");
    expect(store.status.state).toBe("up");
  });

  it("a call that nothing answers ends all the same, soon after", async () => {
    const { ended } = call(60_000);
    const standing = setInterval(() => (stalled += 3_000), 100);
    await vi.advanceTimersByTimeAsync(2 * timeout);
    clearInterval(standing);
    expect(await ended).toBeInstanceOf(OperationTimeoutError);
  });
});

describe("while this process stands still again and again, for a turn at a time", () => {
  const [short, block] = [100, 40];

  /** A store that needs so many turns of the event loop for an answer, and how a call ends. */
  async function endOf(turns: number): Promise<{ readonly ended: unknown; readonly after: number }> {
    const call: { ended?: unknown } = {};
    const get = async (): Promise<undefined> => {
      for (let asked = 0; asked < turns && call.ended === undefined; asked++) await stat(".");
    };
    const store = new GuardedStore(
      { ...new MemoryServer().connect(), get },
      { timeout: short, onError: () => undefined },
    );
    onTestFinished(() => store.close());
    void store.get("k").then(
      () => (call.ended = "answered"),
      (error: unknown) => (call.ended = error),
    );
    const cell = new Int32Array(new SharedArrayBuffer(4));
    let after = 0;
    for (; call.ended === undefined; after++) {
      Atomics.wait(cell, 0, 0, block);
      await nextTurn();
    }
    return { ended: call.ended, after };
  }

  it("a store that needs several turns for an answer is not taken for one that gives none", async () => {
    const { ended, after } = await endOf(8);
    expect(ended).toBe("answered");
    // Longer than the time of a call.
    expect(after * block).toBeGreaterThan(2 * short);
  });

  it("a call that nothing answers ends all the same, after some turns", async () => {
    const { ended, after } = await endOf(Infinity);
    expect(ended).toBeInstanceOf(OperationTimeoutError);
    expect(after).toBeLessThan(30);
  });
});

describe.skipIf(!hasRedis())("a server whose answers lie unread while this process stands still", () => {
  it("is not taken for one that does not answer", async () => {
    await using server = await RedisServer.start();
    const store = new GuardedStore(await RedisStore.open(locate(server.url)!), {
      timeout,
      onError: () => undefined,
    });
    onTestFinished(() => store.close());
    // More than one turn of the event loop reads.
    const bytes = Buffer.alloc(1024 * 1024);
    const keys = Array.from({ length: 16 }, (_, index) => `k${index}`);
    const expires = Date.now() + 60_000;
    await Promise.all(keys.map((key) => store.set(key, { operation: "A.b", bytes, expires })));
    const reading = Promise.all(keys.map((key) => store.get(key)));
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2 * timeout);
    expect((await reading).every((entry) => entry?.bytes.length === bytes.length)).toBe(true);
    expect(store.status.state).toBe("up");
  });
});
