import { ConfigManager, createMethodDecorator, definePlugin, onEvent } from "@mlmcp/core";
import { createTestKernel } from "@mlmcp/core/testing";
import { writeFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../support/temporary-folder.js";

const disposed: number[] = [];
let made = 0;

/** Answers its option and the number of its state, before and after the method. */
const keeping = createMethodDecorator<{ size?: number; label?: string }>({
  name: "keeping",
  schema: {
    type: "object",
    properties: { size: { type: "integer", default: 1 }, label: { type: "string", default: "none" } },
  },
  parts: [
    {
      at: "cache",
      around(next, binding) {
        const state = binding.keep(
          "state",
          () => ++made,
          (number) => void disposed.push(number),
        );
        return async (self, args) => {
          await next(self, args);
          return { label: binding.options.label, state };
        };
      },
    },
  ],
});
const plugin = definePlugin({ name: "plugin-keeping", decorators: [keeping] });

class Subject {
  @keeping()
  async work(until?: Promise<void>): Promise<unknown> {
    await until;
    return undefined;
  }
}

async function kernelWithFile(content: object) {
  const folder = await temporaryFolder();
  const file = `${folder.path}/.mlmcprc.json`;
  const write = (next: object) => writeFile(file, JSON.stringify(next));
  await write(content);
  const kernel = await createTestKernel({ plugins: [plugin], configFile: file });
  kernel.hooks.hook("kernel:stopped", () => folder.remove());
  return { kernel, write };
}

const labelled = (label: string, size = 1) => ({
  operations: { "Subject.work": { keeping: { label, size } } },
});

describe("kernel.reload()", () => {
  it("changes later calls, while calls in flight finish as they began", async () => {
    const { kernel, write } = await kernelWithFile(labelled("before"));
    await using _ = kernel;
    const subject = kernel.adopt(new Subject());
    let finish!: () => void;
    const running = subject.work(new Promise((resolve) => (finish = resolve)));
    await write(labelled("after"));
    await kernel.reload();
    expect(await subject.work()).toMatchObject({ label: "after" });
    finish();
    expect(await running).toMatchObject({ label: "before" });
  });

  it("keeps state while its options are equal, and disposes of replaced state after the last call that uses it", async () => {
    const { kernel, write } = await kernelWithFile({ ...labelled("same"), errorHandling: { maxRetries: 1 } });
    await using _ = kernel;
    const subject = kernel.adopt(new Subject());
    const first = (await subject.work()) as { state: number };
    await write({ ...labelled("same"), errorHandling: { maxRetries: 2 } });
    await kernel.reload();
    expect(await subject.work()).toEqual(first);

    let finish!: () => void;
    const running = subject.work(new Promise((resolve) => (finish = resolve)));
    await write(labelled("same", 2));
    await kernel.reload();
    const second = (await subject.work()) as { state: number };
    expect(second.state).not.toBe(first.state);
    expect(disposed).not.toContain(first.state);
    finish();
    await running;
    await new Promise((resolve) => setImmediate(resolve));
    expect(disposed).toContain(first.state);
    await kernel.stop();
    expect(disposed).toContain(second.state);
  });

  it("changes nothing where the new configuration is invalid", async () => {
    const { kernel, write } = await kernelWithFile(labelled("valid"));
    await using _ = kernel;
    const subject = kernel.adopt(new Subject());
    await write({ operations: { "Subject.work": { keeping: { label: 7 } } } });
    await expect(kernel.reload()).rejects.toThrow(/label/);
    expect(await subject.work()).toMatchObject({ label: "valid" });
    await write({ plugins: { "some-other-plugin": true } });
    await expect(kernel.reload()).rejects.toThrow(/Which plugins are loaded cannot change/);
  });

  it("changes nothing where an operation could not be called any more, and hinders none that could not be before", async () => {
    const broken = { operations: { "Subject.work": { order: ["retry"] } } };
    const { kernel, write } = await kernelWithFile(labelled("valid"));
    await using _ = kernel;
    const subject = kernel.adopt(new Subject());
    await write(broken);
    const refusal = 'The order of Subject.work (.mlmcprc.json:1) names "retry"';
    expect(await kernel.resolve(ConfigManager).validate()).toMatchObject([
      { message: expect.stringContaining(refusal) },
    ]);
    await expect(kernel.reload()).rejects.toMatchObject({
      code: "MLMCP_ADVICE_OPTIONS",
      message: expect.stringContaining(refusal),
    });
    expect(await subject.work()).toMatchObject({ label: "valid" });

    const { kernel: other, write: writeOther } = await kernelWithFile(broken);
    await using __ = other;
    await writeOther({ ...broken, errorHandling: { maxRetries: 1 } });
    await other.reload();
    expect(other.config.get("errorHandling.maxRetries")).toBe(1);
  });

  it("changes nothing where a plugin refuses it", async () => {
    const seen: unknown[] = [];
    const folder = await temporaryFolder();
    const file = `${folder.path}/.mlmcprc.json`;
    await writeFile(file, JSON.stringify({ errorHandling: { maxRetries: 1 } }));
    const picky = definePlugin({
      name: "picky",
      reload({ config }) {
        const retries = config.get("errorHandling.maxRetries");
        seen.push(retries);
        if (retries === 2) throw new Error("not two");
      },
    });
    await using kernel = await createTestKernel({ plugins: [picky], configFile: file });
    await writeFile(file, JSON.stringify({ errorHandling: { maxRetries: 2 } }));
    await expect(kernel.reload()).rejects.toMatchObject({
      code: "MLMCP_PLUGIN_RELOAD",
      message: expect.stringContaining("not two"),
    });
    expect(kernel.config.get("errorHandling.maxRetries")).toBe(1);
    expect(seen).toEqual([2, 1]);
    await folder.remove();
  });

  it("is told to hooks and listeners", async () => {
    const { kernel, write } = await kernelWithFile(labelled("one"));
    await using _ = kernel;
    const heard: string[] = [];
    const end = onEvent("kernel:reloaded", ({ kernel: id }) => heard.push(`event of ${id}`));
    kernel.hooks.hook(
      "kernel:reloaded",
      ({ config, previous }) => void heard.push(`hook ${config !== previous}`),
    );
    await write(labelled("two"));
    await kernel.reload();
    end();
    expect(heard).toEqual(["hook true", `event of ${kernel.id}`]);
  });
});
