import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { createKernel, type PluginError } from "@mlmcp/core";
import { describe, expect, it, onTestFinished } from "vitest";
import { temporaryFolder } from "../support/temporary-folder.js";

/** A plugin needs nothing of the core but its mark, which all copies share. */
const plugin = (name: string) => `{ [Symbol.for("@mlmcp/core/plugin")]: true, name: "${name}" }`;

/** An application's folder with these files, gone when the test is. */
async function application(files: Record<string, string>): Promise<string> {
  const { path, remove } = await temporaryFolder();
  onTestFinished(remove);
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(path, name)), { recursive: true });
    await writeFile(join(path, name), text);
  }
  return path;
}

const createIn = (cwd: string, entry: string) =>
  createKernel({ cwd, configFile: false, config: { plugins: [entry] }, env: {}, autoload: false });

/** The name of the one plugin besides the built-in one. */
async function loaded(cwd: string, entry: string): Promise<string | undefined> {
  await using kernel = await createIn(cwd, entry);
  return kernel.plugins.map(({ name }) => name).find((name) => !name.includes("resilience"));
}

async function refusal(cwd: string, entry: string): Promise<PluginError> {
  try {
    await using kernel = await createIn(cwd, entry);
    throw new Error(`${kernel.plugins.length} plugins were loaded`);
  } catch (error) {
    return error as PluginError;
  }
}

const packageOf = (name: string, manifest: object, files: Record<string, string>) =>
  Object.fromEntries(
    Object.entries({ "package.json": JSON.stringify({ name, ...manifest }), ...files }).map(
      ([file, text]) => [`node_modules/${name}/${file}`, text],
    ),
  );

describe("a plugin that is a package of the application", () => {
  it("may be one that can only be imported", async () => {
    const cwd = await application(
      packageOf(
        "only-import",
        { type: "module", exports: { ".": { import: "./index.js" } } },
        { "index.js": `export default ${plugin("imported")};` },
      ),
    );
    expect(await loaded(cwd, "only-import")).toBe("imported");
  });

  it("may be one that can only be required", async () => {
    const cwd = await application(
      packageOf(
        "only-require",
        { exports: { ".": { require: "./index.cjs" } } },
        { "index.cjs": `module.exports = ${plugin("required")};` },
      ),
    );
    expect(await loaded(cwd, "only-require")).toBe("required");
  });

  it("is the copy that the application itself would import, where there are two", async () => {
    const cwd = await application(
      packageOf(
        "dual",
        { exports: { ".": { require: "./index.cjs", import: "./index.mjs" } } },
        {
          "index.cjs": `module.exports = ${plugin("the CommonJS copy")};`,
          "index.mjs": `export default ${plugin("the ES copy")};`,
        },
      ),
    );
    expect(await loaded(cwd, "dual")).toBe("the ES copy");
  });

  it("may be an entry point inside a package", async () => {
    const cwd = await application(
      packageOf(
        "@scope/kit",
        { type: "module", exports: { "./plugin": { import: "./plugin.js" } } },
        { "plugin.js": `export default ${plugin("inside")};` },
      ),
    );
    expect(await loaded(cwd, "@scope/kit/plugin")).toBe("inside");
    expect((await refusal(cwd, "@scope/kit/none")).message).toMatch(/cannot be loaded\. .*'\.\/none'/);
    expect((await refusal(cwd, "@scope/none/plugin")).message).toContain("`npm install @scope/none`");
  });

  it("may be what a compiler made of `export default`", async () => {
    const cwd = await application(
      packageOf(
        "compiled",
        { main: "index.js" },
        {
          "index.js": `"use strict"; Object.defineProperty(exports, "__esModule", { value: true }); exports.default = ${plugin("compiled")};`,
        },
      ),
    );
    expect(await loaded(cwd, "compiled")).toBe("compiled");
  });

  it("is said to lack a file rather than to be missing where its entry point is not there", async () => {
    const cwd = await application(packageOf("unbuilt", { type: "module", exports: "./dist/index.js" }, {}));
    const error = await refusal(cwd, "unbuilt");
    expect(error).toMatchObject({ code: "MLMCP_PLUGIN_LOAD" });
    expect(error.message).toMatch(/node_modules\/unbuilt\/dist\/index\.js/);
    expect(error.message).not.toContain("Install it");
  });
});

