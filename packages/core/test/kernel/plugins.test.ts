import { mkdir, writeFile } from "node:fs/promises";
import {
  createKernel,
  createMethodDecorator,
  definePlugin,
  onEvent,
  PluginError,
  type Plugin,
  type PluginDefinition,
} from "@mlmcp/core";
import { createTestKernel } from "@mlmcp/core/testing";
import { describe, expect, it, vi } from "vitest";
import { temporaryFolder } from "../support/temporary-folder.js";
import { pluginOf, tracing } from "../support/tracing.js";

/** A plugin that notes each step of its life. */
function noting(trace: string[], name: string, more: Partial<PluginDefinition> = {}): Plugin {
  return definePlugin({
    name,
    register: () => void trace.push(`register ${name}`),
    start: () => void trace.push(`start ${name}`),
    stop: () => void trace.push(`stop ${name}`),
    ...more,
  });
}

describe("the life of plugins", () => {
  it("registers all, starts them in the order of their dependencies and stops them in reverse", async () => {
    const trace: string[] = [];
    const kernel = await createTestKernel({
      plugins: [
        noting(trace, "c", { dependsOn: ["b"], optionalDependsOn: ["not-there"] }),
        noting(trace, "a"),
        noting(trace, "b", { optionalDependsOn: ["a"] }),
      ],
    });
    expect(kernel.plugins.map(({ name }) => name)).toEqual([
      expect.stringContaining("resilience"),
      "a",
      "b",
      "c",
    ]);
    await kernel.stop();
    expect(trace).toEqual([
      "register a",
      "register b",
      "register c",
      "start a",
      "start b",
      "start c",
      "stop c",
      "stop b",
      "stop a",
    ]);
  });

  it("tells hooks of each step, one after another", async () => {
    const trace: string[] = [];
    const observer = definePlugin({
      name: "hooking",
      register({ hooks }) {
        hooks.hook("plugin:started", ({ name }) => void trace.push(`started ${name}`));
        hooks.hook("plugin:stopped", ({ name }) => void trace.push(`stopped ${name}`));
        hooks.hook("kernel:started", async () => {
          await Promise.resolve();
          trace.push("kernel started");
        });
        hooks.hook("kernel:draining", () => void trace.push("draining"));
        hooks.hook("kernel:stopped", () => void trace.push("kernel stopped"));
      },
    });
    const kernel = await createTestKernel({ plugins: [observer, noting([], "other")] });
    await kernel.stop();
    expect(trace.filter((line) => !line.includes("resilience"))).toEqual([
      "started hooking",
      "started other",
      "kernel started",
      "draining",
      "stopped other",
      "stopped hooking",
      "kernel stopped",
    ]);
  });

  it("stops what had started when a later start fails, and runs every clean-up", async () => {
    const trace: string[] = [];
    const failing = noting(trace, "failing", {
      dependsOn: ["first"],
      start({ onStop }) {
        onStop(() => void trace.push("clean up failing"));
        throw new Error("port in use");
      },
    });
    const first = noting(trace, "first", {
      start: ({ onStop }) => {
        onStop(() => void trace.push("clean up 1"));
        onStop(() => void trace.push("clean up 2"));
      },
    });
    const start = createTestKernel({ plugins: [first, failing] });
    await expect(start).rejects.toThrow('The plugin "failing" failed to start: port in use');
    await expect(start).rejects.toMatchObject({ code: "MLMCP_PLUGIN_START", context: { plugin: "failing" } });
    expect(trace).toEqual([
      "register first",
      "register failing",
      "clean up failing",
      "stop first",
      "clean up 2",
      "clean up 1",
    ]);
  });

  it("gives up a start that hangs, and names the plugin", async () => {
    const hanging = definePlugin({ name: "hanging", start: () => new Promise(() => {}) });
    await expect(
      createTestKernel({ plugins: [hanging], config: { system: { startTimeout: 10 } } }),
    ).rejects.toThrow(
      /The plugin "hanging" failed to start: it did not finish within 10 ms \(system\.startTimeout\)/,
    );
  });

  it("stops the others where one stop fails or hangs, and reports both", async () => {
    const trace: string[] = [];
    const kernel = await createTestKernel({
      config: { system: { stopTimeout: 10 } },
      plugins: [
        noting(trace, "good"),
        noting(trace, "hanging-stop", { stop: () => new Promise(() => {}) }),
        noting(trace, "failing-stop", {
          stop() {
            throw new Error("busy");
          },
        }),
      ],
    });
    const stopped: unknown = await kernel.stop().catch((error: unknown) => error);
    expect(stopped).toBeInstanceOf(AggregateError);
    expect((stopped as AggregateError).errors.map(String)).toEqual([
      expect.stringMatching(/"failing-stop" failed to stop: busy/),
      expect.stringMatching(/"hanging-stop" failed to stop: it did not finish within 10 ms/),
    ]);
    expect(trace).toContain("stop good");
  });

  it("hears events of its own kernel alone, until it stops", async () => {
    const heard: string[] = [];
    const listening = definePlugin({
      name: "listening",
      start: ({ on, id }) => void on("kernel:reloaded", (event) => heard.push(`${event.kernel === id}`)),
    });
    const a = await createTestKernel({ plugins: [listening] });
    const b = await createTestKernel();
    await b.reload();
    expect(heard).toEqual([]);
    await a.reload();
    expect(heard).toEqual(["true"]);
    await a.stop();
    await b.reload();
    await b.stop();
    expect(heard).toEqual(["true"]);
  });

  it("turns a listener's failure into a warning", async () => {
    const warn = vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);
    const end = onEvent("kernel:reloaded", () => {
      throw new Error("listener");
    });
    await using kernel = await createTestKernel();
    await kernel.reload();
    end();
    expect(warn).toHaveBeenCalledWith(
      expect.stringContaining("mlmcp:kernel:reloaded failed: Error: listener"),
      { code: "MLMCP_LISTENER_FAILED" },
    );
    warn.mockRestore();
  });
});

