import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  ConfigManager,
  createMethodDecorator,
  definePlugin,
  readSources,
  resolveConfig,
  service,
  type ConfigReader,
  type Kernel,
  type KernelOptions,
} from "@mlmcp/core";
import { createTestKernel } from "@mlmcp/core/testing";
import { describe, expect, it, onTestFinished } from "vitest";
import { project, warningsDuring } from "./project.js";

/** Answers the mark that stood when the call began, and again when the method has ended. */
const marked = createMethodDecorator<{ mark?: string }>({
  name: "marked",
  schema: { type: "object", properties: { mark: { type: "string", minLength: 1 } } },
  defaults: (config) => ({ mark: config.get<string>("marking.mark") }),
  parts: [
    {
      at: "cache",
      around:
        (next, { options }) =>
        async (self, args) =>
          `${options.mark}:${String(await next(self, args))}`,
    },
  ],
});

const seen: string[] = [];
const marking = definePlugin({
  name: "marking",
  section: "marking",
  schema: {
    type: "object",
    properties: {
      mark: { type: "string", minLength: 1, default: "plain" },
      size: { type: "integer", minimum: 1, default: 1 },
      wait: { duration: true, default: "1s" },
      token: { type: "string", secret: true },
      tags: { type: "array", items: { type: "string" }, default: [] },
      make: { typeof: "function" },
    },
  },
  decorators: [marked],
  reload(kernel) {
    const { mark, size } = kernel.config.section<{ mark: string; size: number }>("marking");
    if (size === 13) throw new Error("not thirteen");
    seen.push(`${mark} ${size}`);
  },
});

class Subject {
  @marked()
  async work(until?: Promise<void>): Promise<string> {
    await until;
    return "done";
  }
}

async function start(options: KernelOptions = {}): Promise<{ kernel: Kernel; config: ConfigManager }> {
  const kernel = await createTestKernel({ plugins: [marking], ...options });
  onTestFinished(() => kernel.stop());
  seen.length = 0;
  return { kernel, config: kernel.config };
}

/** A kernel on an rc file of its own. */
async function startOn(name: string, text: string, options: KernelOptions = {}) {
  const file = join(project({ [name]: text }), name);
  return {
    file,
    text: () => readFileSync(file, "utf8"),
    ...(await start({ configFile: file, ...options })),
  };
}

/** What a file comes to for a kernel that is started on it. */
async function readAgain(file: string): Promise<ConfigReader> {
  const sources = await readSources({ cwd: "/", configFile: file, env: {} });
  return resolveConfig(sources, {
    sections: [{ name: "marking", schema: marking.schema!, plugin: "marking" }],
    advice: [marked.advice],
  });
}

describe("the ConfigManager", () => {
  it("is what services are given, and always the configuration in effect", async () => {
    @service([ConfigManager])
    class Tuner {
      constructor(readonly config: ConfigManager) {}
    }
    const { kernel, config } = await start({ config: { marking: { size: 2 } } });
    const { config: injected } = kernel.resolve(Tuner);
    expect(injected).toBe(config);
    expect(kernel.resolve(ConfigManager)).toBe(config);
    const snapshot = { size: injected.get<number>("marking.size"), section: injected.getSection("marking") };
    await config.set("marking.size", 3);
    expect([snapshot.size, injected.get("marking.size")]).toEqual([2, 3]);
    expect([snapshot.section["size"], injected.getSection("marking")["size"]]).toEqual([2, 3]);
    expect(injected.get("marking.nothing", "fallback")).toBe("fallback");
    expect(injected.operation("Subject.work").advice).toEqual({});
    expect([injected.environment, injected.file, injected.files]).toEqual(["development", undefined, []]);
  });
});

