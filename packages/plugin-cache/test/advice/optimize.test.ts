import { setTimeout as sleep } from "node:timers/promises";
import type { Kernel } from "@mlmcp/core";
import { createTestKernel } from "@mlmcp/core/testing";
import { cached, cachePlugin, CacheManager, type Advice } from "@mlmcp/plugin-cache";
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";

async function start(cache: object = {}): Promise<Kernel> {
  const kernel = await createTestKernel({
    plugins: [cachePlugin],
    config: { cache: { store: "memory:", ...cache } },
  });
  onTestFinished(() => kernel.stop());
  return kernel;
}

const adviceOf = (kernel: Kernel): Promise<Advice[]> => kernel.resolve(CacheManager).optimize();

function stopClock(): void {
  vi.useFakeTimers({ toFake: ["Date"] });
  onTestFinished(() => void vi.useRealTimers());
}

describe("ttl-too-short", () => {
  class Rates {
    /** Whether each call gives another one. */
    static moving = false;
    static calls = 0;
    @cached({ ttl: "1m", name: "Rates.load" })
    async load(currency: string): Promise<{ currency: string; rate: number }> {
      Rates.calls++;
      await sleep(1);
      return { currency, rate: Rates.moving ? Rates.calls : 1.08 };
    }
  }

  /** Asks again and again, half a ttl after the last result has run out. */
  async function askAgain(kernel: Kernel, pause = 90_000): Promise<void> {
    const rates = kernel.adopt(new Rates());
    for (let round = 0; round < 25; round++) {
      await rates.load("EUR");
      vi.advanceTimersByTime(pause);
    }
  }

  it("is told where values run out, are made again soon, and come out the same", async () => {
    stopClock();
    Rates.moving = false;
    const kernel = await start();
    await askAgain(kernel);
    expect(await adviceOf(kernel)).toEqual([
      {
        rule: "ttl-too-short",
        operation: "Rates.load",
        measured:
          "24 of 25 values were made again no later than one ttl after the one before had run out; 24 of 24 that were compared were equal to it.",
        gain: expect.stringMatching(/^About 24 calls of the method, [\d.]+ ms \(\d+ % of all its time\)\.$/),
        savesMs: expect.any(Number),
        mend: "Double the ttl, 1m now. Where that is too long for the values that do change, let the method say unchanged(), or invalidate by tags.",
        setting: 'operations."Rates.load".cached.ttl',
        value: "2m",
      },
    ]);
  });

  it("is not told with the ttl that it advises, where every second call is a hit", async () => {
    stopClock();
    Rates.moving = false;
    const kernel = await createTestKernel({
      plugins: [cachePlugin],
      config: { cache: { store: "memory:" }, operations: { "Rates.load": { cached: { ttl: "2m" } } } },
    });
    onTestFinished(() => kernel.stop());
    Rates.calls = 0;
    await askAgain(kernel);
    expect(Rates.calls).toBe(13);
    expect(await adviceOf(kernel)).toEqual([]);
  });

  it("is not told where the values have changed, nor where they were asked for much later", async () => {
    stopClock();
    Rates.moving = true;
    const moving = await start();
    await askAgain(moving);
    expect(await adviceOf(moving)).toEqual([]);
    await moving.stop();
    Rates.moving = false;
    const rare = await start();
    await askAgain(rare, 180_000);
    expect(await adviceOf(rare)).toEqual([]);
  });
});

