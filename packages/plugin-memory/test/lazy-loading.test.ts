import { createRequire } from "node:module";
import { createTestKernel } from "@mlmcp/core/testing";
import memoryPlugin, { MemoryOptimizer } from "@mlmcp/plugin-memory";
import { expect, it } from "vitest";

const loaded = (library: string) => Object.keys(createRequire(import.meta.url).cache).some((file) => file.includes(`/${library}/`));

it("loads an engine when it is first used, not before", async () => {
  await using kernel = await createTestKernel({ plugins: [memoryPlugin] });
  const memory = kernel.resolve(MemoryOptimizer);
  memory.processStats();
  expect([loaded("@duckdb/node-api"), loaded("flatbuffers")]).toEqual([false, false]);
  await memory.query(import.meta.filename.replace("lazy-loading.test.ts", "fixtures/one.csv"), "SELECT * FROM data");
  expect(loaded("@duckdb/node-api")).toBe(true);
});