describe("config.set()", () => {
  it("has taken effect where a hook that hears of it fails, which is a warning", async () => {
    const { kernel, config } = await startOn(".mlmcprc.yaml", "marking: { size: 2 }\n");
    kernel.hooks.hook("kernel:reloaded", () => {
      throw new Error("careless");
    });
    const warnings = await warningsDuring(() => config.set("marking.size", 3));
    expect(config.get("marking.size")).toBe(3);
    expect(warnings).toEqual([
      { code: "MLMCP_LISTENER_FAILED", message: expect.stringContaining("careless") },
    ]);
  });

  it("ranks above everything else, is explained, and stays through a reload until it is unset", async () => {
    const { kernel, config } = await startOn(".mlmcprc.yaml", "marking: { wait: 1m, size: 2 }\n", {
      env: { MLMCP_MARKING_WAIT: "2m" },
    });
    await config.set("marking.wait", "3m");
    expect(config.get("marking.wait")).toBe(180_000);
    const { source, overrode } = config.explain("marking.wait");
    expect([source, ...overrode.map((one) => one.source)].map(({ kind }) => kind)).toEqual([
      "runtime",
      "env",
      "file",
    ]);
    await kernel.reload();
    expect(config.get("marking.wait")).toBe(180_000);
    await config.unset("marking.wait");
    expect(config.get("marking.wait")).toBe(120_000);
  });

  it("changes later calls, while calls in flight finish as they began", async () => {
    const { kernel, config } = await start();
    const subject = kernel.adopt(new Subject());
    let release!: () => void;
    const running = subject.work(new Promise<void>((resolve) => (release = resolve)));
    await config.set("marking.mark", "new");
    expect(await subject.work()).toBe("new:done");
    await config.set({ 'operations."Subject.*".marked.mark': "tuned" });
    expect(await subject.work()).toBe("tuned:done");
    await config.set('operations."Subject.work".marked', false);
    expect(await subject.work()).toBe("done");
    release();
    expect(await running).toBe("plain:done");
  });

  it("takes several settings as one change, which plugins and hooks see once", async () => {
    const { kernel, config } = await start();
    const changes: unknown[] = [];
    kernel.hooks.hook("kernel:reloaded", ({ config: now, previous }) => {
      changes.push([previous.get("marking.size"), now.get("marking.size"), now.get("marking.mark")]);
    });
    await config.set({ "marking.size": 2, marking: { mark: "a", size: 3 }, "marking.tags": ["x"] });
    expect([seen, changes]).toEqual([["a 3"], [[1, 3, "a"]]]);
    await config.set("marking.size", 3);
    expect([seen.length, changes.length]).toEqual([1, 1]);
    await config.unset("marking.mark", "marking.size", "marking.absent.deep");
    expect([seen.at(-1), config.get("marking.tags")]).toEqual(["plain 1", ["x"]]);
  });

  it.each([
    [
      "an invalid value",
      { "marking.mark": "ok", "marking.size": 0 },
      /marking\.size.*received 0 \(config\.set\(\)\)/,
    ],
    ["an unknown key", { "marking.sise": 2 }, /Did you mean "size"/],
    ["a value that a plugin refuses", { "marking.mark": "ok", "marking.size": 13 }, /not thirteen/],
    ["other plugins", { "plugins.other": true }, /`plugins` cannot change/],
    ["another environment", { "system.environment": "production" }, /environment/],
    ["another environment in its section", { system: { environment: "production" } }, /environment/],
    ["a key that pollutes", { "marking.constructor.x": 1 }, /this key is refused/],
    ["an empty path", { "": {} }, /empty path/],
    ["no value", { "marking.size": undefined }, /config\.unset\("marking\.size"\)/],
  ])("refuses %s, and nothing has changed", async (_, values, message) => {
    const { config } = await start();
    await config.set("marking.tags", ["kept"]);
    const before = config.get("");
    await warningsDuring(() => expect(config.set(values)).rejects.toThrow(message));
    expect(config.get("")).toBe(before);
    await config.set("marking.mark", "later");
    expect(config.getSection("marking")).toMatchObject({ mark: "later", size: 1, tags: ["kept"] });
  });

  it("refuses an object that contains itself, and keeps apart from the caller's own objects", async () => {
    const { config } = await start();
    const circular: Record<string, unknown> = {};
    circular["marking"] = { tags: circular };
    await expect(config.set(circular)).rejects.toThrow(/contains itself/);
    const tags = ["a"];
    const marks = { tags };
    await config.set({ marking: marks, "marking.size": 2 });
    tags.push("b");
    expect([config.get("marking.tags"), marks]).toEqual([["a"], { tags: ["a", "b"] }]);
  });

  it("is refused once the kernel has stopped, and by hooks of its own change", async () => {
    const { kernel, config } = await start();
    let refused: unknown;
    kernel.hooks.hook("kernel:reloaded", async () => {
      refused ??= await config.set("marking.size", 9).catch((error: unknown) => error);
    });
    await config.set("marking.size", 2);
    expect(refused).toMatchObject({ code: "MLMCP_KERNEL_BUSY" });
    await kernel.stop();
    await expect(config.set("marking.size", 3)).rejects.toMatchObject({ code: "MLMCP_KERNEL_STOPPED" });
    expect(config.get("marking.size")).toBe(2);
  });
});