describe("memory-too-small", () => {
  class Pages {
    @cached({ name: "Pages.load" })
    async load(page: number): Promise<string> {
      return `page ${page}`;
    }
    @cached({ name: "Pages.frame", namespace: "frames" })
    async frame(page: number): Promise<string> {
      return `frame ${page}`;
    }
  }
  /** Each page twice in turn, of more pages than the memory of the defect has room for. */
  async function loop(kernel: Kernel, method: "load" | "frame" = "load"): Promise<void> {
    const pages = kernel.adopt(new Pages());
    for (let round = 0; round < 10; round++) for (let page = 0; page < 30; page++) await pages[method](page);
  }

  it("is told where values had been evicted shortly before they were asked for again", async () => {
    const kernel = await start({ maxEntries: 20 });
    await loop(kernel);
    const [advice, ...others] = await adviceOf(kernel);
    expect(others).toEqual([]);
    expect(advice).toMatchObject({
      rule: "memory-too-small",
      mend: "Double maxEntries, 20 now.",
      setting: "cache.maxEntries",
      value: 40,
    });
    expect(advice!.measured).toMatch(
      /^\d+ values had been evicted shortly before they were asked for again \(\d+ evictions, 300 look-ups\); memory holds 20 of 20 entries\.$/,
    );
    expect(advice!.gain).toMatch(
      /^Hits in memory from \d+ % to about \d+ % of all look-ups, [\d.]+ m?s of calling the methods\.$/,
    );
  });

  it("is not told with the room that it advises", async () => {
    const kernel = await start({ maxEntries: 40 });
    await loop(kernel);
    expect(await adviceOf(kernel)).toEqual([]);
  });

  it("names the namespace whose room is too small, and the range where memory adapts", async () => {
    const kernel = await start({ namespaces: { frames: { maxEntries: 20 } } });
    await loop(kernel, "frame");
    expect(await adviceOf(kernel)).toMatchObject([
      { rule: "memory-too-small", setting: 'cache.namespaces."frames".maxEntries', value: 40 },
    ]);
    const adaptive = await start({ maxEntries: 20, adaptive: { min: 10, max: 20 } });
    await loop(adaptive);
    expect(await adviceOf(adaptive)).toMatchObject([{ setting: "cache.adaptive.max" }]);
  });
});

describe("key-too-fine", () => {
  class Search {
    @cached({ name: "Search.find" })
    async find(region: string, _requestId: number): Promise<string> {
      return region;
    }
    @cached({ name: "Search.mended", key: (region: string) => region })
    async mended(region: string, _requestId: number): Promise<string> {
      return region;
    }
    @cached({ name: "Search.by" })
    async by({ region }: { region: string; requestId: number }): Promise<string> {
      return region;
    }
  }
  const regions = ["EU", "US", "ASIA"];

  it("is told with the argument that differs each time, while the others repeat", async () => {
    const kernel = await start();
    const search = kernel.adopt(new Search());
    for (let call = 0; call < 200; call++) await search.find(regions[call % 3]!, call);
    const [advice, ...others] = await adviceOf(kernel);
    expect(others).toEqual([]);
    expect(advice).toMatchObject({ rule: "key-too-fine", operation: "Search.find" });
    expect(advice!.measured).toMatch(
      /^200 calls had about (190|200|210) different keys, because argument 2 was another one nearly every time; without it the \d+ calls that were looked at would have had about 3\.$/,
    );
    expect(advice!.mend).toContain("Leave argument 2 out of the key");
  });

  it("is told with the property of an object", async () => {
    const kernel = await start();
    const search = kernel.adopt(new Search());
    for (let call = 0; call < 200; call++) await search.by({ region: regions[call % 3]!, requestId: call });
    const [advice] = await adviceOf(kernel);
    expect(advice).toMatchObject({ rule: "key-too-fine", operation: "Search.by" });
    expect(advice!.measured).toContain("because argument 1's requestId was another one nearly every time");
  });

  it("is not told once the key leaves it out", async () => {
    const kernel = await start();
    const search = kernel.adopt(new Search());
    for (let call = 0; call < 200; call++) await search.mended(regions[call % 3]!, call);
    expect(await adviceOf(kernel)).toEqual([]);
  });
});

