import { createTestKernel } from "@mlmcp/core/testing";
import { CacheManager, cachePlugin } from "@mlmcp/plugin-cache";
import { expect, it, vi } from "vitest";
import { hasRedis, RedisServer } from "../../support/redis-server.js";

it.skipIf(!hasRedis())(
  "serves from memory where the server lets nobody in, and shows no credentials",
  async () => {
    await using server = await RedisServer.start({ password: "s3cr3t" });
    const warnings = vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);
    const store = `redis://:gue55ed@127.0.0.1:${server.port}`;
    await using kernel = await createTestKernel({ plugins: [cachePlugin], config: { cache: { store } } });
    const manager = kernel.resolve(CacheManager);
    await manager.set("k", 1);
    expect(await manager.get("k")).toBe(1);
    const told = String(warnings.mock.calls[0]![0]);
    expect(told).toMatch(
      /^The cache redis:\/\/127\.0\.0\.1:\d+ cannot be opened \(.*WRONGPASS.*\): results are kept/,
    );
    expect(told).toContain("Mend it, or set `cache.store` to another one.");
    const { checks } = await kernel.health();
    expect(checks["@mlmcp/plugin-cache/store"]).toMatchObject({ status: "degraded" });
    expect(`${told} ${JSON.stringify(checks)}`).not.toMatch(/gue55ed|s3cr3t/);
    // Once it lets the user in, the health check connects.
    server.ask("CONFIG", "SET", "requirepass", "gue55ed");
    expect((await kernel.health()).checks["@mlmcp/plugin-cache/store"]).toMatchObject({ status: "up" });
    await manager.set("k", 2);
    await kernel.stop();
  },
);

it.skipIf(!hasRedis())("keeps what two installations hold under their prefixes apart", async () => {
  await using server = await RedisServer.start();
  const start = (storePrefix: string) =>
    createTestKernel({ plugins: [cachePlugin], config: { cache: { store: server.url, storePrefix } } });
  await using one = await start("one");
  await using two = await start("two");
  await one.resolve(CacheManager).set("k", "of one");
  expect(await two.resolve(CacheManager).get("k")).toBeUndefined();
  await two.resolve(CacheManager).clear();
  await using again = await start("one");
  expect(await again.resolve(CacheManager).get("k")).toBe("of one");
  await expect(start("no:colon")).rejects.toThrow("storePrefix");
  await Promise.all([one.stop(), two.stop(), again.stop()]);
});