describe("plugins that cannot be ordered", () => {
  it.each([
    [
      "a cycle",
      [definePlugin({ name: "x", dependsOn: ["y"] }), definePlugin({ name: "y", dependsOn: ["x"] })],
      /in a circle: x → y → x/,
    ],
    [
      "a missing dependency",
      [definePlugin({ name: "x", dependsOn: ["absent"] })],
      /"x" needs "absent", which is not loaded/,
    ],
    [
      "several missing dependencies",
      [definePlugin({ name: "x", dependsOn: ["a", "b"] }), definePlugin({ name: "y", dependsOn: ["a"] })],
      /^The plugin "x" needs "a", which is not loaded; the plugin "x" needs "b", .*; the plugin "y" needs "a", .*Install them/,
    ],
    [
      "two of one name",
      [definePlugin({ name: "x" }), definePlugin({ name: "x" })],
      /Two plugins are called "x"/,
    ],
    [
      "two of one section",
      [definePlugin({ name: "x", section: "same" }), definePlugin({ name: "y", section: "same" })],
      /claims the section "same".*already x's/s,
    ],
  ])("are refused: %s", async (_, plugins, message) => {
    await expect(createTestKernel({ plugins })).rejects.toThrow(message);
    await expect(createTestKernel({ plugins })).rejects.toBeInstanceOf(PluginError);
  });

  it("are refused where they are defined, if that shows it", () => {
    expect(() => definePlugin({ name: "" })).toThrow(/needs a `name`/);
    expect(() => definePlugin({ name: "x", schema: {} })).toThrow(/has a `schema` but no `section`/);
    expect(() => definePlugin({ name: "x", section: "Not camel" })).toThrow(/must be one camelCase word/);
    const twin = () => tracing("twin", [], "cache");
    expect(() => definePlugin({ name: "x", decorators: [twin(), twin()] })).toThrow(
      /two decorators called "twin"/,
    );
  });
});

