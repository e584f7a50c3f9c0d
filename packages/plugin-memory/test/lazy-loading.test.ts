import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createTestKernel } from "@mlmcp/core/testing";
import memoryPlugin, { MemoryOptimizer } from "@mlmcp/plugin-memory";
import { expect, it, onTestFinished } from "vitest";

const loaded = (library: string) =>
  Object.keys(createRequire(import.meta.url).cache).some((file) => file.includes(`/${library}/`));

it("loads an engine when it is first used, not before", async () => {
  await using kernel = await createTestKernel({ plugins: [memoryPlugin] });
  const memory = kernel.resolve(MemoryOptimizer);
  memory.processStats();
  expect([loaded("@duckdb/node-api"), loaded("flatbuffers")]).toEqual([false, false]);
  const directory = await mkdtemp(join(tmpdir(), "mlmcp-memory-test-"));
  onTestFinished(() => rm(directory, { recursive: true }));
  await writeFile(join(directory, "one.csv"), "a\n1\n");
  await memory.query(join(directory, "one.csv"), "SELECT * FROM data");
  expect(loaded("@duckdb/node-api")).toBe(true);
});