describe("config.onChange()", () => {
  it("tells of changes at its path alone, after they have taken effect", async () => {
    const { kernel, config, file } = await startOn(".mlmcprc.json", '{ "marking": { "size": 2 } }');
    const told: unknown[] = [];
    const off = config.onChange("marking.size", (value, before) =>
      told.push(["size", value, before, config.get("marking.size")]),
    );
    config.onChange("marking", (section) => told.push(["section", section]));
    config.onChange("operations", (operations) => told.push(["operations", operations]));
    await config.set("marking.mark", "plain");
    expect(told).toEqual([]);
    await config.set("marking.mark", "x");
    expect(told.splice(0)).toMatchObject([["section", { mark: "x", size: 2 }]]);
    writeFileSync(file, '{ "marking": { "size": 5 }, "operations": { "Subject.*": { "marked": false } } }');
    await kernel.reload();
    expect(told.splice(0)).toMatchObject([
      ["size", 5, 2, 5],
      ["section", { mark: "x", size: 5 }],
      ["operations", { "Subject.*": { marked: false } }],
    ]);
    off();
    await config.set("marking.size", 6);
    expect(told.map(([what]: any) => what)).toEqual(["section"]);
  });

  it("may change the configuration in its turn", async () => {
    const { config } = await start();
    const settled = new Promise<void>((resolve) => {
      config.onChange<number>("marking.size", (size) => {
        if (size < 4) void config.set("marking.size", size + 1);
        else resolve();
      });
    });
    await config.set("marking.size", 2);
    await settled;
    expect(config.get("marking.size")).toBe(4);
  });

  it("makes a warning of what a listener throws, and tells the others", async () => {
    const { config } = await start();
    const told: unknown[] = [];
    config.onChange("marking.size", () => {
      throw new Error("careless");
    });
    config.onChange("marking.size", async () => Promise.reject(new Error("careless later")));
    config.onChange("marking.size", (value) => told.push(value));
    const warnings = await warningsDuring(() => config.set("marking.size", 2));
    expect(told).toEqual([2]);
    expect(warnings).toMatchObject([
      { code: "MLMCP_LISTENER_FAILED", message: expect.stringMatching(/"marking\.size".*careless/) },
      { code: "MLMCP_LISTENER_FAILED", message: expect.stringMatching(/careless later/) },
    ]);
  });

  it("warns of a path that nobody knows and that looks mistyped", async () => {
    const { config } = await startOn(".mlmcprc.yaml", "");
    const asked = await warningsDuring(async () => {
      config.onChange("marking.szie", () => undefined);
      config.onChange("marking.size", () => undefined);
    });
    expect(asked).toEqual([
      { code: "MLMCP_CONFIG_PATH_UNKNOWN", message: expect.stringContaining('Did you mean "marking.size"?') },
    ]);
  });
});