describe("where plugins come from", () => {
  it("loads those that the rc file names, by path and by package", async () => {
    await using folder = await folderWithPlugins();
    await writeFile(`${folder.path}/.mlmcprc.yaml`, 'plugins: ["./local.mjs", "packaged-plugin"]\n');
    await using kernel = await createKernel({ cwd: folder.path, env: {}, autoload: false });
    expect(kernel.plugins.map(({ name }) => name)).toEqual(expect.arrayContaining(["local", "packaged"]));
    expect(kernel.config.section("local")).toEqual({ level: 1 });
  });

  it("gives a plugin the options that stand beside its name, below its section", async () => {
    await using folder = await folderWithPlugins();
    await writeFile(`${folder.path}/.mlmcprc.yaml`, 'plugins: { "./local.mjs": { level: 5 } }\n');
    const kernel = await createKernel({ cwd: folder.path, env: {}, autoload: false });
    expect(kernel.config.get("local.level")).toBe(5);
    await kernel.stop();
    await writeFile(
      `${folder.path}/.mlmcprc.yaml`,
      'plugins: { "./local.mjs": { level: 5 } }\nlocal: { level: 6 }\n',
    );
    await using above = await createKernel({ cwd: folder.path, env: {}, autoload: false });
    expect(above.config.get("local.level")).toBe(6);
  });

  it("names file and line of an entry that cannot be loaded", async () => {
    await using folder = await folderWithPlugins();
    const start = async (entry: string) => {
      await writeFile(`${folder.path}/.mlmcprc.yaml`, `plugins:\n  - ${entry}\n`);
      return createKernel({ cwd: folder.path, env: {}, autoload: false });
    };
    await expect(start("no-such-package")).rejects.toThrow(
      /"no-such-package" \(\.mlmcprc\.yaml:2\) cannot be loaded\. Install it/,
    );
    await expect(start("./absent.mjs")).rejects.toThrow(/There is no such file/);
    await expect(start("./throws.mjs")).rejects.toMatchObject({
      code: "MLMCP_PLUGIN_LOAD",
      cause: new Error("at load"),
    });
    await expect(start("./not-a-plugin.mjs")).rejects.toThrow(/is not a plugin: it exports hello/);
  });

  it("loads plugins of imported decorators by themselves, unless told not to", async () => {
    const imported = pluginOf(tracing("imported", [], "cache"));
    await using with_ = await createKernel({ configFile: false, env: {} });
    expect(with_.plugins).toContain(imported);
    await using without = await createKernel({ configFile: false, env: {}, autoload: false });
    expect(without.plugins).not.toContain(imported);
  });

  it("lets a plugin that is turned off pass through, and refuses one that is not there", async () => {
    const trace: string[] = [];
    const traced = tracing("toggled", trace, "cache");
    const plugin = definePlugin({ name: "toggled-plugin", decorators: [traced] });
    class Subject {
      @traced()
      work() {
        return "ran";
      }
    }
    const off = await createTestKernel({
      plugins: [plugin],
      config: { plugins: { "toggled-plugin": false } },
    });
    expect(off.adopt(new Subject()).work()).toBe("ran");
    expect(trace).toEqual([]);
    expect(off.operations.explain("Subject.work").skipped).toEqual([
      { advice: "toggled", reason: "its plugin is turned off" },
    ]);
    await off.stop();

    await using kernel = await createTestKernel({ plugins: [] });
    const subject = kernel.adopt(new Subject());
    expect(() => subject.work()).toThrow(
      /Subject\.work is decorated with @toggled, whose plugin this kernel has not loaded.*`await kernel\.use\(plugin\)`/,
    );
    await kernel.use(plugin);
    expect(subject.work()).toBe("ran");
    expect(trace).toEqual(["> toggled", "< toggled"]);
    await kernel.use(plugin);
    expect(kernel.plugins.filter(({ name }) => name === "toggled-plugin")).toHaveLength(1);
  });

  it("validates the section of a plugin that is added while the kernel runs", async () => {
    const late = definePlugin({
      name: "late",
      section: "late",
      schema: { type: "object", properties: { size: { type: "integer", default: 3 } } },
    });
    const failing = definePlugin({
      name: "failing-late",
      start() {
        throw new Error("no");
      },
    });
    await using kernel = await createTestKernel({ plugins: [] });
    await kernel.use(late);
    expect(kernel.config.get("late.size")).toBe(3);
    await expect(kernel.use(failing)).rejects.toThrow(/"failing-late" failed to start/);
    expect(kernel.plugins.map(({ name }) => name)).not.toContain("failing-late");
  });

  it("refuses options for a plugin without a section", async () => {
    const plain = definePlugin({ name: "plain" });
    await expect(
      createTestKernel({ plugins: [plain], config: { plugins: { plain: { a: 1 } } } }),
    ).rejects.toThrow(/"plain" is given options, but it has no section/);
  });
});

