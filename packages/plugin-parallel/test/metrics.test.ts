import type { Kernel } from "@mlmcp/core";
import { describe, expect, it, vi } from "vitest";
import { Work } from "./fixtures/work.js";
import { rejectionOf, useKernels } from "./support/kernels.js";

const harness = useKernels("work", "broken");

/** By name, with its labels' values. */
function valuesOf(kernel: Kernel): Record<string, number> {
  const own = kernel.metrics().filter(({ name }) => name.startsWith("mlmcp_parallel_"));
  return Object.fromEntries(
    own.flatMap(({ name, samples }) =>
      samples.map(({ value, labels = {} }) => [
        [name.replace("mlmcp_parallel_", ""), ...Object.values(labels)].join(" "),
        value,
      ]),
    ),
  );
}

describe("the metrics of the pool", () => {
  it("tell what it has done, has to do, and may", async () => {
    const kernel = await harness.start({ parallel: { maxQueue: 7 } });
    const work = kernel.resolve(Work);
    const untouched = {
      workers: 0,
      max_workers: 2,
      running: 0,
      waiting: 0,
      max_waiting: 7,
      start_failures: 0,
      "tasks_total ok": 0,
      "tasks_total error": 0,
      lost_workers_total: 0,
    };
    expect(valuesOf(kernel)).toEqual(untouched);
    await work.triple(1);
    await rejectionOf(work.fail("payment"));
    const idle = { ...untouched, workers: 1, "tasks_total ok": 1, "tasks_total error": 1 };
    expect(valuesOf(kernel)).toEqual(idle);

    const caller = new AbortController();
    const hung = [1, 2, 3].map(() =>
      rejectionOf(kernel.withContext({ signal: caller.signal }, () => work.hang())),
    );
    await vi.waitFor(() => expect(valuesOf(kernel)).toEqual({ ...idle, workers: 2, running: 2, waiting: 1 }));
    caller.abort();
    await Promise.all(hung);
    await vi.waitFor(() =>
      expect(valuesOf(kernel)).toMatchObject({ running: 0, waiting: 0, lost_workers_total: 2 }),
    );
  });

  it("tell of workers that cannot start", async () => {
    const kernel = await harness.start({ parallel: { workerFile: harness.compiled.file("broken") } });
    await rejectionOf(kernel.resolve(Work).triple(1));
    expect(valuesOf(kernel)).toMatchObject({ workers: 0, start_failures: 1, "tasks_total error": 1 });
  });

  it("tell of one worker where all runs in the kernel's thread", async () => {
    const kernel = await harness.start({ parallel: { runtime: "inline" } });
    await kernel.resolve(Work).triple(1);
    expect(valuesOf(kernel)).toMatchObject({ workers: 1, max_workers: 1, "tasks_total ok": 1 });
  });
});