describe("a plugin that cannot be loaded", () => {
  it.each([
    ["./absent.mjs", /There is no such file; paths start at /],
    ["not-there", /Install it \(`npm install not-there`\) or correct the name/],
  ])("is missing only where it is itself not found: %s", async (entry, message) => {
    const error = await refusal(await application({}), entry);
    expect(error).toMatchObject({ code: "MLMCP_PLUGIN_NOT_FOUND" });
    expect(error.message).toMatch(message);
  });

  it("is told together with the others", async () => {
    const cwd = await application({
      "throws.mjs": 'throw new Error("no licence");\n',
      "empty.mjs": "export const nothing = 1;\n",
      "well.mjs": `export default ${plugin("well")};\n`,
    });
    const plugins = ["not-there", "./well.mjs", "./throws.mjs", "./empty.mjs"];
    const started = createKernel({ cwd, configFile: false, config: { plugins }, env: {}, autoload: false });
    const error = await started.then(
      () => undefined,
      (failure: unknown) => failure as PluginError,
    );
    expect(error).toMatchObject({
      code: "MLMCP_PLUGIN_LOAD",
      context: {
        issues: [
          { path: "plugins.not-there", source: { kind: "code" } },
          { path: 'plugins."./throws.mjs"', message: expect.stringMatching(/no licence$/) },
          { path: 'plugins."./empty.mjs"', message: expect.stringContaining("is not a plugin") },
        ],
      },
    });
    expect(error!.message.split("\n")).toEqual([
      "3 plugins cannot be loaded:",
      expect.stringContaining("`npm install not-there`"),
      expect.stringContaining("no licence"),
      expect.stringContaining("is not a plugin: it exports nothing"),
    ]);
    expect((error!.cause as AggregateError).errors).toHaveLength(3);
    const gone = createKernel({ cwd, configFile: false, config: { plugins: ["a-b", "c-d"] }, env: {} });
    await expect(gone).rejects.toMatchObject({ code: "MLMCP_PLUGIN_NOT_FOUND" });
  });

  it.each([
    ["@mlmcp/plugin-cahce", "@mlmcp/plugin-cache"],
    ["@mlcmp/plugin-cache", "@mlmcp/plugin-cache"],
    ["cache", "@mlmcp/plugin-cache"],
    ["mlmcp-plguin-audit", "mlmcp-plugin-audit"],
    ["acme-adit", "acme-audit"],
    ["@mlmcp/plugin-graph", undefined],
    ["plugin-kit", undefined],
  ])("is compared with those that are installed: %s, %s", async (entry, meant) => {
    const keyword = { keywords: ["mlmcp-plugin"] };
    const named = ["mlmcp-plugin-audit", "acme-audit", "plugin-kid"];
    const cwd = await application({
      "package.json": JSON.stringify({ dependencies: Object.fromEntries(named.map((name) => [name, "1"])) }),
      ...packageOf("@mlmcp/plugin-cache", {}, {}),
      ...packageOf("mlmcp-plugin-audit", keyword, {}),
      ...packageOf("acme-audit", keyword, {}),
      ...packageOf("plugin-kid", {}, {}),
    });
    const { message } = await refusal(cwd, entry);
    if (meant === undefined) expect(message).not.toContain("Did you mean");
    else expect(message).toMatch(new RegExp(`correct the name\\. Did you mean "${meant}"\\?$`));
  });

  it("names what it imports in vain", async () => {
    const text = 'import "absent-dependency";\n';
    const cwd = await application({
      "local.mjs": text,
      ...packageOf("needy", { type: "module", exports: "./index.js" }, { "index.js": text }),
    });
    for (const entry of ["./local.mjs", "needy"]) {
      const error = await refusal(cwd, entry);
      expect(error).toMatchObject({ code: "MLMCP_PLUGIN_LOAD" });
      expect(error.message).toMatch(/failed while it was loaded: .*absent-dependency/);
      expect(error.message).not.toMatch(/Install it|no such file/);
    }
  });

  it("says what its module threw, and which file it is", async () => {
    const cwd = await application({
      "throws.mjs": 'throw new Error("no licence");\n',
      "text.mjs": 'throw "x";',
    });
    const error = await refusal(cwd, "./throws.mjs");
    expect(error.message).toMatch(/throws\.mjs failed while it was loaded: no licence$/);
    expect(error.cause).toEqual(new Error("no licence"));
    expect((await refusal(cwd, "./text.mjs")).message).toMatch(/loaded: x$/);
  });

  it("is not waited for without end", async () => {
    const cwd = await application({ "waits.mjs": "await new Promise(() => {});\nexport default {};\n" });
    const starting = createKernel({
      cwd,
      env: {},
      config: { plugins: ["./waits.mjs"], system: { startTimeout: "200ms" } },
    });
    await expect(starting).rejects.toMatchObject({
      code: "MLMCP_PLUGIN_LOAD",
      message: expect.stringMatching(/waits\.mjs failed while it was loaded: it was not ready within 200 ms/),
    });
  });

  it("says where its syntax is wrong", async () => {
    const text = "\nconst = 1;\n";
    const cwd = await application({
      ...packageOf("bad-script", { main: "index.js" }, { "index.js": text }),
      ...packageOf("bad-module", { type: "module", exports: "./index.js" }, { "index.js": text }),
    });
    const script = await refusal(cwd, "bad-script");
    expect(script.message).toMatch(/Unexpected token.* \(SyntaxError at .*bad-script\/index\.js:2\)$/);
    // Node does not say which of the modules it is.
    expect((await refusal(cwd, "bad-module")).message).toMatch(
      /Unexpected token.* \(SyntaxError at .*bad-module\/index\.js, or in a module that it imports\)$/,
    );
  });

  it.skipIf("typescript" in process.features && process.features.typescript)(
    "says what to do about TypeScript",
    async () => {
      const cwd = await application(
        packageOf(
          "sources",
          { type: "module", exports: "./index.js" },
          { "index.js": 'export { default } from "./plugin.ts";', "plugin.ts": "export default 1;" },
        ),
      );
      expect((await refusal(cwd, "sources")).message).toMatch(
        /plugin\.ts\. This Node does not read TypeScript: name the compiled JavaScript/,
      );
    },
  );
});
