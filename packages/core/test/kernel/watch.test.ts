import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { definePlugin, onEvent, type Kernel, type KernelOptions } from "@mlmcp/core";
import { createTestKernel } from "@mlmcp/core/testing";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { project, warningsDuring } from "../config/project.js";

const plugin = definePlugin({
  name: "gauge",
  section: "gauge",
  schema: { type: "object", properties: { size: { type: "integer", default: 1 }, name: { type: "string" } } },
});

/** A kernel that looks at its files every 10 ms. */
async function start(files: Record<string, string>, options: KernelOptions = {}) {
  const root = project(files);
  const kernel = await createTestKernel({
    plugins: [plugin],
    configFile: join(root, ".mlmcprc.yaml"),
    watch: 10,
    ...options,
  });
  onTestFinished(() => kernel.stop());
  return { kernel, root, write: (name: string, text: string) => writeFileSync(join(root, name), text) };
}

/** The next reload of a kernel that takes effect. */
function reloaded(kernel: Kernel): Promise<void> {
  return new Promise((resolve) => {
    const off = onEvent("kernel:reloaded", (event) => {
      if (event.kernel !== kernel.id) return;
      off();
      resolve();
    });
  });
}

/** The next reload of a kernel that is refused. */
function refused(kernel: Kernel): Promise<{ by: string; error: unknown }> {
  return new Promise((resolve) => {
    const off = onEvent("kernel:reload-failed", (event) => {
      if (event.kernel !== kernel.id) return;
      off();
      resolve(event);
    });
  });
}

