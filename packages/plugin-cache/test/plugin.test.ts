import { chmodSync, existsSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createKernel, onEvent, type Kernel } from "@mlmcp/core";
import { createTestKernel, decoratorContract, pluginContract } from "@mlmcp/core/testing";
import { cached, cachePlugin, CacheManager } from "@mlmcp/plugin-cache";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { temporaryDirectory } from "./temporary.js";

describe("the plugin keeps the contract of plugins,", () => {
  describe("with memory only:", () => {
    for (const { title, run } of pluginContract({
      plugin: cachePlugin,
      config: { cache: { store: "memory:" } },
    })) {
      it(title, () => expect(run()).resolves.toBeUndefined());
    }
  });
  describe("with SQLite:", () => {
    const config = { cache: { store: "" } };
    for (const { title, run } of pluginContract({ plugin: cachePlugin, config })) {
      it(title, async () => {
        config.cache.store = `sqlite://${join(temporaryDirectory(), "cache.db")}`;
        await expect(run()).resolves.toBeUndefined();
      });
    }
  });
});

describe("@cached keeps the contract of decorators:", () => {
  const config = { cache: { store: "memory:" } };
  for (const { title, run } of decoratorContract({ decorator: cached, plugins: [cachePlugin], config })) {
    it(title, () => expect(run()).resolves.toBeUndefined());
  }
});

let ran = 0;
class Analyses {
  @cached()
  async analyse(name: string): Promise<{ name: string; at: Date; columns: Map<string, Float64Array> }> {
    ran++;
    return { name, at: new Date(7), columns: new Map([["delay", new Float64Array([1.5, NaN, -0])]]) };
  }
}

const start = (file: string, more: object = {}): Promise<Kernel> =>
  createTestKernel({ plugins: [cachePlugin], config: { cache: { store: `sqlite://${file}`, ...more } } });

function recordErrors(): string[] {
  const actions: string[] = [];
  onTestFinished(onEvent("cache:error", ({ action }) => void actions.push(action)));
  return actions;
}

