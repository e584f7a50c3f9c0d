import { monitorEventLoopDelay } from "node:perf_hooks";
import { setImmediate as turn, setTimeout as pause } from "node:timers/promises";
import { onEvent, service, type Kernel } from "@mlmcp/core";
import { createTestKernel } from "@mlmcp/core/testing";
import { cached, CacheManager, cachePlugin } from "@mlmcp/plugin-cache";
import { afterAll, beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { hasPostgres, PostgresServer } from "../support/postgres-server.js";
import { hasRedis, RedisServer } from "../support/redis-server.js";
import { TcpProxy } from "../support/tcp-proxy.js";

const storeTimeout = 250;

@service()
class Rates {
  @cached({ ttl: "1h", tags: ["rates"] })
  async of(n: number): Promise<{ twice: number }> {
    await pause(1);
    return { twice: n * 2 };
  }
}
afterAll(() => void Rates);

beforeEach(() => {
  // That a store is cut off is said once, as a process warning.
  vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);
});

async function start(store: string): Promise<Kernel> {
  const kernel = await createTestKernel({
    plugins: [cachePlugin],
    // Next to nothing in memory, so that nearly every call needs the store.
    config: { cache: { store, storeTimeout, maxEntries: 50 } },
  });
  onTestFinished(() => kernel.stop());
  return kernel;
}

/** Calls without a pause, until the fault is over and calls are answered by the store again. */
async function loadDuring(kernel: Kernel, fault: () => Promise<void>) {
  const rates = kernel.resolve(Rates);
  const failures: unknown[] = [];
  let [calls, slowest] = [0, 0];
  const over = new AbortController();
  const lag = monitorEventLoopDelay({ resolution: 5 });
  lag.enable();
  const worker = async (): Promise<void> => {
    while (!over.signal.aborted) {
      const n = Math.floor(Math.random() * 500);
      const started = performance.now();
      try {
        const { twice } = await rates.of(n);
        if (twice !== n * 2) failures.push(new Error(`${n} gave ${twice}`));
      } catch (error) {
        failures.push(error);
      }
      slowest = Math.max(slowest, performance.now() - started);
      calls += 1;
      // Calls that are answered from memory would let nothing else run.
      await turn();
    }
  };
  const workers = Array.from({ length: 8 }, worker);
  try {
    await pause(500);
    await fault();
    await vi.waitFor(() => expectHitsInStore(kernel), { interval: 100 });
  } finally {
    over.abort();
    await Promise.all(workers);
  }
  lag.disable();
  return { calls, failures, slowest, lag: lag.max / 1e6 };
}

async function expectHitsInStore(kernel: Kernel): Promise<void> {
  expect((await kernel.health()).status).toBe("up");
  const hits = async () =>
    (await kernel.resolve(CacheManager).stats()).operations["Rates.of"]!.hitsByTier.store;
  const before = (await hits()) ?? 0;
  await pause(100);
  expect(await hits()).toBeGreaterThan(before);
}

type Load = Awaited<ReturnType<typeof loadDuring>>;

/** What a call waits for the store, the method, and what a busy machine adds to both. */
function expectUnharmed({ calls, failures, slowest, lag }: Load): void {
  expect(failures).toEqual([]);
  expect(calls).toBeGreaterThan(100);
  expect(slowest).toBeLessThan(storeTimeout * 1.2 + 50 + 3 * lag);
}

interface Faulty extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  start(): Promise<void>;
  kill(): Promise<void>;
  pause(): void;
  resume(): void;
}

const servers: Record<string, { has: boolean; start(): Promise<Faulty> }> = {
  Redis: { has: hasRedis(), start: () => RedisServer.start() },
  Postgres: { has: hasPostgres, start: () => PostgresServer.start() },
};

