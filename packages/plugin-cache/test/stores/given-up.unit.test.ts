import type { Kernel } from "@mlmcp/core";
import { createTestKernel } from "@mlmcp/core/testing";
import { CacheManager, cachePlugin } from "@mlmcp/plugin-cache";
import { expect, it, onTestFinished, vi } from "vitest";
import { hasRedis, RedisServer } from "../support/redis-server.js";

async function start(store: string): Promise<Kernel> {
  const kernel = await createTestKernel({ plugins: [cachePlugin], config: { cache: { store } } });
  onTestFinished(() => kernel.stop());
  return kernel;
}

it.skipIf(!hasRedis())(
  "what is set by hand and given up, as by a Redis that is a replica for too long, leaves others nothing older",
  async () => {
    vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);
    onTestFinished(() => void vi.restoreAllMocks());
    await using server = await RedisServer.start();
    const [one, other] = [await start(server.url), await start(server.url)];
    const [mine, others] = [one.resolve(CacheManager), other.resolve(CacheManager)];
    await mine.set("k", "old");
    await vi.waitFor(async () => expect(await others.get("k")).toBe("old"));
    server.ask("REPLICAOF", "127.0.0.1", "1");
    expect(await mine.set("k", "new")).toBe(false);
    await vi.waitFor(
      async () =>
        expect((await one.health()).checks["@mlmcp/plugin-cache/store"]).toMatchObject({
          details: { lostWrites: 1 },
        }),
      { interval: 100, timeout: 40_000 },
    );
    server.ask("REPLICAOF", "NO", "ONE");
    await vi.waitFor(async () => expect(await others.get("k")).toBeUndefined(), {
      interval: 100,
      timeout: 40_000,
    });
    await Promise.all([one.stop(), other.stop()]);
  },
);
