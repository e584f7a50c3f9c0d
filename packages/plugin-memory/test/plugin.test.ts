import { readdir, writeFile } from "node:fs/promises";
import { createTestKernel, runPluginContract } from "@mlmcp/core/testing";
import memoryPlugin, { MemoryOptimizer } from "@mlmcp/plugin-memory";
import { describe, expect, it } from "vitest";
import { parquetFile, temporaryDirectory, temporaryFile } from "./fixtures.js";

describe("the plugin", () => {
  it("keeps the contract of plugins", () => runPluginContract({ plugin: memoryPlugin }));

  it("injects one optimizer for each kernel", async () => {
    await using first = await createTestKernel({ plugins: [memoryPlugin] });
    await using second = await createTestKernel({ plugins: [memoryPlugin] });
    expect(first.resolve(MemoryOptimizer)).toBe(first.resolve(MemoryOptimizer));
    expect(first.resolve(MemoryOptimizer)).not.toBe(second.resolve(MemoryOptimizer));
  });

  it("refuses a limit that nothing can work with", async () => {
    await expect(
      createTestKernel({ plugins: [memoryPlugin], config: { memory: { maxMemoryMb: 1 } } }),
    ).rejects.toThrow("memory.maxMemoryMb");
  });

  it("takes another limit from a reload, while the engine is open", async () => {
    const rc = await temporaryFile("rc.yaml", "memory: { maxMemoryMb: 100 }\n");
    await using kernel = await createTestKernel({ plugins: [memoryPlugin], configFile: rc });
    const memory = kernel.resolve(MemoryOptimizer);
    const limit = async () => {
      const sql = "SELECT current_setting('memory_limit') AS value FROM data";
      return (await memory.query(await temporaryFile("one.csv", "a\n1\n"), sql))[0]!["value"];
    };
    expect(await limit()).toBe("100.0 MiB");
    await writeFile(rc, "memory: { maxMemoryMb: 200 }\n");
    await kernel.reload();
    expect(await limit()).toBe("200.0 MiB");
  });

  it("spills to disk what exceeds the limit, and removes it at stop", async () => {
    const tempDirectory = await temporaryDirectory();
    const file = await parquetFile(
      "SELECT i * 7919 % 2000003 AS a, 'a text of some length ' || i AS b FROM range(2000000) t(i)",
    );
    const kernel = await createTestKernel({
      plugins: [memoryPlugin],
      config: { memory: { maxMemoryMb: 128, tempDirectory } },
    });
    const chunks = kernel.resolve(MemoryOptimizer).stream(file, "SELECT a, b FROM data ORDER BY a, b");
    const { value } = await chunks.next();
    expect(value!.columns["a"]![0]).toBe(0);
    expect(await readdir(tempDirectory)).toHaveLength(1);
    await kernel.stop();
    expect(await readdir(tempDirectory)).toEqual([]);
    await expect(chunks.next()).rejects.toMatchObject({ code: "MLMCP_MEMORY_CLOSED" });
  });

  it("interrupts what runs when its kernel stops, and refuses what comes after", async () => {
    const file = await parquetFile("SELECT i FROM range(100000) t(i)");
    const kernel = await createTestKernel({ plugins: [memoryPlugin] });
    const memory = kernel.resolve(MemoryOptimizer);
    await memory.query(file, "SELECT 1 FROM data LIMIT 1");
    const endless = memory
      .query(file, "SELECT count(*) FROM data a, data b, data c")
      .catch((error: unknown) => error);
    await memory.analyze(file);
    await kernel.stop();
    expect(await endless).toMatchObject({ code: "MLMCP_MEMORY_CLOSED" });
    await expect(memory.analyze(file)).rejects.toMatchObject({
      name: "ProcessingError",
      code: "MLMCP_MEMORY_CLOSED",
      message: expect.stringContaining("kernel has stopped"),
    });
  });
});

describe("processStats", () => {
  it("reports bytes that can be true", async () => {
    await using kernel = await createTestKernel({ plugins: [memoryPlugin] });
    const memory = kernel.resolve(MemoryOptimizer);
    const held = new Uint8Array(50 * 1024 ** 2).fill(1);
    const after = memory.processStats();
    expect(after.arrayBuffers).toBeGreaterThanOrEqual(held.byteLength);
    expect(after.external).toBeGreaterThanOrEqual(after.arrayBuffers);
    expect(after.peakRss).toBeGreaterThanOrEqual(after.rss);
    expect(after.heapUsed).toBeLessThan(after.heapLimit);
    expect(after.available).toBeLessThan(1e15);
    expect(after.free).toBeLessThanOrEqual(after.available);
  });
});
