import { BulkheadFullError, OperationTimeoutError } from "@mlmcp/core";
import { ParallelProcessor } from "@mlmcp/plugin-parallel";
import { describe, expect, it } from "vitest";
import { Work } from "./fixtures/work.js";
import { hasEnded, rejectionOf, tasksOf, useKernels, workersStartedBy } from "./support/kernels.js";

const harness = useKernels("work", "never");

describe("a worker that ends under its task", () => {
  it("by process.exit() rejects that task alone, and is replaced", async () => {
    const kernel = await harness.start();
    const work = kernel.resolve(Work);
    const [error, ...others] = await Promise.all([
      rejectionOf(work.exit(3)),
      ...Array.from({ length: 20 }, (_, index) => work.triple(index)),
    ]);
    expect(error).toMatchObject({ name: "ProcessingError", code: "MLMCP_WORKER_LOST", retryable: true });
    expect(error.message).toMatch(/^Work\.exit: worker \d+ exited with code 3\.$/);
    expect(others).toEqual(Array.from({ length: 20 }, (_, index) => index * 3));
    expect(kernel.resolve(ParallelProcessor).stats()).toMatchObject({ lost: 1, failed: 1, completed: 20 });
  });

  it("by an error that nobody caught names that error", async () => {
    const kernel = await harness.start({ parallel: { workers: 1 } });
    const work = kernel.resolve(Work);
    const error = await rejectionOf(work.crashLater());
    expect(error.code).toBe("MLMCP_WORKER_LOST");
    expect(error.message).toContain("failed outside of its task: TypeError: thrown by a timer");
    expect(error.cause).toMatchObject({ name: "TypeError", message: "thrown by a timer" });
    expect(await work.triple(1)).toBe(3);
  });

  it("is told in the pool's health while none can be started", async () => {
    const kernel = await harness.start();
    await kernel.resolve(Work).triple(1);
    const { checks } = await kernel.health();
    expect(checks["@mlmcp/plugin-parallel/pool"]).toMatchObject({
      status: "up",
      details: { workers: 1, capacity: 2, completed: 1, queued: 0, startFailures: 0 },
    });
  });
});

describe("a timeout", () => {
  it("ends the worker of a task that never yields, and rejects with OperationTimeoutError", async () => {
    const kernel = await harness.start({ parallel: { workers: 1 } });
    const work = kernel.resolve(Work);
    let threads: Awaited<ReturnType<typeof workersStartedBy>> = [];
    threads = await workersStartedBy(async () => {
      const error = await rejectionOf(work.hangBounded());
      expect(error).toBeInstanceOf(OperationTimeoutError);
      expect(error.message).toMatch(
        /^Work\.hangBounded ran longer than its timeout of 200 ms\. Worker \d+ was ended and will be replaced\.$/,
      );
      expect(error.context).toMatchObject({ operation: "Work.hangBounded", timeoutMs: 200 });
      expect(await work.triple(1)).toBe(3);
    });
    expect(threads).toHaveLength(2);
    expect(hasEnded(threads[0]!)).toBe(true);
    expect(hasEnded(threads[1]!)).toBe(false);
  });

  it("does not count the wait for a worker", async () => {
    const kernel = await harness.start({
      parallel: { workers: 1 },
      config: {
        operations: {
          "*": { parallel: { module: harness.compiled.url("work") } },
          "Work.triple": { parallel: { timeout: "1s" } },
        },
      },
    });
    const work = kernel.resolve(Work);
    const [, tripled] = await Promise.all([work.sleep(1200), work.triple(2)]);
    expect(tripled).toBe(6);
  });

  it("of the import of a module says so", async () => {
    const kernel = await harness.start({
      parallel: { loadTimeout: 300 },
      config: { operations: { "*": { parallel: { module: harness.compiled.url("never") } } } },
    });
    const error = await rejectionOf(kernel.resolve(Work).triple(1));
    expect(error).toBeInstanceOf(OperationTimeoutError);
    expect(error.message).toContain("a worker had not finished to import");
  });
});

