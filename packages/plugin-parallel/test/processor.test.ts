import { threadId } from "node:worker_threads";
import { service } from "@mlmcp/core";
import { ParallelProcessor } from "@mlmcp/plugin-parallel";
import { describe, expect, it } from "vitest";
import { Work } from "./fixtures/work.js";
import { rejectionOf, tasksOf, useKernels } from "./support/kernels.js";

const harness = useKernels("work");

describe("ParallelProcessor.map", () => {
  it("runs a decorated method for each item, in order, on several workers", async () => {
    const kernel = await harness.start();
    const processor = kernel.resolve(ParallelProcessor);
    const items = Array.from({ length: 500 }, (_, index) => index);
    const tasks = await tasksOf(async () => {
      expect(await processor.map(kernel.resolve(Work).triple, items)).toEqual(items.map((item) => item * 3));
    });
    // 500 items, 2 workers with 4 chunks each.
    expect(tasks).toHaveLength(8);
    expect(new Set(tasks.map(({ worker }) => worker))).toEqual(new Set(processor.workerIds()));
    expect(processor.workerIds()).toHaveLength(2);
    expect(processor.workerIds()).not.toContain(threadId);
  });

  it("runs an exported function", async () => {
    const kernel = await harness.start();
    const processor = kernel.resolve(ParallelProcessor);
    const cube = { module: harness.compiled.url("work"), export: "cube" };
    expect(await processor.map<number, number>(cube, [1, 2, 3], { chunkSize: 1 })).toEqual([1, 8, 27]);
  });

  it("runs both in this thread under the runtime inline", async () => {
    const kernel = await harness.start({ parallel: { runtime: "inline" } });
    const processor = kernel.resolve(ParallelProcessor);
    const cube = { module: harness.compiled.url("work"), export: "cube" };
    expect(await processor.map<number, number>(cube, [1, 2, 3])).toEqual([1, 8, 27]);
    expect(await processor.map(kernel.resolve(Work).triple, [1, 2])).toEqual([3, 6]);
    expect(processor.workerIds()).toEqual([0]);
  });

  it("tells of each task as an event", async () => {
    const kernel = await harness.start();
    const processor = kernel.resolve(ParallelProcessor);
    const [task] = await tasksOf(() => processor.map(kernel.resolve(Work).sleep, [50]));
    expect(task).toMatchObject({ kernel: kernel.id, ok: true });
    expect(task!.worker).toBeGreaterThan(0);
    expect(task!.runMs).toBeGreaterThanOrEqual(49);
    expect(task!.queueMs).toBeGreaterThan(0);
  });

  it("ends a chunk that runs too long", async () => {
    const kernel = await harness.start();
    const processor = kernel.resolve(ParallelProcessor);
    const error = await rejectionOf(
      processor.map(kernel.resolve(Work).sleep, [60_000], { timeout: "100ms" }),
    );
    expect(error).toMatchObject({
      code: "MLMCP_TIMEOUT",
      context: { operation: "Work.sleep", timeoutMs: 100 },
    });
  });

  it("refuses a function that a worker cannot be sent", async () => {
    const kernel = await harness.start();
    const error = await rejectionOf(kernel.resolve(ParallelProcessor).map((item: number) => item, [1]));
    expect(error.code).toBe("MLMCP_PARALLEL_TASK");
    expect(error.suggestions).toHaveLength(2);
  });

  it("refuses a reference to nothing", async () => {
    const kernel = await harness.start();
    const reference = { module: harness.compiled.url("work"), export: "quadruple" };
    const error = await rejectionOf(kernel.resolve(ParallelProcessor).map(reference, [1]));
    expect(error.message).toContain('exports no function "quadruple"');
    expect((error.suggestions as string[])[0]).toContain("cube");
  });

  it.each([
    [{ workers: 0 }, "workers must be a whole number from 1; received 0"],
    [{ chunkSize: 1.5 }, "chunkSize must be a whole number from 1; received 1.5"],
    [{ timeout: "soon" as never }, 'timeout must be milliseconds or text such as "30s"; received "soon"'],
  ])("refuses %o", async (options, message) => {
    const kernel = await harness.start({ parallel: { runtime: "inline" } });
    const mapped = kernel.resolve(ParallelProcessor).map(kernel.resolve(Work).triple, [1], options);
    await expect(mapped).rejects.toThrow(message);
  });
});

describe("ParallelProcessor", () => {
  it("is injected by its class", async () => {
    @service([ParallelProcessor])
    class Reports {
      constructor(readonly processor: ParallelProcessor) {}
    }
    const kernel = await harness.start();
    expect(kernel.resolve(Reports).processor).toBe(kernel.resolve(ParallelProcessor));
  });

  it("advises as many workers as shorten the work, up to parallel.workers", async () => {
    const kernel = await harness.start({ parallel: { workers: 8 } });
    const processor = kernel.resolve(ParallelProcessor);
    expect(processor.optimalWorkers({ dataMb: 1, complexity: "low" })).toBe(1);
    expect(processor.optimalWorkers({ dataMb: 100 })).toBe(4);
    expect(processor.optimalWorkers({ dataMb: 1000, complexity: "high" })).toBe(8);
  });
});