describe("watch", () => {
  it("takes up a changed file, however it is changed", async () => {
    const { kernel, root, write } = await start({ ".mlmcprc.yaml": "gauge: { size: 2 }\n" });
    const causes: string[] = [];
    onTestFinished(onEvent("kernel:reloaded", ({ by }) => causes.push(by)));
    let change = reloaded(kernel);
    write(".mlmcprc.yaml", "gauge: { size: 3 }\n");
    await change;
    expect(kernel.config.get("gauge.size")).toBe(3);
    change = reloaded(kernel);
    // As editors and `saveToFile` do it.
    write("next.yaml", "gauge: { size: 4 }\n");
    renameSync(join(root, "next.yaml"), join(root, ".mlmcprc.yaml"));
    await change;
    expect(kernel.config.get("gauge.size")).toBe(4);
    expect(causes).toEqual(["watch", "watch"]);
  });

  it("makes one reload of a burst, over all files that the configuration was read from", async () => {
    const { kernel, root, write } = await start(
      {
        ".mlmcprc.yaml": "extends: ./base.yaml\ngauge: { size: 2 }\n",
        "base.yaml": "gauge: { name: a }\n",
        "secret.txt": "one",
      },
      { env: {} },
    );
    let reloads = 0;
    kernel.hooks.hook("kernel:reloaded", () => void reloads++);
    let change = reloaded(kernel);
    for (let size = 10; size <= 15; size++)
      write(".mlmcprc.yaml", `extends: ./base.yaml\ngauge: { size: ${size} }\n`);
    write("base.yaml", "gauge: { name: b }\n");
    await change;
    expect([reloads, kernel.config.section("gauge")]).toEqual([1, { size: 15, name: "b" }]);
    // What is extended since is watched, what is no longer is not.
    mkdirSync(join(root, "more"));
    write("more/other.yaml", "gauge: { name: c }\n");
    change = reloaded(kernel);
    write(".mlmcprc.yaml", "extends: ./more/other.yaml\n");
    await change;
    change = reloaded(kernel);
    write("base.yaml", "gauge: { name: ignored }\n");
    write("more/other.yaml", "gauge: { name: d }\n");
    await change;
    expect([reloads, kernel.config.section("gauge")]).toEqual([3, { size: 1, name: "d" }]);
  });

  it("keeps the configuration where a file is wrong or has gone, warns once, and takes it when it is right again", async () => {
    const { kernel, root, write } = await start({ ".mlmcprc.yaml": "gauge: { size: 2 }\n" });
    const events: unknown[] = [];
    const warnings = await warningsDuring(async () => {
      let failure = refused(kernel);
      write(".mlmcprc.yaml", "gauge: { size: many }\n");
      events.push(await failure);
      failure = refused(kernel);
      write(".mlmcprc.yaml", "# Another try.\ngauge: { size: many }\n");
      await failure;
      failure = refused(kernel);
      rmSync(join(root, ".mlmcprc.yaml"));
      await failure;
    });
    expect(events).toMatchObject([{ by: "watch", error: { code: "MLMCP_CONFIGURATION" } }]);
    expect(warnings.map(({ code }) => code)).toEqual(Array(3).fill("MLMCP_RELOAD_FAILED"));
    expect(warnings[0]!.message).toMatch(/stays as it was.*gauge\.size.*many/s);
    expect(warnings[2]!.message).toMatch(/does not exist/);
    expect(kernel.config.get("gauge.size")).toBe(2);
    const change = reloaded(kernel);
    write(".mlmcprc.yaml", "gauge: { size: 7 }\n");
    await change;
    expect(kernel.config.get("gauge.size")).toBe(7);
  });

  it("warns at each change that is wrong, also for the same reason", async () => {
    const { kernel, write } = await start({ ".mlmcprc.yaml": "gauge: { size: 2 }\n" });
    const warnings = await warningsDuring(async () => {
      for (let turn = 0; turn < 3; turn++) {
        const failure = refused(kernel);
        write(".mlmcprc.yaml", `gauge: { size: many } # ${turn}\n`);
        await failure;
      }
    });
    expect(warnings).toHaveLength(3);
  });

  it("also looks at a file that was just added and is wrong", async () => {
    const { kernel, write } = await start({
      ".mlmcprc.yaml": "gauge: { size: 2 }\n",
      "base.yaml": "gauge: [\n",
    });
    await warningsDuring(async () => {
      const failure = refused(kernel);
      write(".mlmcprc.yaml", "extends: ./base.yaml\n");
      await failure;
    });
    const change = reloaded(kernel);
    write("base.yaml", "gauge: { size: 9 }\n");
    await change;
    expect(kernel.config.get("gauge.size")).toBe(9);
  });

  it("is asked for by `system.watch` as well, which a reload may change", async () => {
    const { kernel, write } = await start(
      { ".mlmcprc.yaml": "system: { watch: 10ms }\ngauge: { size: 2 }\n" },
      { watch: undefined },
    );
    let change = reloaded(kernel);
    write(".mlmcprc.yaml", "system: { watch: 20 }\ngauge: { size: 3 }\n");
    await change;
    change = reloaded(kernel);
    write(".mlmcprc.yaml", "gauge: { size: 4 }\n");
    await change;
    expect(kernel.config.get("gauge.size")).toBe(4);
    await expect(createTestKernel({ plugins: [plugin], config: { system: { watch: 1 } } })).rejects.toThrow(
      /system\.watch/,
    );
  });

  it("looks as often as `system.watch` says where code says only that it is to look", async () => {
    const timers = vi.spyOn(globalThis, "setTimeout");
    onTestFinished(() => timers.mockRestore());
    await start({ ".mlmcprc.yaml": "system: { watch: 12ms }\n" }, { watch: true });
    expect(timers.mock.calls.map(([, ms]) => ms)).toContain(12);
    timers.mockClear();
    await start({ ".mlmcprc.yaml": "system: { watch: false }\n" }, { watch: true });
    expect(timers.mock.calls.map(([, ms]) => ms)).toContain(1_000);
  });

  it("sees what changed between the reading of a file and the start of the watch", async () => {
    let file = "";
    const slow = definePlugin({
      name: "slow",
      start: () => writeFileSync(file, "gauge: { size: 8 }\n"),
    });
    const root = project({ ".mlmcprc.yaml": "gauge: { size: 2 }\n" });
    file = join(root, ".mlmcprc.yaml");
    const { kernel } = await start({}, { configFile: file, plugins: [plugin, slow] });
    expect(kernel.config.get("gauge.size")).toBe(2);
    await reloaded(kernel);
    expect(kernel.config.get("gauge.size")).toBe(8);
  });

  it("ends with the kernel, and is off unless it is asked for", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    onTestFinished(() => void vi.useRealTimers());
    const before = vi.getTimerCount();
    const { kernel } = await start({ ".mlmcprc.yaml": "gauge: { size: 2 }\n" });
    expect(vi.getTimerCount()).toBe(before + 1);
    await kernel.stop();
    expect(vi.getTimerCount()).toBe(before);
    await start({ ".mlmcprc.yaml": "gauge: { size: 2 }\n" }, { watch: undefined });
    expect(vi.getTimerCount()).toBe(before);
  });

  it("lets a run-time change through a file that is saved", async () => {
    const { kernel, root } = await start({ ".mlmcprc.yaml": "gauge: { size: 2 } # two\n" });
    await kernel.config.set("gauge.size", 5);
    await kernel.config.saveToFile();
    const inFile = () => kernel.config.explain("gauge.size").overrode[0]?.value;
    // A file that was written just before it was read is read once more.
    while (inFile() !== 5) await reloaded(kernel);
    expect(kernel.config.explain("gauge.size")).toMatchObject({
      value: 5,
      source: { kind: "runtime" },
      overrode: [{ value: 5, source: { kind: "file" } }],
    });
    expect(readFileSync(join(root, ".mlmcprc.yaml"), "utf8")).toBe("gauge: { size: 5 } # two\n");
  });

  it("misses no change that `config.validate()` has looked at", async () => {
    const { kernel, write } = await start({ ".mlmcprc.yaml": "gauge: { size: 2 }\n" }, { watch: undefined });
    write(".mlmcprc.yaml", "gauge: { size: 3 }\n");
    // Older than the look by more than the clock of a file system is coarse.
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(await kernel.config.validate()).toEqual([]);
    const change = reloaded(kernel);
    await kernel.config.set("system.watch", 10);
    await change;
    await vi.waitFor(() => expect(kernel.config.get("gauge.size")).toBe(3));
  });
});
