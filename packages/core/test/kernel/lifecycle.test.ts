import { writeFile } from "node:fs/promises";
import { createKernel, createMethodDecorator, definePlugin, type Kernel } from "@mlmcp/core";
import { createTestKernel } from "@mlmcp/core/testing";
import { afterEach, describe, expect, it, vi } from "vitest";
import { temporaryFolder } from "../support/temporary-folder.js";
import { pluginOf, tracing } from "../support/tracing.js";

afterEach(() => void vi.restoreAllMocks());

/** A promise and what settles it. */
function gate(): { readonly opened: Promise<void>; open(): void } {
  let open!: () => void;
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { opened, open };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** Notes the steps of its life; each start waits for the gate. */
function slow(trace: string[], name: string, opened: Promise<void> = Promise.resolve()) {
  return definePlugin({
    name,
    section: name,
    schema: { type: "object", properties: { size: { type: "integer", default: 3 } } },
    async start() {
      trace.push(`start ${name}`);
      await opened;
      trace.push(`started ${name}`);
    },
    stop: () => void trace.push(`stop ${name}`),
  });
}

describe("start, use, reload and stop", () => {
  it("pass one after another: a stop waits for the start that runs and leaves nothing running", async () => {
    const trace: string[] = [];
    const { opened, open } = gate();
    const kernel = await createTestKernel({ plugins: [slow(trace, "one", opened)], start: false });
    const starting = kernel.start();
    const stopping = kernel.stop();
    expect(kernel.stop()).toBe(stopping);
    await turn();
    expect(trace).toEqual(["start one"]);
    open();
    await Promise.all([starting, stopping]);
    expect(trace).toEqual(["start one", "started one", "stop one"]);
    expect(kernel.plugins).toEqual([]);
    await expect(kernel.start()).rejects.toMatchObject({ code: "MLMCP_KERNEL_STOPPED" });
  });

  it("start a kernel once, however often they are asked to", async () => {
    const trace: string[] = [];
    const kernel = await createTestKernel({ plugins: [slow(trace, "one")], start: false });
    await Promise.all([kernel.start(), kernel.start()]);
    expect(trace).toEqual(["start one", "started one"]);
    await kernel.stop();
  });

  it("keep the sections of plugins that are added at once, and start each plugin once", async () => {
    const trace: string[] = [];
    const [a, b] = [slow(trace, "first"), slow(trace, "second")];
    await using kernel = await createTestKernel({ plugins: [] });
    await Promise.all([kernel.use(a), kernel.use(b), kernel.use(a)]);
    expect([kernel.config.get("first.size"), kernel.config.get("second.size")]).toEqual([3, 3]);
    expect(trace).toEqual(["start first", "started first", "start second", "started second"]);
  });

  it("end with the newest configuration where an earlier reload is refused late", async () => {
    const folder = await temporaryFolder();
    const file = `${folder.path}/.mlmcprc.json`;
    const write = (maxRetries: number) => writeFile(file, JSON.stringify({ errorHandling: { maxRetries } }));
    await write(1);
    const [reached, refuse] = [gate(), gate()];
    const picky = definePlugin({
      name: "picky-late",
      async reload({ config }) {
        if (config.get("errorHandling.maxRetries") !== 2) return;
        reached.open();
        await refuse.opened;
        throw new Error("not two");
      },
    });
    await using kernel = await createTestKernel({ plugins: [picky], configFile: file });
    await write(2);
    const first = kernel.reload();
    await reached.opened;
    await write(3);
    const second = kernel.reload();
    // Were they to run side by side, the second would be over by now.
    await Promise.race([second, new Promise((resolve) => setTimeout(resolve, 50))]);
    refuse.open();
    await expect(first).rejects.toThrow(/not two/);
    await second;
    expect(kernel.config.get("errorHandling.maxRetries")).toBe(3);
    await folder.remove();
  });

  it("are refused once the kernel drains", async () => {
    const { opened, open } = gate();
    const kernel = await createTestKernel({ plugins: [] });
    const call = kernel.wrap(() => opened, { name: "long" });
    const running = call();
    const stopping = kernel.stop();
    const code = "MLMCP_KERNEL_STOPPED";
    await expect(kernel.reload()).rejects.toMatchObject({
      code,
      message: expect.stringMatching(/is stopping/),
    });
    await expect(kernel.use(definePlugin({ name: "too-late" }))).rejects.toMatchObject({ code });
    await expect(kernel.start()).rejects.toMatchObject({ code });
    open();
    await Promise.all([running, stopping]);
    await expect(kernel.reload()).rejects.toThrow(/has stopped/);
  });

  it("do not wait for themselves: a hook's stop follows the start, its reload is refused", async () => {
    const trace: string[] = [];
    const plugin = definePlugin({
      name: "self-stopping",
      async start() {
        await kernel.reload().catch((error: { code?: string }) => trace.push(`reload ${error.code}`));
        await kernel.stop();
        trace.push("asked");
      },
      async stop() {
        await kernel.stop();
        trace.push("stopped");
      },
    });
    const kernel: Kernel = await createTestKernel({ plugins: [plugin], start: false });
    await kernel.start();
    await kernel.stop();
    expect(trace).toEqual(["reload MLMCP_KERNEL_BUSY", "asked", "stopped"]);
  });

  it("let a signal during the start stop the kernel when it has started", async () => {
    const trace: string[] = [];
    const { opened, open } = gate();
    const killed = new Promise((resolve) => {
      vi.spyOn(process, "kill").mockImplementation((_, signal) => {
        trace.push(`kill ${signal}`);
        resolve(undefined);
        return true;
      });
    });
    const before = process.listenerCount("SIGTERM");
    const starting = createKernel({
      configFile: false,
      env: {},
      autoload: false,
      handleSignals: true,
      plugins: [slow(trace, "one", opened)],
    });
    await vi.waitFor(() => expect(trace).toEqual(["start one"]));
    process.listeners("SIGTERM").at(-1)!("SIGTERM");
    open();
    await Promise.all([starting, killed]);
    expect(trace).toEqual(["start one", "started one", "stop one", "kill SIGTERM"]);
    expect(process.listenerCount("SIGTERM")).toBe(before);
  });

  it("leave no signal listener behind where the start fails", async () => {
    const before = process.listenerCount("SIGINT");
    const failing = definePlugin({
      name: "never-starts",
      start() {
        throw new Error("no");
      },
    });
    const options = { configFile: false, env: {}, autoload: false, handleSignals: true } as const;
    await expect(createKernel({ ...options, plugins: [failing] })).rejects.toThrow(/failed to start: no/);
    expect(process.listenerCount("SIGINT")).toBe(before);
  });
});

describe("a kernel that cannot be registered", () => {
  it("disposes of the services that its plugins have made", async () => {
    const trace: string[] = [];
    class Store {
      dispose = () => void trace.push("disposed");
    }
    const plugin = definePlugin({
      name: "unregistrable",
      register({ services, resolve }) {
        services.class("store", Store);
        resolve("store");
        throw new Error("no");
      },
    });
    await expect(createTestKernel({ plugins: [plugin] })).rejects.toThrow(/failed to register: no/);
    expect(trace).toEqual(["disposed"]);
  });
});

describe("a reload or use that is refused", () => {
  const labelled = createMethodDecorator<{ label?: string }>({
    name: "labelled",
    schema: { type: "object", properties: { label: { type: "string", default: "none" } } },
    serves: { sync: true },
    parts: [
      {
        at: "cache",
        around:
          (_, { options }) =>
          () =>
            options.label,
      },
    ],
  });
  const labelling = definePlugin({ name: "labelling", decorators: [labelled] });
  class Subject {
    @labelled()
    work(): unknown {
      return undefined;
    }
  }

  it("changes nothing for calls that came meanwhile, nor for a plugin added later", async () => {
    const folder = await temporaryFolder();
    const file = `${folder.path}/.mlmcprc.json`;
    const write = (label: string) =>
      writeFile(file, JSON.stringify({ operations: { "Subject.work": { labelled: { label } } } }));
    await write("old");
    const subject = new Subject();
    const seen: unknown[] = [];
    let refusing = true;
    const refuser = definePlugin({
      name: "refuser",
      reload() {
        seen.push(subject.work());
        if (refusing) throw new Error(`no, ${seen.length}`);
      },
    });
    const warn = vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);
    await using kernel = await createTestKernel({ plugins: [labelling, refuser], configFile: file });
    kernel.adopt(subject);
    await write("new");
    await expect(kernel.reload()).rejects.toThrow(/failed to reload: no, 1$/);
    expect(warn).toHaveBeenCalledWith(expect.stringMatching(/could not be taken back: .*no, 2$/), {
      code: "MLMCP_RELOAD_RESTORE",
    });
    expect([...seen, subject.work()]).toEqual(["old", "old", "old"]);
    await kernel.use(definePlugin({ name: "after-refusal" }));
    expect(subject.work()).toBe("old");
    refusing = false;
    await kernel.reload();
    expect(subject.work()).toBe("new");
    await folder.remove();
  });

  it("forgets the advice of a plugin that did not start", async () => {
    const traced = tracing("fleeting", [], "cache");
    class Fleeting {
      @traced()
      work() {
        return "ran";
      }
    }
    const subject = new Fleeting();
    const failing = definePlugin({
      name: "fleeting-plugin",
      decorators: [traced],
      start() {
        subject.work();
        throw new Error("no");
      },
    });
    await using kernel = await createTestKernel({ plugins: [] });
    kernel.adopt(subject);
    await expect(kernel.use(failing)).rejects.toThrow(/failed to start: no/);
    expect(() => subject.work()).toThrow(/whose plugin this kernel has not loaded/);
  });
});