describe("config.validate()", () => {
  it("says what a reload would find wrong, and takes nothing up", async () => {
    const { config, file } = await startOn(".mlmcprc.yaml", "marking: { size: 2 }\n");
    expect(await config.validate()).toEqual([]);
    writeFileSync(file, "marking:\n  size: 0\n  sise: 1\n");
    expect(await config.validate()).toMatchObject([
      { path: "marking.sise", suggestion: "size" },
      { path: "marking.size", received: 0, source: { name: file, line: 2 } },
    ]);
    writeFileSync(file, "marking: [\n");
    expect(await config.validate()).toMatchObject([{ message: expect.stringContaining("YAML syntax") }]);
    writeFileSync(file, "plugins: { other: true }\n");
    expect(await config.validate()).toMatchObject([
      { path: "", message: expect.stringContaining("`plugins`") },
    ]);
    expect([config.get("marking.size"), seen]).toEqual([2, []]);
  });

  it("says what production would refuse", async () => {
    const careful = definePlugin({
      name: "careful",
      section: "careful",
      schema: { type: "object", properties: { open: { type: "boolean", default: false } } },
      productionChecks: [
        {
          name: "open",
          check: ({ config }) =>
            config.get("careful.open") ? { level: "refuse", message: "It is open." } : undefined,
        },
      ],
    });
    const { config, file } = await startOn(".mlmcprc.yaml", "system: { environment: production }\n", {
      plugins: [careful],
    });
    writeFileSync(file, "system: { environment: production }\ncareful: { open: true }\n");
    expect(await config.validate()).toEqual([{ path: "", message: expect.stringContaining("It is open.") }]);
    expect(config.get("careful.open")).toBe(false);
  });
});

