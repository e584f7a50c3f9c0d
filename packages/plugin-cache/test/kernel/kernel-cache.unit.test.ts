import { randomBytes } from "node:crypto";
import { rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { createKernel } from "@mlmcp/core";
import { createTestKernel } from "@mlmcp/core/testing";
import { CacheManager, cachePlugin } from "@mlmcp/plugin-cache";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { KernelCache } from "../../src/kernel/kernel-cache.js";
import { createOwner } from "../../src/kernel/owner.js";
import type { Plan } from "../../src/engine/plan.js";
import { NativeBindingError } from "../../src/stores/sqlite/binding.js";
import { SqliteStore } from "../../src/stores/sqlite/sqlite-store.js";
import { hasRedis, RedisServer } from "../support/redis-server.js";
import { temporaryDirectory } from "../temporary.js";

const kernelWith = (system: object = {}) =>
  createTestKernel({ plugins: [cachePlugin], config: { cache: { store: "memory:" }, system } });

describe("a kernel that stops", () => {
  it("gives a slow store what waits for it", async () => {
    const kept = new Map<string, unknown>();
    const slow = {
      opts: {},
      on: () => slow,
      get: async () => undefined,
      set: async (key: string, value: unknown) => {
        await pause(400);
        kept.set(key, value);
      },
      delete: async () => false,
      clear: async () => undefined,
    };
    const kernel = await createTestKernel({
      plugins: [cachePlugin],
      config: { cache: { store: slow as never } },
    });
    const manager = kernel.resolve(CacheManager);
    const wanted = 1_000;
    const writes = Array.from({ length: wanted }, (_, key) => manager.set(`k${key}`, key));
    await kernel.stop();
    await Promise.allSettled(writes);
    const entries = [...kept.keys()].filter((key) => !key.includes("version/"));
    expect(entries.length).toBeGreaterThanOrEqual(wanted);
  });

  it("has its store take what was set just before", async () => {
    const config = { cache: { store: `sqlite://${join(temporaryDirectory(), "c.db")}` } };
    const kernel = await createTestKernel({ plugins: [cachePlugin], config });
    const set = kernel.resolve(CacheManager).set("k", "kept", { tags: ["t"] });
    await kernel.stop();
    expect(await set).toBe(true);
    await using next = await createTestKernel({ plugins: [cachePlugin], config });
    expect(await next.resolve(CacheManager).get("k")).toBe("kept");
  });

  it.each([
    ["heeds its signal", (reject: (reason: unknown) => void) => reject],
    ["does not heed it", () => () => undefined],
  ])("abandons a refresh that %s, and is not held up by it", async (_, heeding) => {
    const kernel = await kernelWith({ stopTimeout: 100 });
    const { cache } = kernel.resolve(KernelCache);
    const owner = createOwner(cache, "A.b", {
      event: (name) => ({ name, active: false, publish: () => 0 }) as never,
    });
    const key = `${cache.spaceOf("A.b")}k`;
    let abandoned: unknown;
    const plan = (promise: () => Promise<unknown>, abandon: (reason: unknown) => void): Plan => ({
      owner,
      isolate: true,
      timing: { ttl: 60_000, refreshAfter: { ms: 0 } },
      begin: () => ({ promise: promise(), abandon }),
      judge: () => ({}),
      alone: () => undefined,
    });
    await cache.load(
      key,
      plan(
        async () => "old",
        () => undefined,
      ),
    );
    const refreshed = plan(
      () => new Promise((_resolve, reject) => (abandoned = heeding(reject))),
      (reason) => (abandoned as (reason: unknown) => void)(reason),
    );
    expect(await cache.load(key, refreshed)).toBe("old");
    const begun = performance.now();
    await kernel.stop();
    // Of the 10 s that a stop may take.
    expect(performance.now() - begun).toBeLessThan(5_000);
  });
});

describe("a store that could not be opened at the start", () => {
  it("is opened once however many health checks reconnect it, and closed where the kernel stops meanwhile", async () => {
    vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);
    const blocked = join(temporaryDirectory(), "blocked");
    await writeFile(blocked, "");
    const kernel = await createTestKernel({
      plugins: [cachePlugin],
      config: { cache: { store: `sqlite://${join(blocked, "cache.db")}` } },
    });
    const own = kernel.resolve(KernelCache);
    expect(own.absence?.cause).toBe("failed");
    await rm(blocked);
    const opened: SqliteStore[] = [];
    const { open } = SqliteStore;
    vi.spyOn(SqliteStore, "open").mockImplementation(async (...args) => {
      const store = await open.apply(SqliteStore, args);
      opened.push(store);
      return store;
    });
    const all = [own.reconnect(), own.reconnect(), own.reconnect()];
    await kernel.stop();
    await Promise.all(all);
    expect(opened.length).toBe(1);
    await expect(opened[0]!.ping()).rejects.toThrow();
    expect(own.cache.store).toBeUndefined();
    vi.restoreAllMocks();
  });
});

