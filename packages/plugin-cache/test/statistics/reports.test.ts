import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createKernel, onEvent, type Kernel } from "@mlmcp/core";
import { createTestKernel } from "@mlmcp/core/testing";
import { cached, cachePlugin, CacheManager, type ScopeOptions } from "@mlmcp/plugin-cache";
import { afterAll, beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { temporaryDirectory } from "../temporary.js";

class Users {
  @cached({ name: "Users.find", ttl: "5m" })
  async find(id: number): Promise<{ id: number }> {
    return { id };
  }
}
afterAll(() => void Users);

let store: string;
beforeEach(() => void (store = `sqlite://${join(temporaryDirectory(), "cache.db")}`));

async function start(config: object = {}): Promise<Kernel> {
  const kernel = await createTestKernel({ plugins: [cachePlugin], config: { cache: { store }, ...config } });
  onTestFinished(() => kernel.stop());
  return kernel;
}

const call = async (kernel: Kernel, times: number): Promise<void> => {
  const users = kernel.adopt(new Users());
  for (let time = 0; time < times; time++) await users.find(1);
};

describe("what a process has counted", () => {
  it("is told by itself, without others", async () => {
    const kernel = await start();
    await call(kernel, 3);
    expect(await kernel.resolve(CacheManager).stats()).toMatchObject({
      processes: 1,
      store,
      ttl: 3_600_000,
      hits: 2,
      misses: 1,
      hitsByTier: { memory: 2, store: 0, flight: 0 },
      hitRate: 2 / 3,
      entries: 1,
      expired: 0,
      evictions: 0,
      memory: { entries: 1, maxEntries: 1_000, maxBytes: 64 * 1024 ** 2 },
      operations: { "Users.find": { ttl: 300_000, hits: 2, misses: 1, entries: 1 } },
    });
  });

  it("is not among what waits for a store that is away", async () => {
    vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);
    onTestFinished(() => void vi.restoreAllMocks());
    const errors: string[] = [];
    onTestFinished(onEvent("cache:error", ({ error }) => void errors.push(String(error))));
    store = "redis://127.0.0.1:1";
    for (const waiting of [0, 1]) {
      const kernel = await start();
      await call(kernel, 3);
      for (let key = 0; key < waiting; key++) await kernel.resolve(CacheManager).set(key, "by hand");
      await kernel.stop();
    }
    expect(errors.filter((error) => error.includes("have not reached it"))).toEqual([
      `Error: ${store} is closed, and 1 writes have not reached it`,
    ]);
  });

  it("is known to others on the store after its end, added up", async () => {
    for (const times of [3, 5]) {
      const kernel = await start();
      await call(kernel, times);
      await kernel.stop();
    }
    const kernel = await start();
    await call(kernel, 1);
    const manager = kernel.resolve(CacheManager);
    const shared = await manager.stats({ scope: "shared" });
    expect(shared).toMatchObject({ processes: 3, hits: 8, misses: 1, hitsByTier: { memory: 6, store: 2 } });
    expect(shared.operations).toEqual({ "Users.find": expect.objectContaining({ hits: 8, entries: 1 }) });
    expect(await manager.stats()).toMatchObject({ processes: 1, hits: 1 });
  });

  it("is told once a minute while it runs, and only where there is something new", async () => {
    vi.useFakeTimers({ toFake: ["Date", "setInterval", "clearInterval"] });
    onTestFinished(() => void vi.useRealTimers());
    const running = await start();
    const looking = await start();
    const seen = async (): Promise<number> =>
      (await looking.resolve(CacheManager).stats({ scope: "shared" })).hits;
    await call(running, 4);
    expect(await seen()).toBe(0);
    vi.advanceTimersByTime(60_000);
    await vi.waitUntil(async () => (await seen()) === 3, { interval: 10 });
    await call(running, 1);
    expect(await seen()).toBe(3);
    vi.advanceTimersByTime(60_000);
    await vi.waitUntil(async () => (await seen()) === 4, { interval: 10 });
  });

  it("is told before a reload lets go of the store", async () => {
    const cwd = temporaryDirectory();
    const rc = join(cwd, ".mlmcprc.json");
    const write = (config: object): void =>
      writeFileSync(rc, JSON.stringify({ cache: { store }, ...config }));
    write({});
    const running = await createKernel({ cwd, env: {}, plugins: [cachePlugin], autoload: false });
    onTestFinished(() => running.stop());
    await call(running, 4);
    write({ cache: { store: "memory:" } });
    await running.reload();
    const looking = await start();
    const { hits, processes } = await looking.resolve(CacheManager).stats({ scope: "shared" });
    expect([hits, processes]).toEqual([3, 2]);
  });

  it("is forgotten a day after its end", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    onTestFinished(() => void vi.useRealTimers());
    const first = await start();
    await call(first, 3);
    await first.stop();
    const kernel = await start();
    const { hits } = await kernel.resolve(CacheManager).stats({ scope: "shared" });
    expect(hits).toBe(2);
    vi.advanceTimersByTime(24 * 3_600_000);
    expect((await kernel.resolve(CacheManager).stats({ scope: "shared" })).hits).toBe(0);
  });

  it("is encrypted where the store is, and is no entry of the application", async () => {
    const cache = { store, encryptionKey: "correct horse battery staple" };
    const first = await start({ cache });
    await call(first, 3);
    await first.stop();
    const kernel = await start({ cache });
    const manager = kernel.resolve(CacheManager);
    expect((await manager.stats({ scope: "shared" })).hits).toBe(2);
    const operations = [];
    for await (const { operation } of manager.entries()) operations.push(operation);
    expect(operations).toEqual(["Users.find"]);
    expect(Object.keys((await manager.stats()).operations)).toEqual(["Users.find"]);
    const plain = await start();
    expect((await plain.resolve(CacheManager).stats({ scope: "shared" })).hits).toBe(0);
  });

  it("gives advice together with that of others", async () => {
    class Tokens {
      @cached({ name: "Tokens.check" })
      async check(token: string): Promise<string> {
        return token;
      }
    }
    const neverHit = async (kernel: Kernel, options?: ScopeOptions) =>
      (await kernel.resolve(CacheManager).optimize(options)).find(({ rule }) => rule === "never-hit");
    for (const process of [1, 2, 3]) {
      const kernel = await start();
      const tokens = kernel.adopt(new Tokens());
      for (let time = 0; time < 60; time++) await tokens.check(`${process} ${time}`);
      expect(await neverHit(kernel)).toBeUndefined();
      await kernel.stop();
    }
    const kernel = await start();
    const advice = await neverHit(kernel, { scope: "shared" });
    expect(advice).toMatchObject({ operation: "Tokens.check" });
    expect(advice?.measured).toMatch(/^180 results were kept and 0 given again/);
    void Tokens;
  });

  it("gives advice on methods that only others know, and not on those whose caching is off by now", async () => {
    const first = await start();
    const check = first.wrap(async (token: string) => token, { name: "Sessions.check", cached: {} });
    const users = first.adopt(new Users());
    for (let time = 0; time < 150; time++) await Promise.all([check(`token ${time}`), users.find(time)]);
    await first.stop();
    const advice = async (config?: object) =>
      (await (await start(config)).resolve(CacheManager).optimize({ scope: "shared" })).map(
        ({ rule, operation }) => `${rule} ${operation}`,
      );
    expect(await advice()).toEqual(
      expect.arrayContaining(["never-hit Sessions.check", "never-hit Users.find"]),
    );
    const operations = { "Users.find": { cached: false } };
    const later = await advice({ operations });
    expect(later).toContain("never-hit Sessions.check");
    expect(later.filter((one) => one.endsWith("Users.find"))).toEqual([]);
  });

  it("is of this process alone where the store lists no entries", async () => {
    const kernel = await start({ cache: { store: new Map() } });
    await call(kernel, 2);
    expect(await kernel.resolve(CacheManager).stats({ scope: "shared" })).toMatchObject({
      processes: 1,
      hits: 1,
    });
  });
});
