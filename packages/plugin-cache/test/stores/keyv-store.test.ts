import { join } from "node:path";
import { KeyvSqlite } from "@keyv/sqlite";
import { createTestKernel } from "@mlmcp/core/testing";
import { cachePlugin, CacheManager } from "@mlmcp/plugin-cache";
import { Keyv } from "keyv";
import { describe, expect, it, onTestFinished } from "vitest";
import { temporaryDirectory } from "../temporary.js";

const value = { at: new Date(3), n: 2n ** 70n, list: [undefined, NaN, -0], bytes: Buffer.from([0, 255]) };

const adapters = {
  "a Map": () => new Map<string, unknown>(),
  "@keyv/sqlite's own adapter": () => {
    const adapter = new KeyvSqlite(`sqlite://${join(temporaryDirectory(), "keyv.db")}`);
    onTestFinished(() => adapter.disconnect());
    return adapter;
  },
  "a Keyv instance": () => new Keyv(),
};

describe.each(Object.entries(adapters))("with %s for a store", (_, make) => {
  it("gives the next kernel what one has kept, with every type, and leaves the adapter open", async () => {
    const store = make();
    const start = () => createTestKernel({ plugins: [cachePlugin], config: { cache: { store } } });
    const first = await start();
    await first.resolve(CacheManager).set("k", value, { ttl: "1m" });
    expect((await first.health()).status).toBe("up");
    await first.stop();
    const second = await start();
    const manager = second.resolve(CacheManager);
    expect(await manager.get("k")).toEqual(value);
    expect((await manager.stats()).operations["CacheManager"]).toMatchObject({
      entries: 1,
      hitsByTier: { store: 1 },
    });
    expect(await manager.delete("k")).toBe(true);
    await manager.set("other", 1);
    await manager.clear();
    await second.stop();
    const third = await start();
    expect(await third.resolve(CacheManager).get("other")).toBeUndefined();
    await third.stop();
  });
});

it("gathers no listeners on an adapter that outlives its kernels", async () => {
  const store = new KeyvSqlite(`sqlite://${join(temporaryDirectory(), "keyv.db")}`);
  onTestFinished(() => store.disconnect());
  for (let round = 0; round < 3; round++) {
    const kernel = await createTestKernel({ plugins: [cachePlugin], config: { cache: { store } } });
    expect(store.listenerCount("error")).toBe(1);
    await kernel.stop();
  }
  expect(store.listenerCount("error")).toBe(0);
});

it("shows a store neither arguments nor keys", async () => {
  const store = new Map<string, unknown>();
  await using kernel = await createTestKernel({ plugins: [cachePlugin], config: { cache: { store } } });
  await kernel.resolve(CacheManager).set("a secret key", 1);
  const [[key, entry]] = [...store] as [[string, string]];
  expect(key).toMatch(/^mlmcp:[\w-]{43}$/);
  expect(entry).not.toContain("secret");
});
