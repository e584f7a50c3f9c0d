import { createTestKernel } from "@mlmcp/core/testing";
import { cachePlugin } from "@mlmcp/plugin-cache";
import { afterEach, beforeEach, describe, expect, it, vi, type MockInstance } from "vitest";

let warn: MockInstance<typeof process.emitWarning>;
beforeEach(() => void (warn = vi.spyOn(process, "emitWarning").mockImplementation(() => undefined)));
afterEach(() => vi.restoreAllMocks());

async function warnings(store: string, processes: number, more: object = {}): Promise<string[]> {
  const system = { environment: "production", processes };
  await using _ = await createTestKernel({
    plugins: [cachePlugin],
    config: { system, cache: { store }, ...more },
  });
  return warn.mock.calls.map(([message]) => String(message));
}

describe("a cache in memory only, in production", () => {
  it("is warned of under several processes", async () => {
    expect(await warnings("memory:", 2)).toEqual([
      expect.stringMatching(
        /^cache\.store is "memory:", and system\.processes is 2 .*each process has a cache of its own/,
      ),
    ]);
    expect(warn.mock.calls[0]?.[1]).toMatchObject({ detail: "@mlmcp/plugin-cache/shared-store" });
  });

  it("is fine in one process, and where nothing is cached", async () => {
    expect(await warnings("memory:", 1)).toEqual([]);
    expect(await warnings("memory:", 2, { performance: { enableCaching: false } })).toEqual([]);
  });
});

describe("a store on another machine, in production", () => {
  const check = cachePlugin.productionChecks!.find(({ name }) => name === "encrypted-store")!;
  const found = async (cache: object): Promise<unknown> => {
    await using kernel = await createTestKernel({
      plugins: [cachePlugin],
      config: { cache: { store: "memory:" } },
    });
    const { config } = kernel;
    const section = { ...config.section("cache"), ...cache };
    return check.check({
      ...kernel,
      config: { get: config.get.bind(config), section: () => section },
    } as never);
  };

  it("is warned of where what it holds is not encrypted, without the password", async () => {
    expect(await found({ store: "redis://app:hunter2@cache.example:6379/1" })).toEqual({
      level: "warn",
      message: expect.stringMatching(
        /^The cache keeps what methods return on redis:\/\/cache\.example:6379\/1, where/,
      ),
    });
    expect(await found({ store: "postgres://cache.example/db" })).toMatchObject({ level: "warn" });
  });

  it.each([
    [{ store: "redis://cache.example", encryptionKey: "a secret" }],
    [{ store: "redis://localhost" }],
    [{ store: "redis://127.0.0.1:6379" }],
    [{ store: "postgres://[::1]/db" }],
    [{ store: "sqlite://cache.db" }],
    [{ store: "memory:" }],
    [{ store: new Map() }],
  ])("is fine with %j", async (cache) => {
    expect(await found(cache)).toBeUndefined();
  });
});
