import { definePlugin, onEvent } from "@mlmcp/core";
import { createTestKernel } from "@mlmcp/core/testing";
import { expect, it, onTestFinished, vi } from "vitest";
import { UnattendedReload } from "../../src/kernel/unattended-reload.js";
import { warningsDuring } from "../config/project.js";

/** A kernel whose reloads wait in a plugin until they are let go on. */
async function start() {
  const trace: string[] = [];
  let open!: () => void;
  const opened = new Promise<void>((resolve) => (open = resolve));
  const plugin = definePlugin({
    name: "waiting",
    async reload() {
      trace.push("begun");
      await opened;
    },
  });
  const kernel = await createTestKernel({ plugins: [plugin] });
  onTestFinished(() => kernel.stop());
  const off = onEvent("kernel:reloaded", ({ by }) => trace.push(`reloaded by ${by}`));
  onTestFinished(off);
  return { kernel, reload: new UnattendedReload(kernel), trace, open };
}

it("reloads that nobody waits for are one that runs and one that takes up what came meanwhile", async () => {
  const { reload, trace, open } = await start();
  const asked = Array.from({ length: 100 }, (_, turn) => reload.run(turn % 2 === 0 ? "SIGHUP" : "watch"));
  open();
  expect(await Promise.all(asked)).toEqual(Array(100).fill(undefined));
  expect(trace).toEqual(["begun", "reloaded by SIGHUP", "begun", "reloaded by watch"]);
  await reload.run("watch");
  expect(trace.slice(4)).toEqual(["begun", "reloaded by watch"]);
});

it("steps that still wait when a stop is asked for are refused, and nobody is warned of those without a caller", async () => {
  const { kernel, reload, trace, open } = await start();
  const warnings = await warningsDuring(async () => {
    const running = reload.run("SIGHUP");
    await vi.waitFor(() => expect(trace).toEqual(["begun"]));
    const unattended = reload.run("SIGHUP");
    const [own, use] = [kernel.reload(), kernel.use(definePlugin({ name: "late" }))].map((step) =>
      step.catch((error: unknown) => error),
    );
    const stopping = kernel.stop();
    open();
    await Promise.all([running, unattended, stopping]);
    expect(await own).toMatchObject({
      code: "MLMCP_KERNEL_STOPPED",
      message: expect.stringMatching(/^Cannot reload: the kernel is stopping/),
    });
    expect(await use).toMatchObject({ message: expect.stringMatching(/"late": the kernel is stopping/) });
  });
  expect([trace, warnings]).toEqual([["begun", "reloaded by SIGHUP"], []]);
});