describe.each(Object.entries(servers))(
  "with %s for a store, no call fails or waits long",
  (_, { has, start: boot }) => {
    it.skipIf(!has)("where it is stopped, and started again", async () => {
      await using server = await boot();
      const kernel = await start(server.url);
      const load = await loadDuring(kernel, async () => {
        await server.kill();
        await pause(1_500);
        await vi.waitFor(async () =>
          expect(await kernel.health()).toMatchObject({
            checks: {
              "@mlmcp/plugin-cache/store": { status: "degraded", details: { serving: "memory only" } },
            },
          }),
        );
        await server.start();
      });
      expectUnharmed(load);
    });

    it.skipIf(!has)(
      "and one event of each action, the beginning and the end of the outage are told",
      async () => {
        await using server = await boot();
        const kernel = await start(server.url);
        const rates = kernel.resolve(Rates);
        const manager = kernel.resolve(CacheManager);
        const actions: string[] = [];
        const outages: object[] = [];
        for (const end of [
          onEvent("cache:error", ({ action }) => void actions.push(action)),
          onEvent("cache:store-down", ({ store, waiting }) => void outages.push({ store, waiting })),
          onEvent("cache:store-up", ({ ms, written, lost }) => void outages.push({ ms, written, lost })),
        ])
          onTestFinished(end);
        await rates.of(0);
        await server.kill();
        const calls = async (): Promise<void> => {
          for (let n = 1; n <= 40; n++) {
            await rates.of(n);
            await manager.set(["k", n], n);
            await manager.invalidateTags([`t${n}`]).catch(() => undefined);
            await pause(30);
          }
        };
        await calls();
        expect(actions.length).toBe(new Set(actions).size);
        expect((await manager.stats()).errors).toBe(actions.length);
        expect(outages).toEqual([
          { store: expect.stringContaining("127.0.0.1"), waiting: expect.any(Number) },
        ]);
        const before = actions.length;
        await calls();
        expect(actions.slice(before)).toEqual([]);
        await server.start();
        await vi.waitFor(() => expect(outages).toHaveLength(2), { interval: 50 });
        expect(outages[1]).toMatchObject({ ms: expect.any(Number), written: expect.any(Number), lost: 0 });
        expect((outages[1] as { written: number }).written).toBeGreaterThan(80);
        expect(actions.slice(before)).toEqual([]);
        await kernel.stop();
      },
    );

    it.skipIf(!has)("where it stands still for a while", async () => {
      await using server = await boot();
      const load = await loadDuring(await start(server.url), async () => {
        server.pause();
        await pause(1_500);
        server.resume();
      });
      expectUnharmed(load);
    });

    it.skipIf(!has)("where it becomes too slow", async () => {
      await using server = await boot();
      await using proxy = await TcpProxy.start(server.port);
      const kernel = await start(server.url.replace(String(server.port), String(proxy.port)));
      const load = await loadDuring(kernel, async () => {
        proxy.delay = 1_000;
        await pause(2_000);
        proxy.delay = 0;
      });
      expectUnharmed(load);
      await kernel.stop();
    });

    it.skipIf(!has)(
      "where its connections are lost again and again, with what was asked and not answered",
      async () => {
        await using server = await boot();
        await using proxy = await TcpProxy.start(server.port);
        const kernel = await start(server.url.replace(String(server.port), String(proxy.port)));
        const load = await loadDuring(kernel, async () => {
          for (let time = 0; time < 10; time++) {
            proxy.cut();
            proxy.mend();
            await pause(300);
          }
        });
        expectUnharmed(load);
        await kernel.stop();
      },
    );

    it.skipIf(!has)("where it is not there at the start", async () => {
      await using server = await boot();
      await server.kill();
      const begun = performance.now();
      const kernel = await start(server.url);
      // Of the 30 s that a start may take.
      expect(performance.now() - begun).toBeLessThan(15_000);
      const load = await loadDuring(kernel, () => server.start());
      expectUnharmed(load);
    });

    it.skipIf(!has)(
      "and what is invalidated meanwhile is outdated everywhere as soon as it is back",
      async () => {
        await using server = await boot();
        await using proxy = await TcpProxy.start(server.port);
        const [near, far] = [
          await start(server.url),
          await start(server.url.replace(String(server.port), String(proxy.port))),
        ];
        const [nearby, remote] = [near.resolve(CacheManager), far.resolve(CacheManager)];
        await nearby.set("k", "old", { tags: ["t"] });
        // News of the entry that come while it is read make the read a miss.
        await vi.waitFor(async () => expect(await remote.get("k")).toBe("old"));
        proxy.cut();
        await vi.waitFor(async () =>
          expect((await far.health()).checks).toMatchObject({
            "@mlmcp/plugin-cache/store": { status: "degraded" },
          }),
        );
        await expect(remote.invalidateTags(["t"])).rejects.toThrow();
        expect(await remote.get("k")).toBeUndefined();
        expect(await nearby.get("k")).toBe("old");
        proxy.mend();
        await vi.waitFor(async () => expect(await nearby.get("k")).toBeUndefined(), { interval: 50 });
        await far.stop();
      },
    );
  },
);
