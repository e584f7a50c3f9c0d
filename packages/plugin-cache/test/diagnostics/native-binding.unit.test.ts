import { join } from "node:path";
import { createTestKernel } from "@mlmcp/core/testing";
import { cachePlugin } from "@mlmcp/plugin-cache";
import { definePlugin, type Finding } from "@mlmcp/core";
import { describe, expect, it } from "vitest";
import { nativeBinding } from "../../src/diagnostics/native-binding.js";
import { temporaryDirectory } from "../temporary.js";

/** What the rule says under a configuration, in a kernel that has not started. */
async function findings(config: object, load?: () => Promise<unknown>): Promise<readonly Finding[]> {
  let found: readonly Finding[] = [];
  const asking = definePlugin({
    name: "asking",
    start: async (kernel) => void (found = await nativeBinding(load).diagnose(kernel)),
  });
  const store = { cache: { store: "memory:" }, ...config };
  await using _ = await createTestKernel({ plugins: [asking, cachePlugin], config: store });
  return found;
}

const sqlite = { cache: { store: "sqlite://cache.db" }, performance: { enableCaching: false } };
const broken = () => Promise.reject(new Error("Could not locate the bindings file. Tried:\n → a\n → b"));

describe("native-binding", () => {
  it("finds native code that does not load, and not its mended twin", async () => {
    const on = { cache: { store: `sqlite://${join(temporaryDirectory(), "cache.db")}` } };
    expect(await findings(on, broken)).toEqual([
      {
        level: "error",
        message:
          "cache.store names a SQLite file, but the native part of sqlite3 does not load: Could not locate the bindings file. Tried:",
        mend: expect.stringContaining("npm rebuild sqlite3"),
      },
    ]);
    expect(await findings(on)).toEqual([]);
  });

  it("does not ask for what is not used", async () => {
    expect(await findings({ cache: { store: "memory:" } }, broken)).toEqual([]);
    expect(await findings(sqlite, broken)).toEqual([]);
  });
});
