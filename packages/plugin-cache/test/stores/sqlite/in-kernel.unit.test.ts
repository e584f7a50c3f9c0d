import { execFileSync } from "node:child_process";
import { readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Kernel } from "@mlmcp/core";
import { createTestKernel } from "@mlmcp/core/testing";
import { CacheManager, cachePlugin } from "@mlmcp/plugin-cache";
import { afterEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { temporaryDirectory } from "../../temporary.js";
import { freshPath, spyOnWarnings } from "./opening.js";

afterEach(() => {
  vi.doUnmock("sqlite3");
  vi.resetModules();
});

const start = (file: string, cache: object = {}, system: object = {}): Promise<Kernel> =>
  createTestKernel({
    plugins: [cachePlugin],
    config: { system, cache: { store: `sqlite://${file}`, ...cache } },
  });

const storeHealth = async (kernel: Kernel) => (await kernel.health()).checks["@mlmcp/plugin-cache/store"];

describe("a kernel with a SQLite store", () => {
  it("sets another program's file aside with a warning, and goes on with an empty one", async () => {
    const file = freshPath();
    writeFileSync(file, "something else");
    const warnings = spyOnWarnings();
    await using kernel = await start(file);
    expect(await kernel.resolve(CacheManager).set("k", 1)).toBe(true);
    expect(warnings.mock.calls.map(([message]) => String(message))).toEqual([
      expect.stringContaining(`The cache file ${file} cannot be used (SQLITE_NOTADB`),
    ]);
    expect(readdirSync(dirname(file)).filter((name) => name.includes(".corrupt-"))).toHaveLength(1);
    expect(await storeHealth(kernel)).toMatchObject({ status: "up" });
  });

  it("keeps caches with different prefixes on one file apart", async () => {
    const file = freshPath();
    await using one = await start(file, { storePrefix: "a_" });
    await using other = await start(file, { storePrefix: "ab" });
    await one.resolve(CacheManager).set("k", "one");
    expect(await other.resolve(CacheManager).get("k")).toBeUndefined();
    await other.resolve(CacheManager).set("k", "other");
    await other.resolve(CacheManager).clear();
    await one.stop();
    await using again = await start(file, { storePrefix: "a_" });
    expect(await again.resolve(CacheManager).get("k")).toBe("one");
  });

  it("refuses a bound that is too small for any file", async () => {
    await expect(start(freshPath(), { maxFileBytes: "10KB" })).rejects.toThrow("cache.maxFileBytes");
  });

  it.skipIf(process.platform !== "linux" || process.getuid?.() !== 0)(
    "serves from memory while its disk is full, and uses the file again once there is room",
    async ({ skip }) => {
      const disk = temporaryDirectory();
      try {
        execFileSync("mount", ["-t", "tmpfs", "-o", "size=16m", "tmpfs", disk], { stdio: "ignore" });
      } catch {
        skip("nothing can be mounted here");
      }
      onTestFinished(() => void execFileSync("umount", ["-l", disk]));
      const ballast = join(disk, "ballast");
      writeFileSync(ballast, Buffer.alloc(15_000_000));
      const warnings = spyOnWarnings();
      await using kernel = await start(join(disk, "cache.db"), { compressOver: "1GB" });
      const manager = kernel.resolve(CacheManager);
      const value = "x".repeat(100_000);
      const stored: boolean[] = [];
      for (let at = 0; at < 30; at++) stored.push(await manager.set(`k${at}`, value));
      expect([stored[0], stored.at(-1)]).toEqual([true, false]);
      for (let at = 0; at < 30; at++) expect(await manager.get(`k${at}`)).toBe(value);
      expect(String(warnings.mock.calls[0]?.[0])).toContain(
        "cannot be written (SQLITE_FULL: database or disk is full)",
      );
      expect(await storeHealth(kernel)).toMatchObject({ status: "degraded" });
      rmSync(ballast);
      await vi.waitFor(async () => expect(await storeHealth(kernel)).toMatchObject({ status: "up" }));
      await vi.waitFor(async () => expect(await manager.set("later", value)).toBe(true));
    },
  );
});

describe("a kernel whose SQLite does not load", () => {
  /** A plugin of its own, which meets native code that is not there. */
  async function startBroken(system: object): Promise<{ kernel: Kernel; manager: CacheManager }> {
    vi.resetModules();
    vi.doMock("sqlite3", () => {
      throw new Error("Could not locate the bindings file. Tried:\n → a\n → b");
    });
    const { createTestKernel: create } = await import("@mlmcp/core/testing");
    const { cachePlugin: plugin, CacheManager: Manager } = await import("@mlmcp/plugin-cache");
    const kernel = await create({
      plugins: [plugin],
      config: { system, cache: { store: `sqlite://${freshPath()}` } },
    });
    onTestFinished(() => kernel.stop());
    return { kernel, manager: kernel.resolve(Manager) };
  }

  it("serves from memory, with one line that says what to do", async () => {
    const warnings = spyOnWarnings();
    const { kernel, manager } = await startBroken({});
    await manager.set("k", 1);
    expect(await manager.get("k")).toBe(1);
    const [message, ...others] = warnings.mock.calls.map(([text]) => String(text));
    expect(others).toEqual([]);
    expect(message).toMatch(
      /^The cache sqlite:.* cannot be opened \(the native part of sqlite3 does not load: [^\n]*\): results are kept in memory only\. .*`npm rebuild sqlite3`.*"memory:"\.$/,
    );
    expect(await storeHealth(kernel)).toMatchObject({
      status: "degraded",
      details: { serving: "memory only" },
    });
    // A rule of its own tells what to do about native code, so that the one on stores says nothing.
    const { diagnostics } = kernel.plugins.find(({ section }) => section === "cache")!;
    const found = diagnostics!.map(async ({ rule, diagnose }) => [
      rule,
      (await diagnose(kernel as never)).length,
    ]);
    expect(Object.fromEntries(await Promise.all(found))).toMatchObject({
      "native-binding": 1,
      "cache-store": 0,
    });
    expect(kernel.metrics().find(({ name }) => name === "mlmcp_cache_store_up")).toMatchObject({
      samples: [{ value: 0 }],
    });
  });

  it("does not start under `system.strict`", async () => {
    await expect(startBroken({ strict: true })).rejects.toThrow(
      /the native part of sqlite3 does not load: .*npm rebuild sqlite3/,
    );
  });
});