describe("hooks", () => {
  it("of `kernel:reloaded` are all called, and those that throw are warnings", async () => {
    const trace: string[] = [];
    const warn = vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);
    await using kernel = await createTestKernel({ plugins: [] });
    kernel.hooks.hook("kernel:reloaded", () => {
      throw new Error("first");
    });
    kernel.hooks.hook("kernel:reloaded", () => void trace.push("told"));
    await kernel.reload();
    expect(trace).toEqual(["told"]);
    expect(warn.mock.calls.map(([message]) => message)).toEqual([
      expect.stringMatching(/reloaded" failed: .*first/),
    ]);
  });

  it("of `plugin:stopped` that throw leave nothing running, and are reported", async () => {
    const trace: string[] = [];
    const kernel = await createTestKernel({ plugins: [slow(trace, "one"), slow(trace, "two")] });
    kernel.hooks.hook("plugin:stopped", ({ name }) => {
      if (name === "two") throw new Error("hook");
    });
    await expect(kernel.stop()).rejects.toMatchObject({ errors: [new Error("hook")] });
    expect(trace.slice(-2)).toEqual(["stop two", "stop one"]);
  });

  it("of `kernel:started` can call decorated methods; where they fail, the kernel stops", async () => {
    const trace: string[] = [];
    const traced = tracing("greeted", trace, "cache");
    class Greeter {
      @traced()
      greet() {
        return "hello";
      }
    }
    const kernel = await createTestKernel({
      plugins: [pluginOf(traced), slow(trace, "one")],
      start: false,
    });
    const greeter = kernel.adopt(new Greeter());
    expect(() => greeter.greet()).toThrow(/its kernel has not started yet/);
    kernel.hooks.hook("kernel:started", () => {
      trace.push(greeter.greet());
      throw new Error("after all");
    });
    await expect(kernel.start()).rejects.toThrow("after all");
    expect(trace).toEqual(["start one", "started one", "> greeted", "< greeted", "hello", "stop one"]);
    expect(() => greeter.greet()).toThrow(/its kernel has stopped/);
  });
});