describe("a store that cannot be opened for now", () => {
  const kernelOn = (file: string) =>
    createTestKernel({ plugins: [cachePlugin], config: { cache: { store: `sqlite://${file}` } } });

  /** A file that holds entries, and a kernel that could not open it. */
  async function blocked() {
    vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);
    onTestFinished(() => void vi.restoreAllMocks());
    const file = join(temporaryDirectory(), "inner", "cache.db");
    const directory = dirname(file);
    const former = await kernelOn(file);
    const seed = former.resolve(CacheManager);
    for (const key of ["tagged", "deleted", "stays"])
      await seed.set(key, "old", key === "tagged" ? { tags: ["t"] } : {});
    await former.stop();
    await rename(directory, `${directory}.away`);
    await writeFile(directory, "");
    const kernel = await kernelOn(file);
    onTestFinished(() => kernel.stop());
    const own = kernel.resolve(KernelCache);
    expect(own.absence?.cause).toBe("failed");
    return {
      kernel,
      own,
      file,
      manager: kernel.resolve(CacheManager),
      async unblock() {
        await rm(directory);
        await rename(`${directory}.away`, directory);
      },
    };
  }

  it("is told what was invalidated meanwhile before it is asked anything", async () => {
    const { kernel, manager, unblock } = await blocked();
    await expect(manager.invalidateTags(["t"])).rejects.toMatchObject({ code: "MLMCP_CACHE_STORE_DOWN" });
    await manager.delete("deleted");
    await unblock();
    expect((await kernel.health()).status).toBe("up");
    expect(await manager.getMany(["tagged", "deleted", "stays"])).toEqual(new Map([["stays", "old"]]));
  });

  it("is told that it was cleared meanwhile", async () => {
    const { kernel, manager, unblock } = await blocked();
    await expect(manager.clear()).rejects.toMatchObject({ code: "MLMCP_CACHE_STORE_DOWN" });
    await unblock();
    await kernel.health();
    expect(await manager.getMany(["tagged", "deleted", "stays"])).toEqual(new Map());
  });

  it("is opened as soon as it can be, also where nobody checks its health", async () => {
    const { own, manager, unblock } = await blocked();
    await unblock();
    await vi.waitFor(() => expect(own.absence).toBeUndefined(), { timeout: 10_000, interval: 50 });
    await vi.waitFor(async () => expect(await manager.get("stays")).toBe("old"), { interval: 50 });
  });

  it("is given what waits where the kernel stops, as long as it can be opened by then", async () => {
    const { kernel, file, manager, unblock } = await blocked();
    await manager.invalidateTags(["t"]).catch(() => undefined);
    await unblock();
    await kernel.stop();
    const next = await kernelOn(file);
    expect(await next.resolve(CacheManager).getMany(["tagged", "stays"])).toEqual(
      new Map([["stays", "old"]]),
    );
    await next.stop();
  });
});

describe("a store that takes no entry as large as some are", () => {
  it("is not cut off, and keeps none from before them for others", async () => {
    const store = `sqlite://${join(temporaryDirectory(), "c.db")}`;
    const config = { cache: { store, maxFileBytes: 2 ** 20 } };
    await using one = await createTestKernel({ plugins: [cachePlugin], config });
    await using other = await createTestKernel({ plugins: [cachePlugin], config });
    const [mine, others] = [one.resolve(CacheManager), other.resolve(CacheManager)];
    const keys = ["a", "b", "c", "d"];
    for (const key of keys) await mine.set(key, "old");
    const large = randomBytes(300_000);
    for (const key of keys) expect(await mine.set(key, large)).toBe(false);
    expect(await mine.get("a")).toEqual(large);
    expect(await others.getMany(keys)).toEqual(new Map());
    expect((await one.health()).status).toBe("up");
    expect(await mine.set("e", "small")).toBe(true);
  });
});

