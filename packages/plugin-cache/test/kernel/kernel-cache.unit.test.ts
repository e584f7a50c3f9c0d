import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { createKernel } from "@mlmcp/core";
import { createTestKernel } from "@mlmcp/core/testing";
import { CacheManager, cachePlugin } from "@mlmcp/plugin-cache";
import { describe, expect, it, vi } from "vitest";
import { KernelCache } from "../../src/kernel/kernel-cache.js";
import { createOwner } from "../../src/kernel/owner.js";
import type { Plan } from "../../src/engine/plan.js";
import { SqliteStore } from "../../src/stores/sqlite/sqlite-store.js";
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

describe("a reload that opens the store anew", () => {
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