describe("production", () => {
  const checked = definePlugin({
    name: "checked",
    productionChecks: [
      {
        name: "token",
        check: ({ config }) =>
          config.get("system.debug")
            ? { level: "refuse", message: "Debugging is on: remove system.debug." }
            : undefined,
      },
      {
        name: "stores",
        check: ({ config }) =>
          config.get("system.debug") ? { level: "refuse", message: "Second reason." } : undefined,
      },
      { name: "memory", check: () => ({ level: "warn", message: "Memory only." }) },
    ],
  });

  it("is refused with every reason, and warns of the rest", async () => {
    const warn = vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);
    const config = { system: { environment: "production", debug: true } };
    await expect(createTestKernel({ plugins: [checked], config })).rejects.toThrow(
      /not safe for production:\n {2}Debugging is on: remove system\.debug\. \(checked\/token\)\n {2}Second reason\./,
    );
    await using _ = await createTestKernel({
      plugins: [checked],
      config: { system: { environment: "production" } },
    });
    expect(warn).toHaveBeenCalledWith("Memory only.", { code: "MLMCP_PRODUCTION", detail: "checked/memory" });
    warn.mockRestore();
  });

  it("is checked in production alone", async () => {
    await using kernel = await createTestKernel({ plugins: [checked], config: { system: { debug: true } } });
    expect(kernel.plugins).toContain(checked);
  });
});

it("an advice that no plugin contributes works by itself", async () => {
  const lone = createMethodDecorator({
    name: "lone",
    schema: { type: "object" },
    serves: { sync: true },
    parts: [{ at: "cache", around: () => () => "lone" }],
  });
  class Subject {
    @lone()
    work() {
      return "method";
    }
  }
  await using kernel = await createTestKernel({ plugins: [] });
  expect(kernel.adopt(new Subject()).work()).toBe("lone");
});

async function folderWithPlugins() {
  const folder = await temporaryFolder();
  // A plugin needs nothing of the core but its mark, which all copies share.
  const plugin = (fields: string) =>
    `export default { [Symbol.for("@mlmcp/core/plugin")]: true, ${fields} };\n`;
  await mkdir(`${folder.path}/node_modules/packaged-plugin`, { recursive: true });
  await writeFile(
    `${folder.path}/node_modules/packaged-plugin/package.json`,
    '{ "name": "packaged-plugin", "type": "module", "exports": "./index.js" }',
  );
  await writeFile(`${folder.path}/node_modules/packaged-plugin/index.js`, plugin('name: "packaged"'));
  await writeFile(
    `${folder.path}/local.mjs`,
    plugin(
      'name: "local", section: "local", schema: { type: "object", properties: { level: { type: "integer", default: 1 } } }',
    ),
  );
  await writeFile(`${folder.path}/throws.mjs`, 'throw new Error("at load");\n');
  await writeFile(`${folder.path}/not-a-plugin.mjs`, "export const hello = 1;\n");
  return { path: folder.path, [Symbol.asyncDispose]: () => folder.remove() };
}
