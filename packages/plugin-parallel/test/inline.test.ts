import { setTimeout as delay } from "node:timers/promises";
import { OperationTimeoutError } from "@mlmcp/core";
import { parallel, ParallelProcessor } from "@mlmcp/plugin-parallel";
import { describe, expect, it } from "vitest";
import { rejectionOf, tasksOf, useKernels } from "./support/kernels.js";

const harness = useKernels("never");
const start = () => harness.start({ parallel: { runtime: "inline" }, config: {} });

/** No worker could find this class: it is not exported. */
class Local {
  seen: unknown;

  @parallel()
  async keep(value: unknown): Promise<unknown> {
    this.seen = value;
    return value;
  }

  @parallel()
  async broken(): Promise<unknown> {
    return { run: () => 1 };
  }

  @parallel({ timeout: 20 })
  async slow(): Promise<void> {
    await delay(200);
  }

  @parallel({ mode: "map", chunkSize: 2 })
  async sizes(values: string[]): Promise<number[]> {
    return values.map(({ length }) => length);
  }
}

describe("the runtime inline", () => {
  it("runs on the caller's object, with clones of arguments and result", async () => {
    const kernel = await start();
    const local = kernel.adopt(new Local());
    const value = { rows: [1] };
    const back = await local.keep(value);
    expect(local.seen).toEqual(value);
    expect(local.seen).not.toBe(value);
    expect(back).toEqual(value);
    expect(back).not.toBe(local.seen);
  });

  it("splits arrays as workers would", async () => {
    const kernel = await start();
    const tasks = await tasksOf(async () => {
      expect(await kernel.adopt(new Local()).sizes(["a", "bb", "ccc"])).toEqual([1, 2, 3]);
    });
    expect(tasks.map(({ worker, ok }) => [worker, ok])).toEqual([
      [0, true],
      [0, true],
    ]);
    expect(kernel.resolve(ParallelProcessor).stats()).toMatchObject({
      completed: 2,
      capacity: 1,
      workers: [{ id: 0, tasks: 2 }],
    });
  });

  it("refuses what a worker could not be sent", async () => {
    const kernel = await start();
    const local = kernel.adopt(new Local());
    expect(await rejectionOf(local.keep(() => 1))).toMatchObject({ code: "MLMCP_PARALLEL_CLONE" });
    expect((await rejectionOf(local.broken())).message).toContain('".run" in it is the function run');
  });

  it("releases the caller after a timeout, an abort and a stop", async () => {
    const kernel = await start();
    const local = kernel.adopt(new Local());
    const late = await rejectionOf(local.slow());
    expect(late).toBeInstanceOf(OperationTimeoutError);
    expect(late.message).toBe("Local.slow ran longer than its timeout of 20 ms. It goes on in this thread.");

    const controller = new AbortController();
    const aborted = rejectionOf(kernel.withContext({ signal: controller.signal }, () => local.slow()));
    controller.abort(new Error("gone"));
    expect((await aborted).message).toBe("gone");
  });
});
