import { onEvent, ValidationError } from "@mlmcp/core";
import { createTestKernel } from "@mlmcp/core/testing";
import { cached, cachePlugin, CacheManager } from "@mlmcp/plugin-cache";
import { describe, expect, it, onTestFinished, vi } from "vitest";

async function managed(cache: object = {}) {
  const kernel = await createTestKernel({
    plugins: [cachePlugin],
    config: { cache: { store: "memory:", ...cache } },
  });
  onTestFinished(() => kernel.stop());
  return { kernel, manager: kernel.resolve(CacheManager) };
}

describe("CacheManager", () => {
  it("makes a value once for all who ask at the same time, and keeps it", async () => {
    const { manager } = await managed();
    let made = 0;
    const make = async (): Promise<{ n: number }> => ({ n: ++made });
    const values = await Promise.all(
      Array.from({ length: 5 }, () => manager.getOrSet(["rates", new Date(0)], make)),
    );
    expect(values).toEqual(Array.from({ length: 5 }, () => ({ n: 1 })));
    values[0]!.n = 9;
    expect(await manager.getOrSet(["rates", new Date(0)], make)).toEqual({ n: 1 });
    expect(await manager.getOrSet(["rates", new Date(1)], make)).toEqual({ n: 2 });
  });

  it("takes a function that is not async, keeps no error and recovers", async () => {
    const { manager } = await managed();
    const failing = (): never => {
      throw new Error("no rates");
    };
    await expect(manager.getOrSet("k", failing)).rejects.toThrow("no rates");
    expect(await manager.getOrSet("k", () => 5)).toBe(5);
    expect(await manager.get("k")).toBe(5);
  });

  it("sets, gets and deletes any key, and copies values going in and coming out", async () => {
    const { manager } = await managed();
    const value = { tags: new Set(["a"]) };
    expect(await manager.set({ id: 1n }, value)).toBe(true);
    value.tags.add("b");
    const taken = (await manager.get<typeof value>({ id: 1n }))!;
    expect(taken).toEqual({ tags: new Set(["a"]) });
    taken.tags.clear();
    expect(await manager.get({ id: 1n })).toEqual({ tags: new Set(["a"]) });
    expect(await manager.get({ id: 1 })).toBeUndefined();
    expect(await manager.delete({ id: 1n })).toBe(true);
    expect(await manager.delete({ id: 1n })).toBe(false);
  });

  it("keeps values for the time given, or for the section's", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    onTestFinished(() => void vi.useRealTimers());
    const { manager } = await managed({ ttl: "10s" });
    await manager.set("short", 1, { ttl: "5s" });
    await manager.getOrSet("section", () => 2);
    vi.advanceTimersByTime(5_000);
    expect([await manager.get("short"), await manager.get("section")]).toEqual([undefined, 2]);
    vi.advanceTimersByTime(5_000);
    expect(await manager.get("section")).toBeUndefined();
    await expect(manager.set("k", 1, { ttl: "soon" as "1s" })).rejects.toThrow(
      'ttl is "soon"; expected milliseconds or a text such as "5m".',
    );
  });

  it("refuses a value that cannot be copied, and a key that cannot be one", async () => {
    const { manager } = await managed();
    const refusal = manager.set("k", { on: () => 1 });
    await expect(refusal).rejects.toBeInstanceOf(ValidationError);
    await expect(refusal).rejects.toThrow(
      'The value cannot be cached: the value\'s .on is the function "on". Give plain data.',
    );
    await expect(manager.get(Symbol("k"))).rejects.toMatchObject({ code: "MLMCP_CACHE_KEY" });
  });

  it("never meets the decorated methods' keys, and clears their entries too", async () => {
    class CacheManagerLike {
      ran = 0;
      @cached({ name: "CacheManager.load" })
      async load(key: string): Promise<string> {
        this.ran++;
        return `loaded ${key}`;
      }
    }
    const { kernel, manager } = await managed();
    const own = kernel.adopt(new CacheManagerLike());
    await own.load("k");
    expect(await manager.get("k")).toBeUndefined();
    await manager.set("k", "by hand");
    expect(await own.load("k")).toBe("loaded k");
    await manager.clear();
    expect(await manager.get("k")).toBeUndefined();
    await own.load("k");
    expect(own.ran).toBe(2);
  });

  it.each(["delete", "clear"] as const)(
    "keeps nothing that was under way at a %s, and gives it to those who wait",
    async (how) => {
      const { manager } = await managed();
      let land!: (value: string) => void;
      const slow = new Promise<string>((resolve) => (land = resolve));
      const waiting = manager.getOrSet("k", () => slow);
      await (how === "delete" ? manager.delete("k") : manager.clear());
      land("stale");
      expect(await waiting).toBe("stale");
      expect(await manager.get("k")).toBeUndefined();
    },
  );

  it("keeps what was set while an older value was under way", async () => {
    const { manager } = await managed();
    let land!: (value: string) => void;
    const slow = new Promise<string>((resolve) => (land = resolve));
    const waiting = manager.getOrSet("k", () => slow);
    await manager.set("k", "newer");
    land("older");
    expect(await waiting).toBe("older");
    expect(await manager.get("k")).toBe("newer");
  });

  it("publishes its events without an operation and counts under its own name", async () => {
    const { kernel, manager } = await managed();
    const misses: unknown[] = [];
    onTestFinished(onEvent("cache:miss", (event) => void misses.push(event)));
    await manager.get("k");
    expect(misses).toEqual([{ kernel: kernel.id }]);
    expect((await manager.stats()).operations["CacheManager"]).toMatchObject({ misses: 1, hits: 0 });
  });
});