describe("a reload that turns caching on", () => {
  it("loses nothing that is set or invalidated while the store is being opened", async () => {
    const cwd = temporaryDirectory();
    const cache = { store: `sqlite://${join(cwd, "c.db")}` };
    const configure = (enableCaching: boolean) =>
      writeFile(join(cwd, ".mlmcprc.json"), JSON.stringify({ cache, performance: { enableCaching } }));
    await using other = await createTestKernel({ plugins: [cachePlugin], config: { cache } });
    const others = other.resolve(CacheManager);
    await others.set("k", "old", { tags: ["t"] });
    await configure(false);
    await using kernel = await createKernel({ cwd, env: {}, plugins: [cachePlugin] });
    const { open } = SqliteStore;
    const value = { of: "then" };
    let changing: Promise<unknown> | undefined;
    const opening = vi.spyOn(SqliteStore, "open").mockImplementation((...args) => {
      const manager = kernel.resolve(CacheManager);
      changing ??= Promise.all([manager.set("new", value), manager.invalidateTags(["t"])]);
      value.of = "later";
      return open.apply(SqliteStore, args);
    });
    onTestFinished(() => opening.mockRestore());
    await configure(true);
    await kernel.reload();
    expect(await changing).toEqual([true, undefined]);
    expect(await others.get("new")).toEqual({ of: "then" });
    await vi.waitFor(async () => expect(await others.get("k")).toBeUndefined(), { interval: 100 });
    expect(opening).toHaveBeenCalledTimes(1);
  });
});

describe("a process with caching turned off", () => {
  it("opens another store that is named, after one that could not be opened for good, and that one never again", async () => {
    vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);
    onTestFinished(() => void vi.restoreAllMocks());
    const cwd = temporaryDirectory();
    const configure = (file: string) =>
      writeFile(
        join(cwd, ".mlmcprc.json"),
        JSON.stringify({ cache: { store: `sqlite://${file}` }, performance: { enableCaching: false } }),
      );
    await configure("first.db");
    await using kernel = await createKernel({ cwd, env: {}, plugins: [cachePlugin] });
    const manager = kernel.resolve(CacheManager);
    const opening = vi.spyOn(SqliteStore, "open").mockRejectedValueOnce(new NativeBindingError("no code"));
    for (const tag of ["a", "b"]) await manager.invalidateTags([tag]);
    expect(opening).toHaveBeenCalledTimes(1);
    await configure("second.db");
    await kernel.reload();
    await manager.invalidateTags(["c"]);
    expect(opening).toHaveBeenCalledTimes(2);
    expect((await kernel.health()).status).toBe("up");
  });
});

describe("a reload that opens the store anew", () => {
  it.skipIf(!hasRedis())(
    "on the same database loses nothing that waits for it, and keeps it from what is newer",
    async () => {
      vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);
      onTestFinished(() => void vi.restoreAllMocks());
      await using server = await RedisServer.start();
      const cwd = temporaryDirectory();
      const configure = (storeTimeout: string) =>
        writeFile(join(cwd, ".mlmcprc.json"), JSON.stringify({ cache: { store: server.url, storeTimeout } }));
      await configure("4s");
      const kernel = await createKernel({ cwd, env: {}, plugins: [cachePlugin] });
      const other = await createTestKernel({
        plugins: [cachePlugin],
        config: { cache: { store: server.url } },
      });
      const [manager, others] = [kernel.resolve(CacheManager), other.resolve(CacheManager)];
      const keys = ["waits", "newer"];
      for (const key of keys) await manager.set(key, "oldest");
      server.ask("REPLICAOF", "127.0.0.1", "1");
      for (const key of keys) expect(await manager.set(key, "old")).toBe(false);
      await configure("5s");
      await kernel.reload();
      server.ask("REPLICAOF", "NO", "ONE");
      await vi.waitFor(async () => expect(await manager.set("newer", "new")).toBe(true), { interval: 20 });
      const expected = new Map([
        ["waits", "old"],
        ["newer", "new"],
      ]);
      await vi.waitFor(async () => expect(await others.getMany(keys)).toEqual(expected), { interval: 100 });
      await Promise.all([kernel.stop(), other.stop()]);
    },
  );

  it("loses nothing that is deleted meanwhile", async () => {
    const cwd = temporaryDirectory();
    const configure = (storeTimeout: string) =>
      writeFile(
        join(cwd, ".mlmcprc.json"),
        JSON.stringify({ cache: { store: "sqlite://c.db", storeTimeout } }),
      );
    await configure("4s");
    await using kernel = await createKernel({ cwd, env: {}, plugins: [cachePlugin] });
    const manager = kernel.resolve(CacheManager);
    const keys = Array.from({ length: 500 }, (_, key) => key);
    await Promise.all(keys.map((key) => manager.set(key, "old")));
    await configure("5s");
    let isOver = false;
    const reloaded = kernel.reload().finally(() => (isOver = true));
    const deleted: number[] = [];
    for (const key of keys) {
      if (isOver) break;
      await manager.delete(key);
      deleted.push(key);
    }
    await reloaded;
    expect(deleted.length).toBeGreaterThan(0);
    expect(await Promise.all(deleted.map((key) => manager.get(key)))).toEqual(deleted.map(() => undefined));
    expect(await manager.get(keys.length - 1)).toBe(deleted.length < keys.length ? "old" : undefined);
  });
});
