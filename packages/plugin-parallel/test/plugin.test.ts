import { createKernel, type KernelConfig } from "@mlmcp/core";
import { createTestKernel, runPluginContract } from "@mlmcp/core/testing";
import { ParallelProcessor, parallelPlugin } from "@mlmcp/plugin-parallel";
import { availableParallelism } from "node:os";
import { afterEach, describe, expect, it, vi } from "vitest";
import { Work } from "./fixtures/work.js";
import { rejectionOf, useKernels } from "./support/kernels.js";

const harness = useKernels("work", "broken");

describe("the number of workers", () => {
  const capacity = async (config: KernelConfig): Promise<number> => {
    await using kernel = await createTestKernel({ plugins: [parallelPlugin], config });
    return kernel.resolve(ParallelProcessor).stats().capacity;
  };

  it("is parallel.workers, else performance.nJobs, else the processors, 8 at most", async () => {
    expect(await capacity({ parallel: { workers: 3 }, performance: { nJobs: 5 } })).toBe(3);
    expect(await capacity({ performance: { nJobs: 5 } })).toBe(5);
    expect(await capacity({ performance: { nJobs: -1 } })).toBe(availableParallelism());
    expect(await capacity({})).toBe(Math.min(8, availableParallelism()));
  });

  it("grows to what a decorator asks for", async () => {
    const kernel = await harness.start({
      parallel: { workers: 1 },
      config: {
        operations: {
          "*": { parallel: { module: harness.compiled.url("work") } },
          "Work.place": { parallel: { workers: 3 } },
        },
      },
    });
    const work = kernel.resolve(Work);
    const places = await Promise.all([work.place(), work.place(), work.place()]);
    expect(new Set(places.map(({ threadId }) => threadId)).size).toBe(3);
  });
});

describe("parallel.workerFile", () => {
  it("is named where it is missing, with what to do", async () => {
    const kernel = await harness.start({ parallel: { workerFile: "nowhere/worker.js" } });
    const error = await rejectionOf(kernel.resolve(Work).triple(1));
    expect(error.code).toBe("MLMCP_PARALLEL_WORKER_FILE");
    expect(error.message).toMatch(/there is no .*nowhere.worker\.js \(parallel\.workerFile\)/);
    expect(error.suggestions).toHaveLength(2);
  });
});

describe("workers that cannot start", () => {
  it("reject the call and show in the health, until one starts", async () => {
    const kernel = await harness.start({ parallel: { workerFile: harness.compiled.file("broken") } });
    const error = await rejectionOf(kernel.resolve(Work).triple(1));
    expect(error.message).toContain("broken on purpose");
    expect(await kernel.health()).toMatchObject({
      status: "degraded",
      checks: { "@mlmcp/plugin-parallel/pool": { status: "down", details: { startFailures: 1 } } },
    });
  });
});

describe("in production", () => {
  afterEach(() => vi.restoreAllMocks());

  it("warns where nothing runs in parallel", async () => {
    const warn = vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);
    const config = { system: { environment: "production" } };
    await (await createTestKernel({ plugins: [parallelPlugin], config })).stop();
    expect(warn).not.toHaveBeenCalled();
    const inline = { ...config, parallel: { runtime: "inline" as const } };
    await (await createTestKernel({ plugins: [parallelPlugin], config: inline })).stop();
    expect(warn).toHaveBeenCalledWith(expect.stringContaining("nothing runs in parallel"), expect.anything());
  });
});

describe("importing the decorator", () => {
  it("is enough for the plugin to be loaded", async () => {
    await using kernel = await createKernel({
      configFile: false,
      env: {},
      config: { parallel: { runtime: "inline" } },
    });
    expect(kernel.plugins).toContain(parallelPlugin);
    expect(await kernel.resolve(Work).triple(2)).toBe(6);
  });
});

it("keeps the contract of plugins", () => runPluginContract({ plugin: parallelPlugin }));