describe("never-hit", () => {
  class Tokens {
    @cached({ name: "Tokens.check" })
    async check(token: string): Promise<{ token: string }> {
      return { token };
    }
  }

  it("is told where results are kept that nobody asks for again", async () => {
    const kernel = await start();
    const tokens = kernel.adopt(new Tokens());
    for (let call = 0; call < 200; call++) await tokens.check(`token ${call}`);
    const [advice, ...others] = await adviceOf(kernel);
    expect(others).toEqual([]);
    expect(advice).toMatchObject({
      rule: "never-hit",
      operation: "Tokens.check",
      mend: "Turn caching off for it, or give it a coarser `key`.",
      setting: 'operations."Tokens.check".cached',
      value: false,
    });
    expect(advice!.measured).toMatch(
      /^200 results were kept and 0 given again; hardly a key came twice \(about \d+ in 200 calls\)\.$/,
    );
  });

  it("names no gain where nothing is held and nothing was written", async () => {
    stopClock();
    const kernel = await start({ ttl: "1m" });
    const tokens = kernel.adopt(new Tokens());
    for (let call = 0; call < 200; call++) await tokens.check(`token ${call}`);
    expect(await adviceOf(kernel)).toMatchObject([{ gain: expect.stringMatching(/ of memory for/) }]);
    await kernel.resolve(CacheManager).clear();
    const [advice] = await adviceOf(kernel);
    expect(advice).toMatchObject({ rule: "never-hit" });
    expect(advice).not.toHaveProperty("gain");
  });

  it("says so where keys do come again, but after their results were gone", async () => {
    const kernel = await start({ maxEntries: 1 });
    const tokens = kernel.adopt(new Tokens());
    for (let call = 0; call < 200; call++) await tokens.check(`token ${call % 50}`);
    const advice = (await adviceOf(kernel)).find(({ rule }) => rule === "never-hit");
    expect(advice?.measured).toMatch(
      /^200 results were kept and 0 given again; keys came again \(about \d+ in 200 calls\) once their results were gone: 0 had run out shortly before, \d+ were evicted\.$/,
    );
    expect(advice).not.toHaveProperty("value");
  });

  it("is not told where they are asked for again, nor once caching is off", async () => {
    const kernel = await start();
    const tokens = kernel.adopt(new Tokens());
    for (let call = 0; call < 200; call++) await tokens.check(`token ${call % 150}`);
    expect(await adviceOf(kernel)).toEqual([]);
    const off = await createTestKernel({
      plugins: [cachePlugin],
      config: { cache: { store: "memory:" }, operations: { "Tokens.check": { cached: false } } },
    });
    onTestFinished(() => off.stop());
    const uncached = off.adopt(new Tokens());
    for (let call = 0; call < 200; call++) await uncached.check(`token ${call}`);
    expect(await adviceOf(off)).toEqual([]);
  });
});

describe("results-too-large", () => {
  class Images {
    @cached({ name: "Images.render" })
    async render(_name: string): Promise<Buffer> {
      return Buffer.alloc(200_000);
    }
    @cached({ name: "Images.title" })
    async title(name: string): Promise<string> {
      return `A picture of ${name}`;
    }
  }

  it("is told where one result alone is larger than the memory", async () => {
    const kernel = await start({ maxBytes: "100KB" });
    const images = kernel.adopt(new Images());
    for (let call = 0; call < 6; call++) await images.render("cat");
    expect(await adviceOf(kernel)).toMatchObject([
      {
        rule: "results-too-large",
        operation: "Images.render",
        measured:
          "6 results, the largest of about 196 KB, were not kept in memory, which holds 100 KB at most.",
        setting: "cache.maxBytes",
        value: "1MB",
      },
    ]);
    const mended = await start({ maxBytes: "1MB" });
    const same = mended.adopt(new Images());
    for (let call = 0; call < 6; call++) await same.render("cat");
    expect(await adviceOf(mended)).toEqual([]);
  });

  it("is told where some that are hardly asked for take the room of others, and not with room of their own", async () => {
    const use = async (kernel: Kernel): Promise<void> => {
      const images = kernel.adopt(new Images());
      for (let call = 0; call < 12; call++) {
        await images.render(`scene ${call}`);
        for (let other = 0; other < 20; other++) await images.title(`animal ${other % 10}`);
      }
    };
    const kernel = await start({ maxBytes: "1MB" });
    await use(kernel);
    expect(await adviceOf(kernel)).toMatchObject([
      {
        rule: "results-too-large",
        operation: "Images.render",
        setting: 'operations."Images.render".cached.namespace',
      },
    ]);
    const mended = await createTestKernel({
      plugins: [cachePlugin],
      config: {
        cache: { store: "memory:", maxBytes: "1MB", namespaces: { images: { maxEntries: 10 } } },
        operations: { "Images.render": { cached: { namespace: "images" } } },
      },
    });
    onTestFinished(() => mended.stop());
    await use(mended);
    expect(await adviceOf(mended)).toEqual([]);
  });
});

