import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Finding, Kernel } from "@mlmcp/core";
import { createTestKernel } from "@mlmcp/core/testing";
import { cachePlugin } from "@mlmcp/plugin-cache";
import { describe, expect, it, vi } from "vitest";
import { cacheStore } from "../../src/diagnostics/cache-store.js";
import { freePort } from "../support/free-port.js";
import { temporaryDirectory } from "../temporary.js";

const start = (store: string, performance: object = {}) =>
  createTestKernel({ plugins: [cachePlugin], config: { cache: { store }, performance } });
const findings = async (kernel: Kernel): Promise<readonly Finding[]> => cacheStore.diagnose(kernel as never);

describe("cache-store", () => {
  it("finds a file that cannot be opened, and nothing once it can", async () => {
    vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);
    const directory = join(temporaryDirectory(), "inner");
    writeFileSync(directory, "");
    const file = join(directory, "cache.db");
    await using kernel = await start(`sqlite://${file}`);
    expect(await findings(kernel)).toEqual([
      {
        level: "error",
        message: expect.stringMatching(
          new RegExp(
            `^The cache sqlite://${file} is not in use, so results are kept in memory only: .*ENOTDIR`,
          ),
        ),
        mend: "Mend or remove the file, or set `cache.store` to another one.",
      },
    ]);
    rmSync(directory);
    await kernel.health();
    expect(await findings(kernel)).toEqual([]);
  });

  it("finds a server that is not there", async () => {
    vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);
    const store = `redis://127.0.0.1:${await freePort()}`;
    await using kernel = await start(store);
    expect(await findings(kernel)).toEqual([
      {
        level: "error",
        message: expect.stringContaining(`The cache ${store} is not in use, so results are kept in memory`),
        mend: expect.stringMatching(/\S/),
      },
    ]);
  });

  it("is content with memory, with caching that is turned off and with a kernel that has not started", async () => {
    await using kernel = await start("memory:");
    expect(await findings(kernel)).toEqual([]);
    const store = `sqlite://${join(temporaryDirectory(), "none", "cache.db")}`;
    await using off = await start(store, { enableCaching: false });
    expect(await findings(off)).toEqual([]);
    const waiting = await createTestKernel({
      plugins: [cachePlugin],
      config: { cache: { store } },
      start: false,
    });
    expect(await findings(waiting)).toEqual([]);
    await waiting.stop();
  });
});
