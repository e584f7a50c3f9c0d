import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ParallelProcessor } from "@mlmcp/plugin-parallel";
import { afterEach, describe, expect, it, vi } from "vitest";
import { Audited, auditPlugin } from "./fixtures/audited.js";
import { Holder } from "./fixtures/holder.js";
import { Work } from "./fixtures/work.js";
import { hasEnded, rejectionOf, useKernels, workersStartedBy } from "./support/kernels.js";

const harness = useKernels("work", "audited", "holder");

afterEach(() => vi.unstubAllEnvs());

describe("the pool", () => {
  it("starts no worker before the first call, and then only as many as there is work for", async () => {
    const threads = await workersStartedBy(async () => {
      const kernel = await harness.start();
      const work = kernel.resolve(Work);
      expect(kernel.resolve(ParallelProcessor).stats()).toMatchObject({ workers: [], capacity: 2 });
      await work.triple(1);
      await work.triple(2);
    });
    expect(threads).toHaveLength(1);
  });

  it("leaves no worker behind when the kernel stops", async () => {
    const threads = await workersStartedBy(async () => {
      const kernel = await harness.start();
      const work = kernel.resolve(Work);
      await Promise.all(Array.from({ length: 8 }, (_, index) => work.triple(index)));
      await kernel.stop();
    });
    expect(threads).toHaveLength(2);
    expect(threads.every(hasEnded)).toBe(true);
  });

  it("finishes what runs before the kernel stops", async () => {
    const kernel = await harness.start();
    const sleeping = kernel.resolve(Work).sleep(100);
    await kernel.stop();
    expect(await sleeping).toBeGreaterThan(0);
  });

  it("lets services in the workers close what they have open", async () => {
    const folder = mkdtempSync(join(tmpdir(), "mlmcp-parallel-"));
    const file = join(folder, "closed");
    vi.stubEnv("TEST_CLOSED_FILE", file);
    const kernel = await harness.start({ config: mapped("holder") });
    const holder = kernel.resolve(Holder);
    await Promise.all([holder.hold(), holder.hold()]);
    await kernel.stop();
    expect(readFileSync(file, "utf8")).toBe("closed\nclosed\n");
    rmSync(folder, { recursive: true });
  });

  it("says at stop that native code could not be ended", async () => {
    const threads = await workersStartedBy(async () => {
      const kernel = await harness.start({
        parallel: { stopTimeout: 100 },
        config: { ...mapped("holder"), system: { stopTimeout: 300 } },
      });
      const holder = kernel.resolve(Holder);
      await holder.hold();
      const blocked = rejectionOf(holder.block(2));
      const error = (await rejectionOf(harness.stop(kernel))) as unknown as AggregateError;
      expect(await blocked).toMatchObject({ code: "MLMCP_PARALLEL_STOPPED" });
      expect(String(error.errors[0])).toContain("1 worker(s) did not end within 100 ms");
    });
    await vi.waitFor(() => expect(threads.every(hasEnded)).toBe(true));
  });

  it("starts the workers' kernel anew where a module brings another plugin", async () => {
    const kernel = await harness.start({
      plugins: [auditPlugin],
      parallel: { workers: 1 },
      config: {
        audit: { mark: "!" },
        operations: {
          "Work.*": { parallel: { module: harness.compiled.url("work") } },
          "Audited.*": { parallel: { module: harness.compiled.url("audited") } },
        },
      },
    });
    const [work, audited] = [kernel.resolve(Work), kernel.resolve(Audited)];
    expect(await work.place()).toMatchObject({ calls: 1 });
    expect(await audited.shout("hello")).toBe("HELLO!");
    expect(await work.place()).toMatchObject({ calls: 1 });
    expect(await audited.shout("again")).toBe("AGAIN!");
    expect(await work.place()).toMatchObject({ calls: 2 });
  });

  it("is ended at stop with a task that never yields, which is rejected", async () => {
    const threads = await workersStartedBy(async () => {
      const kernel = await harness.start({ config: { ...mapped("work"), system: { stopTimeout: 500 } } });
      const work = kernel.resolve(Work);
      await work.triple(1);
      const hanging = rejectionOf(work.hang());
      await kernel.stop();
      expect(await hanging).toMatchObject({ code: "MLMCP_PARALLEL_STOPPED" });
    });
    expect(threads).toHaveLength(1);
    expect(threads.every(hasEnded)).toBe(true);
  });

  it("is kept across a reload", async () => {
    const kernel = await harness.start({ parallel: { workers: 1 } });
    const work = kernel.resolve(Work);
    const before = await work.place();
    await kernel.reload();
    const after = await work.place();
    expect(after).toMatchObject({ threadId: before.threadId, calls: 2 });
  });

  it("shrinks where a reload gives it fewer workers", async () => {
    const environment = { MLMCP_PARALLEL_WORKERS: "2" };
    const kernel = await harness.start({ env: environment });
    const work = kernel.resolve(Work);
    await Promise.all([work.sleep(50), work.sleep(50)]);
    environment.MLMCP_PARALLEL_WORKERS = "1";
    await kernel.reload();
    await Promise.all([work.sleep(50), work.sleep(50)]);
    expect(kernel.resolve(ParallelProcessor).stats()).toMatchObject({ capacity: 1, workers: [{ tasks: 2 }] });
  });

  it("gets new workers where a reload changes what they are started with", async () => {
    const environment = { MLMCP_PARALLEL_MAX_QUEUE: "10" };
    const kernel = await harness.start({ env: environment, parallel: { workers: 1 } });
    const work = kernel.resolve(Work);
    let before = 0;
    const threads = await workersStartedBy(async () => {
      before = (await work.place()).threadId;
      environment.MLMCP_PARALLEL_MAX_QUEUE = "20";
      const running = work.sleep(50);
      await kernel.reload();
      expect(await running).toBe(before);
      expect(await work.place()).toMatchObject({ calls: 1 });
    });
    expect(threads).toHaveLength(2);
    expect(kernel.resolve(ParallelProcessor).stats()).toMatchObject({ lost: 0 });
    await kernel.stop();
    expect(threads.every(hasEnded)).toBe(true);
  });

  it("belongs to one kernel: another one's stop does not touch it", async () => {
    const [first, second] = [await harness.start({ parallel: { workers: 1 } }), await harness.start()];
    const [ours, theirs] = [first.resolve(Work), second.resolve(Work)];
    const [here, there] = [await ours.place(), await theirs.place()];
    expect(here.threadId).not.toBe(there.threadId);
    expect([here.calls, there.calls]).toEqual([1, 1]);
    await first.stop();
    expect(await theirs.place()).toMatchObject({ threadId: there.threadId, calls: 2 });
    expect(second.resolve(ParallelProcessor).stats()).toMatchObject({ completed: 2, lost: 0 });
  });
});

function mapped(fixture: string): object {
  return { operations: { "*": { parallel: { module: harness.compiled.url(fixture) } } } };
}
