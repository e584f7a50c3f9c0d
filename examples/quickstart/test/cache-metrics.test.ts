import { createTestKernel } from "@mlmcp/core/testing";
import { cached, CacheManager, cachePlugin } from "@mlmcp/plugin-cache";
import { monitorPlugin, PerformanceMonitor } from "@mlmcp/plugin-monitor";
import type { KernelConfig } from "@mlmcp/core";
import { describe, expect, it, vi } from "vitest";

class Forecasts {
  @cached()
  async of(city: string): Promise<string> {
    return `${city}: 21 °C`;
  }

  @cached({ namespace: "small" })
  async archive(year: number): Promise<string> {
    return `The sun shone in ${year}.`;
  }
}

const start = (cache: KernelConfig["cache"]) =>
  createTestKernel({ plugins: [cachePlugin, monitorPlugin], config: { cache } });

type Running = Awaited<ReturnType<typeof start>>;

/** The samples of the cache's metrics, as lines without the common prefix. */
async function cacheMetrics(kernel: Running): Promise<string[]> {
  const text = await kernel.resolve(PerformanceMonitor).metrics();
  return text
    .split("\n")
    .filter((line) => line.startsWith("mlmcp_cache_"))
    .map((line) => line.replace("mlmcp_cache_", ""));
}

describe("with a cache and a monitor in one kernel, the metrics tell", () => {
  it("hits, misses, writes and evictions of each operation, and what memory holds by namespace", async () => {
    await using kernel = await start({
      store: "memory:",
      maxEntries: 2,
      namespaces: { small: { maxEntries: 10, maxBytes: "1MB" } },
    });
    const forecasts = kernel.adopt(new Forecasts());
    for (const city of ["Oslo", "Oslo", "Rome", "Nice", "Bonn"]) await forecasts.of(city);
    await forecasts.archive(1_950);
    await kernel.resolve(CacheManager).set("by hand", 1);
    const lines = await cacheMetrics(kernel);
    expect(lines).toEqual(
      expect.arrayContaining([
        'requests_total{operation="Forecasts.of",result="hit",tier="memory"} 1',
        'requests_total{operation="Forecasts.of",result="miss"} 4',
        'requests_total{operation="Forecasts.archive",result="miss"} 1',
        'writes_total{operation="Forecasts.of",tier="memory"} 4',
        'writes_total{operation="",tier="memory"} 1',
        'memory_entries{namespace=""} 2',
        'memory_entries{namespace="small"} 1',
        'memory_max_entries{namespace=""} 2',
        'memory_max_entries{namespace="small"} 10',
        'memory_max_bytes{namespace="small"} 1048576',
      ]),
    );
    const evicted = lines.filter((line) => line.startsWith("evictions_total{"));
    expect(evicted.map((line) => Number(line.split(" ")[1])).reduce((sum, count) => sum + count)).toBe(3);
    expect(evicted.join()).toContain('operation="Forecasts.of"');
    const bytes = lines.filter((line) => line.startsWith("memory_bytes{"));
    expect(bytes.map((line) => Number(line.split(" ")[1]) > 0)).toEqual([true, true]);
    expect(lines.join()).not.toContain("store_");
  });

  it("the seconds that hits have saved, and results that are too large for memory", async () => {
    await using kernel = await start({ store: "memory:", maxBytes: 2_000 });
    const manager = kernel.resolve(CacheManager);
    const slow = kernel.wrap(
      async (size: number) => {
        await new Promise((resolve) => setTimeout(resolve, 20));
        return "x".repeat(size);
      },
      { name: "slow", cached: {} },
    );
    for (let call = 0; call < 3; call++) await slow(10);
    await slow(10_000);
    await manager.set("large", "y".repeat(10_000));
    const lines = await cacheMetrics(kernel);
    const saved = lines.find((line) => line.startsWith('saved_seconds_total{operation="slow"} '))!;
    const { savedMs } = (await manager.stats()).operations["slow"]!;
    expect(Number(saved.split(" ")[1])).toBeCloseTo(savedMs / 1_000, 6);
    expect(savedMs).toBeGreaterThan(30);
    expect(lines).toEqual(
      expect.arrayContaining([
        'refused_total{operation="slow"} 1',
        // By hand, on no operation's behalf.
        'refused_total{operation=""} 1',
      ]),
    );
  });

  it("that the store is cut off, what failed in it, and what waits for it", async () => {
    vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);
    let isDown = false;
    const kept = new Map<string, unknown>();
    const asked = async <T>(answer: () => T): Promise<T> => {
      if (isDown) throw new Error("no answer");
      return answer();
    };
    const store = {
      opts: {},
      on: () => store,
      get: (key: string) => asked(() => kept.get(key)),
      set: (key: string, value: unknown) => asked(() => void kept.set(key, value)),
      delete: (key: string) => asked(() => kept.delete(key)),
      clear: () => asked(() => kept.clear()),
    };
    await using kernel = await start({ store: store as never });
    const forecasts = kernel.adopt(new Forecasts());
    await forecasts.of("Oslo");
    await vi.waitFor(async () =>
      expect(await cacheMetrics(kernel)).toEqual(
        expect.arrayContaining([
          "store_up 1",
          "store_waiting_writes 0",
          "store_lost_writes_total 0",
          // A rate needs what was there before.
          "outages_total 0",
          "recoveries_total 0",
        ]),
      ),
    );
    isDown = true;
    for (const city of ["Rome", "Nice", "Bonn", "Kiel"]) await forecasts.of(city);
    await vi.waitFor(async () =>
      expect(await cacheMetrics(kernel)).toEqual(
        expect.arrayContaining([
          "store_up 0",
          "store_waiting_writes 4",
          "outages_total 1",
          'errors_total{operation="Forecasts.of",action="get"} 1',
        ]),
      ),
    );
    expect(await kernel.health()).toMatchObject({ status: "degraded" });
    isDown = false;
    await vi.waitFor(async () =>
      expect(await cacheMetrics(kernel)).toEqual(
        expect.arrayContaining(["store_up 1", "store_waiting_writes 0", "recoveries_total 1"]),
      ),
    );
    vi.restoreAllMocks();
  });
});