function recordWarnings(): string[] {
  const messages: string[] = [];
  const listener = ({ message }: Error): void => void messages.push(message);
  process.on("warning", listener);
  onTestFinished(() => void process.off("warning", listener));
  return messages;
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("a cache with SQLite", () => {
  it("gives another kernel what one has computed, with every type", async () => {
    const file = join(temporaryDirectory(), "cache.db");
    ran = 0;
    const first = await start(file);
    const computed = await first.adopt(new Analyses()).analyse("flights");
    await first.stop();
    await using second = await start(file);
    const tiers: string[] = [];
    onTestFinished(onEvent("cache:hit", ({ tier }) => void tiers.push(tier)));
    const analyses = second.adopt(new Analyses());
    const results = await Promise.all([analyses.analyse("flights"), analyses.analyse("flights")]);
    results.push(await analyses.analyse("flights"));
    expect(ran).toBe(1);
    for (const result of results) {
      expect(result).toEqual(computed);
      expect(result).not.toBe(computed);
      expect(Object.is(result.columns.get("delay")![2], -0)).toBe(true);
    }
    expect(new Set(results.map(({ columns }) => columns.get("delay")!.buffer)).size).toBe(3);
    expect(tiers).toEqual(["store", "flight", "memory"]);
    expect((await second.resolve(CacheManager).stats()).operations["Analyses.analyse"]).toMatchObject({
      entries: 1,
      hits: 3,
      misses: 0,
    });
  });

  it("finds in the store what memory had no place for, until it expires there too", async () => {
    const file = join(temporaryDirectory(), "cache.db");
    vi.useFakeTimers({ toFake: ["Date"] });
    onTestFinished(() => void vi.useRealTimers());
    ran = 0;
    await using kernel = await start(file, { maxEntries: 1, ttl: "1m" });
    const analyses = kernel.adopt(new Analyses());
    for (const name of ["a", "b", "a", "b"]) await analyses.analyse(name);
    expect(ran).toBe(2);
    vi.advanceTimersByTime(59_999);
    await analyses.analyse("a");
    expect(ran).toBe(2);
    vi.advanceTimersByTime(1);
    await analyses.analyse("a");
    expect(ran).toBe(3);
  });

  it("puts the default file under the configuration's directory", async () => {
    const cwd = temporaryDirectory();
    await using kernel = await createKernel({
      cwd,
      configFile: false,
      env: {},
      plugins: [cachePlugin],
      autoload: false,
    });
    expect(existsSync(join(cwd, ".mlmcp", "cache.db"))).toBe(true);
    expect((await kernel.health()).checks["@mlmcp/plugin-cache/store"]).toEqual({
      status: "up",
      details: {
        store: `sqlite://${join(cwd, ".mlmcp", "cache.db")}`,
        memory: { entries: 0, bytes: 0 },
        waitingWrites: 0,
      },
    });
  });

  it("computes anew what was damaged in the file, and mends it", async () => {
    const file = join(temporaryDirectory(), "cache.db");
    ran = 0;
    const first = await start(file);
    await first.adopt(new Analyses()).analyse("flights");
    await first.stop();
    const bytes = readFileSync(file);
    const at = bytes.lastIndexOf("flights");
    expect(at).toBeGreaterThan(0);
    bytes.write("flightz", at);
    writeFileSync(file, bytes);
    const errors = recordErrors();
    const second = await start(file);
    expect((await second.adopt(new Analyses()).analyse("flights")).name).toBe("flights");
    expect(errors).toEqual(["get"]);
    await second.stop();
    await using third = await start(file);
    expect((await third.adopt(new Analyses()).analyse("flights")).name).toBe("flights");
    expect([ran, errors]).toEqual([2, ["get"]]);
  });

  it("serves from memory with a warning where a file is in place of its directory, and says so in its health", async () => {
    const directory = join(temporaryDirectory(), "inner");
    const file = join(directory, "cache.db");
    writeFileSync(directory, "");
    const errors = recordErrors();
    const warnings = recordWarnings();
    ran = 0;
    await using kernel = await start(file);
    const analyses = kernel.adopt(new Analyses());
    await analyses.analyse("flights");
    await analyses.analyse("flights");
    expect(ran).toBe(1);
    await settled();
    expect([errors, warnings]).toEqual([["open"], [expect.any(String)]]);
    expect(warnings[0]).toContain(`The cache sqlite://${file} cannot be opened (`);
    expect(warnings[0]).toContain("ENOTDIR");
    const { status, checks } = await kernel.health();
    expect(status).toBe("degraded");
    expect(checks["@mlmcp/plugin-cache/store"]).toMatchObject({
      status: "degraded",
      details: {
        serving: "memory only",
        reason: expect.stringContaining("ENOTDIR"),
        mend: "Mend or remove the file, or set `cache.store` to another one.",
      },
    });
    // Health checks try again, and say nothing new.
    await kernel.health();
    await settled();
    expect([errors.length, warnings.length]).toEqual([1, 1]);
    // Once the way is free, the health check mends it.
    rmSync(directory);
    expect((await kernel.health()).status).toBe("up");
    expect(existsSync(file)).toBe(true);
  });

  it("answers every call while the store fails; one failure of each action is counted and published", async () => {
    const broken = {
      get: () => Promise.reject(new Error("no get")),
      set: () => Promise.reject(new Error("no set")),
      delete: () => Promise.reject(new Error("no delete")),
      clear: () => Promise.reject(new Error("no clear")),
    };
    const errors = recordErrors();
    const outages: object[] = [];
    onTestFinished(onEvent("cache:store-down", ({ kernel: _, ...event }) => void outages.push(event)));
    ran = 0;
    await using kernel = await createTestKernel({
      plugins: [cachePlugin],
      config: { cache: { store: broken as never } },
    });
    const analyses = kernel.adopt(new Analyses());
    expect((await analyses.analyse("a")).name).toBe("a");
    expect((await analyses.analyse("a")).name).toBe("a");
    await settled();
    expect([ran, errors]).toEqual([1, ["get", "set"]]);
    expect(outages).toEqual([
      {
        store: "a Keyv adapter (Object)",
        error: expect.objectContaining({ message: expect.stringContaining("does not answer: no set") }),
        waiting: 1,
      },
    ]);
    const manager = kernel.resolve(CacheManager);
    expect(await manager.set("k", 1)).toBe(false);
    expect(await manager.get("k")).toBe(1);
    expect(await manager.delete("k")).toBe(true);
    // After three failures in a row nothing is asked of it.
    await expect(manager.clear()).rejects.toThrow("is cut off");
    // What it should have taken waits for it.
    expect(errors.length).toBe(2);
    expect((await manager.stats()).errors).toBe(2);
    expect((await kernel.health()).checks["@mlmcp/plugin-cache/store"]).toMatchObject({
      status: "degraded",
      details: { serving: "memory only", reason: expect.stringContaining("no set") },
    });
  });

  it("does not start in production on a file that every user may read", async () => {
    const file = join(temporaryDirectory(), "cache.db");
    await (await start(file)).stop();
    const inProduction = (): Promise<Kernel> =>
      createTestKernel({
        plugins: [cachePlugin],
        config: { system: { environment: "production" }, cache: { store: `sqlite://${file}` } },
      });
    await (await inProduction()).stop();
    chmodSync(file, 0o644);
    await expect(inProduction()).rejects.toThrow(
      `The cache file ${file} is open to every user of the machine (mode 0644). Run \`chmod 600 ${file}\`.`,
    );
    expect(statSync(file).mode & 0o777).toBe(0o644);
    chmodSync(file, 0o600);
    writeFileSync(`${file}-wal`, "", { mode: 0o666 });
    chmodSync(`${file}-wal`, 0o666);
    await expect(inProduction()).rejects.toThrow(
      `The cache file ${file}-wal is open to every user of the machine (mode 0666). Run \`chmod 600 ${file}-wal\`.`,
    );
  });

  it("refuses a store that it does not know, with every other error of the section", async () => {
    const wrong = createTestKernel({
      plugins: [cachePlugin],
      config: { cache: { store: "mysql://db", ttl: "soon" as never, maxEntries: 0 } },
    });
    await expect(wrong).rejects.toThrow(
      /cache\.store[^]*cache\.ttl[^]*cache\.maxEntries|cache\.maxEntries[^]*cache\.store/,
    );
  });

  it("opens nothing where caching is turned off", async () => {
    const file = join(temporaryDirectory(), "cache.db");
    await using kernel = await createTestKernel({
      plugins: [cachePlugin],
      config: { performance: { enableCaching: false }, cache: { store: `sqlite://${file}` } },
    });
    expect(existsSync(file)).toBe(false);
    const manager = kernel.resolve(CacheManager);
    expect(await manager.set("k", 1)).toBe(false);
    expect(await manager.get("k")).toBeUndefined();
    let made = 0;
    await manager.getOrSet("k", () => ++made);
    expect(await manager.getOrSet("k", () => ++made)).toBe(2);
  });

  it("changes its store and its size at a reload, and keeps what did not change", async () => {
    const cwd = temporaryDirectory();
    const rc = join(cwd, ".mlmcprc.json");
    const write = (cache: object): void => writeFileSync(rc, JSON.stringify({ cache }));
    write({ store: "sqlite://one.db" });
    await using kernel = await createKernel({ cwd, env: {}, plugins: [cachePlugin], autoload: false });
    const manager = kernel.resolve(CacheManager);
    for (const key of ["a", "b", "c"]) await manager.set(key, key);
    await kernel.reload();
    expect((await manager.stats()).memory.entries).toBe(3);
    write({ store: "sqlite://one.db", maxEntries: 2 });
    await kernel.reload();
    expect((await manager.stats()).memory).toMatchObject({ entries: 2, maxEntries: 2 });
    write({ store: "sqlite://two.db" });
    await kernel.reload();
    expect((await manager.stats()).store).toBe(`sqlite://${join(cwd, "two.db")}`);
    expect(await manager.get("a")).toBeUndefined();
    write({ store: "sqlite://one.db" });
    await kernel.reload();
    expect(await manager.get("a")).toBe("a");
  });
});