describe("config.saveToFile()", () => {
  it("writes what was set at run time into the rc file, and leaves the rest of it alone", async () => {
    const { config, file, text } = await startOn(
      ".mlmcprc.yaml",
      "# Ours.\nmarking:\n  size: 2 # pieces\n  mark: ${MARK}\n",
      { env: { MARK: "m" } },
    );
    await config.set({ "marking.size": 5, 'operations."Subject.work".marked': { mark: "${literally}" } });
    expect(await config.saveToFile()).toBe(file);
    expect(text()).toBe(
      "# Ours.\nmarking:\n  size: 5 # pieces\n  mark: ${MARK}\noperations:\n  Subject.work:\n    marked:\n      mark: $${literally}\n",
    );
    await expect(config.validate()).resolves.toEqual([]);
    const before = text();
    await config.saveToFile();
    expect(text()).toBe(before);
  });

  it("keeps what another kernel and an editor save at the same time", async () => {
    const first = await startOn(".mlmcprc.yaml", "marking: { size: 2 }\n");
    const second = await start({ configFile: first.file });
    await first.config.set("marking.size", 5);
    await second.config.set("marking.mark", "m");
    writeFileSync(first.file, "# By hand.\nmarking: { size: 2 }\nsystem: { debug: true }\n");
    await Promise.all([first.config.saveToFile(), second.config.saveToFile()]);
    expect(first.text()).toBe("# By hand.\nmarking: { size: 5, mark: m }\nsystem: { debug: true }\n");
  });

  it("writes into the profile what the profile would override, and nothing else", async () => {
    const { config, text, file } = await startOn(
      ".mlmcprc.yaml",
      [
        "system: { environment: staging }",
        "marking: { size: 2 }",
        "profiles:",
        "  staging:",
        "    marking: { size: 3 }",
        "    operations: { 'Subject.work': { marked: false } }",
        "",
      ].join("\n"),
    );
    await config.set({
      "marking.size": 4,
      "marking.mark": "x",
      'operations."Subject.work".marked.mark': "y",
    });
    await config.saveToFile();
    expect(text()).toBe(
      [
        "system: { environment: staging }",
        "marking: { size: 2, mark: x }",
        "profiles:",
        "  staging:",
        "    marking: { size: 4 }",
        "    operations: { 'Subject.work': { marked: { mark: y } } }",
        "",
      ].join("\n"),
    );
    const again = await readAgain(file);
    expect(again.section("marking")).toMatchObject({ size: 4, mark: "x" });
    expect(again.operation("Subject.work").advice).toEqual({ marked: { mark: "y" } });
  });

  it("warns of what code or a variable will override, and leaves out secrets and what only code can give", async () => {
    const { config, text } = await startOn(".mlmcprc.yaml", "marking: {}\n", {
      env: { MLMCP_MARKING_SIZE: "7" },
      config: { marking: { mark: "code" } },
    });
    await config.set({
      "marking.size": 2,
      "marking.mark": "saved",
      "marking.token": "hush-hush",
      "marking.make": () => 1,
    });
    const warnings = await warningsDuring(() => config.saveToFile());
    expect(warnings.map(({ code }) => code).toSorted()).toEqual([
      "MLMCP_CONFIG_LEFT_OUT",
      "MLMCP_CONFIG_OVERRIDDEN",
      "MLMCP_CONFIG_OVERRIDDEN",
    ]);
    const all = warnings.map(({ message }) => message).join("\n");
    expect(all).toMatch(/marking\.size is saved, but MLMCP_MARKING_SIZE/);
    expect(all).toMatch(/marking\.mark is saved, but createKernel/);
    expect(all).toMatch(/marking\.token \(a secret\), marking\.make \(only code can give it\)/);
    expect(all).not.toContain("hush-hush");
    expect(text()).toBe("marking: { size: 2, mark: saved }\n");
  });

  it.each(["whole.yaml", "whole.json"])(
    "writes what files, code and run time say together into %s, without variables and defaults",
    async (name) => {
      const root = project({
        "base.yaml": "marking: { tags: [base], wait: 1m }\n",
        ".mlmcprc.yaml":
          "extends: ./base.yaml\nsystem: { environment: staging }\nmarking: { mark: '${MARK}', token: 'secret://env/TOKEN' }\nprofiles: { staging: { marking: { size: 4 } } }\n",
      });
      const { config } = await start({
        configFile: join(root, ".mlmcprc.yaml"),
        config: { marking: { wait: "2m" }, operations: { "Subject.*": { marked: { mark: "${no}" } } } },
        env: { MARK: "m", TOKEN: "hush-hush", MLMCP_MARKING_TAGS: "env" },
      });
      await config.set("marking.size", 5);
      const file = await config.saveToFile(name);
      expect(file).toBe(join(root, name));
      const text = readFileSync(file, "utf8");
      expect(text).toContain("${MARK}");
      expect(text).not.toContain("hush-hush");
      const sources = await readSources({ cwd: root, configFile: file, env: { MARK: "again", TOKEN: "t" } });
      expect(sources.layers.at(-1)!.value).toEqual({
        system: { environment: "staging" },
        marking: { tags: ["base"], wait: "2m", mark: "again", token: "secret://env/TOKEN", size: 5 },
        operations: { "Subject.*": { marked: { mark: "${no}" } } },
      });
      expect(statSync(file).mode & 0o777).toBe(0o644);
    },
  );

  it("gives a new file to its owner alone where it holds a secret", async () => {
    const { config } = await startOn(".mlmcprc.yaml", "marking: { token: hush-hush }\n");
    const copy = await config.saveToFile("copy.yaml");
    expect(readFileSync(copy, "utf8")).toBe("marking:\n  token: hush-hush\n");
    expect(statSync(copy).mode & 0o777).toBe(0o600);
  });

  it("refuses a program, a directory, and to guess a file", async () => {
    const { config, file } = await startOn("mlmcp.config.mjs", "export default { marking: { size: 2 } };\n");
    await config.set("marking.size", 3);
    await expect(config.saveToFile()).rejects.toMatchObject({ code: "MLMCP_CONFIG_NOT_EDITABLE" });
    await expect(config.saveToFile("x.ts")).rejects.toMatchObject({ code: "MLMCP_CONFIG_NOT_EDITABLE" });
    mkdirSync(join(file, "..", "directory"));
    await expect(config.saveToFile("directory")).rejects.toMatchObject({ code: "MLMCP_CONFIG_FILE" });
    const { config: without } = await start();
    await expect(without.saveToFile()).rejects.toThrow(/There is no rc file/);
  });
});
