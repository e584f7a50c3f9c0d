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