describe("an abort of the caller", () => {
  it("ends a running task with its worker, drops a waiting one, and leaves the others", async () => {
    const kernel = await harness.start({ parallel: { workers: 1 } });
    const work = kernel.resolve(Work);
    await work.triple(0);
    const [first, second] = [new AbortController(), new AbortController()];
    const hanging = rejectionOf(kernel.withContext({ signal: first.signal }, () => work.hang()));
    const waiting = rejectionOf(kernel.withContext({ signal: second.signal }, () => work.triple(1)));
    const other = work.triple(2);
    const { queued, running } = kernel.resolve(ParallelProcessor).stats();
    expect({ queued, running }).toEqual({ queued: 2, running: 1 });

    const reason = new Error("caller has gone");
    second.abort(reason);
    expect(await waiting).toBe(reason);
    expect(kernel.resolve(ParallelProcessor).stats()).toMatchObject({ queued: 1, running: 1, lost: 0 });

    first.abort(reason);
    expect(await hanging).toBe(reason);
    expect(await other).toBe(6);
    expect(kernel.resolve(ParallelProcessor).stats()).toMatchObject({
      queued: 0,
      running: 0,
      lost: 1,
      completed: 2,
    });
  });

  it("by a deadline does the same", async () => {
    const kernel = await harness.start({ parallel: { workers: 1 } });
    const work = kernel.resolve(Work);
    await work.triple(0);
    const deadline = Date.now() + 200;
    const error = await rejectionOf(kernel.withContext({ deadline }, () => work.hang()));
    expect(error).toBeInstanceOf(OperationTimeoutError);
    expect(error.message).toContain("deadline has passed");
    expect(await work.triple(1)).toBe(3);
  });

  it("before the call starts no worker", async () => {
    const kernel = await harness.start();
    const work = kernel.resolve(Work);
    const threads = await workersStartedBy(async () => {
      const signal = AbortSignal.abort(new Error("too late"));
      await expect(kernel.withContext({ signal }, () => work.triple(1))).rejects.toThrow("too late");
    });
    expect(threads).toHaveLength(0);
  });

  it("ends the parts of a map that run and drops the rest", async () => {
    const kernel = await harness.start();
    const controller = new AbortController();
    const items = Array.from({ length: 100 }, () => 60_000);
    const mapped = rejectionOf(
      kernel
        .resolve(ParallelProcessor)
        .map(kernel.resolve(Work).sleep, items, { chunkSize: 1, signal: controller.signal }),
    );
    controller.abort(new Error("enough"));
    expect((await mapped).message).toBe("enough");
    expect(kernel.resolve(ParallelProcessor).stats()).toMatchObject({ queued: 0, completed: 0 });
  });
});

describe("a full queue", () => {
  it("refuses further calls without running them", async () => {
    const kernel = await harness.start({ parallel: { workers: 1, maxQueue: 1 } });
    const work = kernel.resolve(Work);
    const running = work.triple(1);
    const waiting = work.triple(2);
    const refused = await rejectionOf(work.triple(3));
    expect(refused).toBeInstanceOf(BulkheadFullError);
    expect(refused.message).toBe("Work.triple: 1 tasks wait for a worker already.");
    expect(await Promise.all([running, waiting])).toEqual([3, 6]);
  });
});

describe("a failing part of a map", () => {
  it("rejects the call with the method's error, and begins no further part", async () => {
    const kernel = await harness.start({ parallel: { workers: 1 } });
    const processor = kernel.resolve(ParallelProcessor);
    const tasks = await tasksOf(async () => {
      const kinds = ["payment", "text", "text", "text"] as const;
      const error = await rejectionOf(processor.map(kernel.resolve(Work).fail, kinds, { chunkSize: 1 }));
      expect(error).toMatchObject({ name: "PaymentError", status: 402 });
    });
    expect(tasks).toHaveLength(1);
  });
});