describe("store-slow", () => {
  class Labels {
    @cached({ name: "Labels.of" })
    async of(id: number): Promise<string> {
      vi.advanceTimersByTime(1);
      return `label ${id}`;
    }
  }
  // What takes time here takes it of this clock, whatever else the machine does.
  beforeEach(() => void vi.useFakeTimers({ toFake: ["performance"] }));
  afterEach(() => void vi.useRealTimers());

  /** @param latency of each look-up, in milliseconds */
  const adapter = (latency: number): object => {
    const entries = new Map<string, unknown>();
    return {
      get: async (key: string) => {
        vi.advanceTimersByTime(latency);
        return entries.get(key);
      },
      set: async (key: string, value: unknown) => void entries.set(key, value),
      delete: async (key: string) => entries.delete(key),
      clear: async () => entries.clear(),
    };
  };
  const use = async (kernel: Kernel): Promise<void> => {
    const labels = kernel.adopt(new Labels());
    for (let id = 0; id < 60; id++) await labels.of(id);
  };

  it("is told where asking the store takes longer than the method", async () => {
    const kernel = await start({ store: adapter(30) });
    await use(kernel);
    const [advice, ...others] = await adviceOf(kernel);
    expect(others).toEqual([]);
    expect(advice).toMatchObject({
      rule: "store-slow",
      operation: "Labels.of",
      measured: "A look-up in the store took 30 ms on average (60 times), the method itself 1 ms.",
      savesMs: 60 * 30,
    });
  });

  it("is not told of a store that answers at once", async () => {
    const kernel = await start({ store: adapter(0) });
    await use(kernel);
    expect(await adviceOf(kernel)).toEqual([]);
  });
});

describe("isolate-costly", () => {
  class Tables {
    @cached({ name: "Tables.load" })
    async load(): Promise<object[]> {
      return Array.from({ length: 5_000 }, (_, row) => ({ row, name: `row ${row}` }));
    }
  }
  const use = async (kernel: Kernel): Promise<void> => {
    const tables = kernel.adopt(new Tables());
    for (let call = 0; call < 120; call++) await tables.load();
  };

  it("is told where each hit copies much", async () => {
    const kernel = await start();
    await use(kernel);
    const [advice, ...others] = await adviceOf(kernel);
    expect(others).toEqual([]);
    expect(advice).toMatchObject({
      rule: "isolate-costly",
      operation: "Tables.load",
      setting: 'operations."Tables.load".cached.isolate',
      value: false,
    });
    expect(advice!.measured).toMatch(
      /^A copy of a result takes [\d.]+ ms \(\d+ timed\), and each of 119 hits made one; making one takes [\d.]+ ms\.$/,
    );
  });

  it("is not told where results are shared", async () => {
    const kernel = await createTestKernel({
      plugins: [cachePlugin],
      config: { cache: { store: "memory:" }, operations: { "Tables.load": { cached: { isolate: false } } } },
    });
    onTestFinished(() => kernel.stop());
    await use(kernel);
    expect(await adviceOf(kernel)).toEqual([]);
  });
});

describe("errors-not-cached", () => {
  class NotFoundError extends Error {
    override readonly name = "NotFoundError";
  }
  class Users {
    @cached({ name: "Users.find" })
    async find(id: string): Promise<string> {
      throw new NotFoundError(`no user ${id}`);
    }
  }
  const use = async (kernel: Kernel): Promise<void> => {
    const users = kernel.adopt(new Users());
    for (let call = 0; call < 30; call++) await users.find(`u${call % 3}`).catch(() => undefined);
  };

  it("is told where a method fails again and again for the same keys", async () => {
    const kernel = await start();
    await use(kernel);
    expect(await adviceOf(kernel)).toMatchObject([
      {
        rule: "errors-not-cached",
        operation: "Users.find",
        measured:
          "27 of 30 failures followed one of the same key within 1 min; 27 of them were NotFoundError.",
        setting: 'operations."Users.find".cached.cacheErrors',
        value: { when: ["NotFoundError"], ttl: "10s" },
      },
    ]);
  });

  it("is not told with the setting that it advises", async () => {
    const kernel = await createTestKernel({
      plugins: [cachePlugin],
      config: {
        cache: { store: "memory:" },
        operations: { "Users.find": { cached: { cacheErrors: { when: ["NotFoundError"], ttl: "10s" } } } },
      },
    });
    onTestFinished(() => kernel.stop());
    await use(kernel);
    expect(await adviceOf(kernel)).toEqual([]);
  });
});
