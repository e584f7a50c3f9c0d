import { join } from "node:path";
import { crc32 } from "node:zlib";
import { degrade, onEvent, type Kernel } from "@mlmcp/core";
import { createTestKernel } from "@mlmcp/core/testing";
import { cached, CacheManager, cachePlugin } from "@mlmcp/plugin-cache";
import { describe, expect, it, onTestFinished } from "vitest";
import { KernelCache } from "../../src/kernel/kernel-cache.js";
import { SqliteStore } from "../../src/stores/sqlite/sqlite-store.js";
import { createEntryCodec } from "../../src/values/entry-codec.js";
import { takeSnapshot } from "../../src/values/snapshot.js";
import { temporaryDirectory } from "../temporary.js";

class Report {
  runs = 0;

  @degrade({ fallback: "stale", breaker: false })
  @cached({ name: "Report.read", grace: "1h" })
  async read(_: string): Promise<string> {
    if (++this.runs > 2) throw new Error("gone");
    return "read";
  }
}

/** The entry with more levels for its value than any stack takes, and with the right checksum. */
function deepened(sealed: Uint8Array): Buffer {
  const levels = 100_000;
  const head = Buffer.from(sealed.subarray(0, 14 + Buffer.from(sealed).readUInt32LE(6)));
  const isJson = 8;
  const value = Buffer.from(`${String.fromCharCode(isJson)}${"[".repeat(levels)}${"]".repeat(levels)}`);
  head.writeUInt32LE(value.length, 10);
  const bytes = Buffer.concat([head, value]);
  bytes.writeUInt32LE(crc32(bytes.subarray(6), crc32(bytes.subarray(0, 2))), 2);
  return bytes;
}

const tooDeep = "copy: RangeError: Maximum call stack size exceeded";

/** Applications on one file, in which somebody puts deep values in place of all that is there. */
function setUp() {
  const file = join(temporaryDirectory(), "cache.db");
  const errors: string[] = [];
  const note = onEvent("cache:error", ({ action, error }) => void errors.push(`${action}: ${String(error)}`));
  onTestFinished(note);
  const start = async (): Promise<Kernel> => {
    const config = { cache: { store: `sqlite://${file}` } };
    const kernel = await createTestKernel({ plugins: [cachePlugin], config });
    onTestFinished(() => kernel.stop());
    return kernel;
  };
  /** @param isStale whether they are past their ttl */
  const forge = async (isStale = false): Promise<void> => {
    const store = await SqliteStore.open(file);
    const codec = createEntryCodec();
    for await (const { key, operation, expires } of store.entries()) {
      const entry = await codec.open(key, (await store.get(key))!.bytes);
      const freshUntil = isStale ? entry.created : entry.freshUntil;
      const bytes = deepened(await codec.seal(key, { ...entry, freshUntil, snapshot: takeSnapshot(1) }));
      await store.set(key, { operation, bytes, expires });
    }
    await store.close();
  };
  /** An application after one that has set `k`, whose value is a forged one by now. */
  const startForged = async (): Promise<Kernel> => {
    const before = await start();
    await before.resolve(CacheManager).set("k", "value");
    await before.stop();
    await forge();
    return start();
  };
  return { start, forge, startForged, errors };
}

describe("entries of a store that hold more levels than can be copied", () => {
  it("are misses of a look-up, which are told", async () => {
    const { startForged, errors } = setUp();
    const kernel = await startForged();
    const cache = kernel.resolve(CacheManager);
    expect(await cache.get("k")).toBeUndefined();
    expect(await cache.has("k")).toBe(false);
    expect(await cache.getMany(["k"])).toEqual(new Map());
    expect(errors).toEqual([tooDeep, tooDeep, tooDeep]);
    expect(await cache.stats()).toMatchObject({ hits: 0, misses: 3 });
    expect(await cache.getOrSet("k", () => "made")).toBe("made");
    expect(await cache.set("k", "value")).toBe(true);
    expect(await cache.get("k")).toBe("value");
  });

  it("keep nothing from being told or advised of all that there is", async () => {
    const { startForged } = setUp();
    const kernel = await startForged();
    const cache = kernel.resolve(CacheManager);
    await cache.get("k");
    expect(await cache.optimize()).toEqual([]);
    const { inventory } = kernel.resolve(KernelCache).cache;
    expect(await inventory.find("", 1, kernel.resolve(KernelCache).owner)).toEqual([
      expect.not.objectContaining({ value: expect.anything() }),
    ]);
  });

  it("let a cached method run, and are no stale answers", async () => {
    const { start, forge, errors } = setUp();
    const report = new Report();
    const before = await start();
    before.adopt(report);
    await report.read("a");
    await before.stop();
    await forge();
    const second = await start();
    second.adopt(report);
    expect(await report.read("a")).toBe("read");
    await second.stop();
    await forge(true);
    const third = await start();
    third.adopt(report);
    await expect(report.read("a")).rejects.toThrow("gone");
    expect(errors).toContain(tooDeep);
  });
});
