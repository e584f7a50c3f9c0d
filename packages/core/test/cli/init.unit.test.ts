import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { project } from "../config/project.js";
import { mlmcp } from "./command-line.js";

const packageOf = (name: string) => dirname(createRequire(import.meta.url).resolve(`${name}/package.json`));
const core = packageOf("@mlmcp/core");

/** A package that is a plugin with a section, as an installed one looks. */
const plugin = (name: string, section: string, keywords = ["mlmcp-plugin"]) => ({
  [`node_modules/${name}/package.json`]: JSON.stringify({
    name,
    version: "1.2.3",
    keywords,
    main: "index.js",
    type: "module",
  }),
  [`node_modules/${name}/index.js`]: `export default {
    [Symbol.for("@mlmcp/core/plugin")]: true,
    name: ${JSON.stringify(name)},
    section: "${section}",
    schema: { type: "object", properties: { level: { type: "integer", default: 1 } } },
  };`,
});

const manifest = (...dependencies: string[]) => ({
  ".git/": "",
  "package.json": JSON.stringify({
    dependencies: Object.fromEntries(dependencies.map((name) => [name, "1"])),
  }),
});

const read = (cwd: string, name: string) => readFileSync(join(cwd, name), "utf8");

describe("mlmcp init --yes", () => {
  it("writes YAML for what is installed, which is valid at once", async () => {
    const cwd = project({
      ...manifest("audit-plugin", "left-pad"),
      ...plugin("audit-plugin", "audit"),
      ...plugin("left-pad", "pad", ["string"]),
      ...plugin("@mlmcp/plugin-lab", "lab", []),
      "dist/app.js": "",
    });
    const { code, out, err } = await mlmcp(["init", "--yes"], { cwd });
    expect([code, err]).toEqual([0, ""]);
    expect(out).toContain("Wrote .mlmcprc.yaml, and .mlmcp/schema.json for editors.");
    const text = read(cwd, ".mlmcprc.yaml");
    expect(text).toMatch(/^# yaml-language-server: \$schema=\.mlmcp\/schema\.json\n/);
    expect(parse(text)).toEqual({
      system: { environment: "development" },
      plugins: ["@mlmcp/plugin-lab", "audit-plugin"],
      app: "./dist/app.js",
    });
    const validated = await mlmcp(["config", "validate", "--strict"], { cwd });
    expect([validated.code, validated.err]).toEqual([0, ""]);
    expect((await mlmcp(["config", "get", "audit.level"], { cwd })).out).toBe("1\n");
  });

  it("writes a schema that knows the plugins' sections", async () => {
    const cwd = project({ ...manifest("audit-plugin"), ...plugin("audit-plugin", "audit") });
    await mlmcp(["init", "--yes"], { cwd });
    const { properties } = JSON.parse(read(cwd, ".mlmcp/schema.json")) as { properties: object };
    expect(Object.keys(properties)).toEqual(expect.arrayContaining(["system", "operations", "audit"]));
    expect((await mlmcp(["config", "schema"], { cwd })).out).toBe(read(cwd, ".mlmcp/schema.json"));
  });

  it("writes JSON that names its schema", async () => {
    const cwd = project(manifest());
    const { code } = await mlmcp(["init", "--yes", "--format", "json", "--environment", "staging"], { cwd });
    expect([code, JSON.parse(read(cwd, ".mlmcprc.json"))]).toEqual([
      0,
      { $schema: "./.mlmcp/schema.json", system: { environment: "staging" }, plugins: [] },
    ]);
    expect((await mlmcp(["config", "validate"], { cwd })).out).toContain("valid (staging)");
  });

  // It imports the core from where it stands, which is the built one.
  it.skipIf(!existsSync(join(core, "dist/index.js")))("writes TypeScript that is valid at once", async () => {
    const cwd = project({ ...manifest("audit-plugin"), ...plugin("audit-plugin", "audit") });
    for (const [name, folder] of [
      ["@mlmcp/core", core],
      ["typescript", packageOf("typescript")],
    ] as const) {
      const link = join(cwd, "node_modules", name);
      mkdirSync(dirname(link), { recursive: true });
      symlinkSync(folder, link);
    }
    const { code, err } = await mlmcp(["init", "--yes", "--format", "ts"], { cwd });
    expect([code, err]).toEqual([0, ""]);
    expect(read(cwd, "mlmcp.config.ts")).toContain('import type {} from "audit-plugin";\n');
    expect(read(cwd, "mlmcp.config.ts")).toContain("export default defineConfig({");
    expect(existsSync(join(cwd, ".mlmcp/schema.json"))).toBe(false);
    const validated = await mlmcp(["config", "validate", "--strict"], { cwd });
    expect([validated.code, validated.err]).toEqual([0, ""]);
    expect((await mlmcp(["config", "get", "audit.level"], { cwd })).out).toBe("1\n");
  });

  it("does not write TypeScript that nothing could read", async () => {
    const cwd = project(manifest());
    const { code, err } = await mlmcp(["init", "--yes", "--format", "ts"], { cwd });
    expect([code, err]).toEqual([1, expect.stringContaining("@mlmcp/core")]);
    expect(err).toContain("or choose --format yaml");
    expect(existsSync(join(cwd, "mlmcp.config.ts"))).toBe(false);
  });

  it("leaves out a plugin that cannot be loaded, and says why", async () => {
    const cwd = project({
      ...manifest("broken-plugin", "audit-plugin", "empty-plugin"),
      ...plugin("audit-plugin", "audit"),
      ...plugin("empty-plugin", "empty"),
      "node_modules/empty-plugin/index.js": "export {};",
      ...plugin("broken-plugin", "broken"),
      "node_modules/broken-plugin/index.js": "throw new Error('no licence');",
    });
    const { code, out } = await mlmcp(["init", "--yes"], { cwd });
    expect([code, parse(read(cwd, ".mlmcprc.yaml"))]).toEqual([
      0,
      { system: { environment: "development" }, plugins: ["audit-plugin"] },
    ]);
    expect(out).toMatch(/Left out broken-plugin: .*no licence/);
    expect(out).toMatch(/Left out empty-plugin: .*is not a plugin/);
  });

  it("takes the application's module from where it is typed", async () => {
    const cwd = project({ ...manifest(), "packages/api/": "", "packages/app.js": "" });
    const inner = join(cwd, "packages");
    await mlmcp(["init", "--yes", "--cwd", "api", "--app", "app.js"], { cwd: inner });
    expect(parse(read(cwd, "packages/api/.mlmcprc.yaml"))).toMatchObject({ app: "../app.js" });
  });

  it("gives JSON", async () => {
    const cwd = project(manifest());
    const { out } = await mlmcp(["init", "--yes", "--json"], { cwd });
    expect(JSON.parse(out)).toEqual({
      file: join(cwd, ".mlmcprc.yaml"),
      schema: join(cwd, ".mlmcp/schema.json"),
      gitignore: null,
      system: { environment: "development" },
      plugins: [],
      leftOut: [],
    });
  });

  it.each([".mlmcprc.json", "mlmcp.config.ts", "package.json"])("does not write beside %s", async (name) => {
    const cwd = project({ ".git/": "", [name]: '{ "mlmcp": {} }' });
    for (const options of [["--yes"], ["--yes", "--force"]]) {
      const { code, err } = await mlmcp(["init", ...options], { cwd });
      expect([code, err]).toEqual([
        1,
        expect.stringContaining(`there is a configuration already: ${join(cwd, name)}`),
      ]);
    }
    expect(existsSync(join(cwd, ".mlmcprc.yaml"))).toBe(false);
  });

  it("overwrites only with --force, which the audit log knows", async () => {
    const cwd = project({ ...manifest(), ".mlmcprc.yaml": "system: { debug: true }\n" });
    const refused = await mlmcp(["init", "--yes"], { cwd });
    expect([refused.code, refused.err]).toEqual([1, expect.stringContaining("write it anew with --force")]);
    expect(read(cwd, ".mlmcprc.yaml")).toBe("system: { debug: true }\n");
    expect((await mlmcp(["init", "--yes", "--force"], { cwd })).code).toBe(0);
    expect(read(cwd, ".mlmcprc.yaml")).not.toContain("debug");
    const lines = read(cwd, ".mlmcp/audit.jsonl").trimEnd().split("\n");
    expect(lines.map((line) => JSON.parse(line) as object)).toEqual([
      expect.objectContaining({ action: "init", outcome: "begun", file: join(cwd, ".mlmcprc.yaml") }),
      expect.objectContaining({ action: "init", outcome: "done" }),
    ]);
  });

  it("writes a file of its own below one further up", async () => {
    const cwd = project({ ".git/": "", ".mlmcprc.yaml": "system: { debug: true }", "inner/": "" });
    const { code } = await mlmcp(["init", "--yes", "--cwd", "inner"], { cwd });
    expect([code, existsSync(join(cwd, "inner/.mlmcprc.yaml"))]).toEqual([0, true]);
  });
});

describe("mlmcp init at a terminal", () => {
  it("asks for everything that is not given", async () => {
    const cwd = project({ ...manifest("audit-plugin"), ...plugin("audit-plugin", "audit"), "main.js": "" });
    const answers = ["json", "staging", "", "main.js"];
    const { code, err } = await mlmcp(["init"], { cwd, answers });
    expect(code).toBe(0);
    expect(err).toBe(
      "Format (yaml, json, ts)? [yaml] Environment? [development] Plugins, with commas, or none? [audit-plugin] " +
        "Module that only imports your classes, or none? [none] ",
    );
    expect(JSON.parse(read(cwd, ".mlmcprc.json"))).toMatchObject({
      system: { environment: "staging" },
      plugins: ["audit-plugin"],
      app: "./main.js",
    });
  });

  it("takes none for an answer, and asks nothing that was given", async () => {
    const cwd = project({
      ...manifest("audit-plugin"),
      ...plugin("audit-plugin", "audit"),
      "dist/app.js": "",
    });
    const args = ["init", "--format", "yaml", "--environment", "test"];
    const { err } = await mlmcp(args, { cwd, answers: ["none", "none"] });
    expect(err).not.toMatch(/Format|Environment/);
    expect(parse(read(cwd, ".mlmcprc.yaml"))).toEqual({ system: { environment: "test" }, plugins: [] });
  });

  it("writes nothing where an answer is wrong or missing", async () => {
    const cwd = project(manifest());
    expect((await mlmcp(["init"], { cwd, answers: ["toml"] })).err).toContain('there is no format "toml"');
    expect((await mlmcp(["init"], { cwd, answers: ["yaml"] })).err).toContain("the input has ended");
    expect((await mlmcp(["init"], { cwd, answers: ["", "Production", "", ""] })).err).toContain("production");
    expect(existsSync(join(cwd, ".mlmcprc.yaml"))).toBe(false);
  });
});

describe.skipIf(spawnSync("git", ["--version"]).status !== 0)("mlmcp init in a git repository", () => {
  const repository = (files: Record<string, string> = {}) => {
    const cwd = project({ "package.json": "{}", ...files });
    expect(spawnSync("git", ["init", "--quiet"], { cwd }).status).toBe(0);
    return cwd;
  };
  const status = (cwd: string) =>
    spawnSync("git", ["status", "--porcelain", "--untracked-files=all"], { cwd, encoding: "utf8" }).stdout;

  it.each([
    [undefined, ".mlmcp/\n"],
    ["dist/", "dist/\n.mlmcp/\n"],
    ["dist/\r\n", "dist/\r\n.mlmcp/\r\n"],
  ])("has git ignore .mlmcp/: %j becomes %j", async (before, after) => {
    const cwd = repository(before === undefined ? {} : { ".gitignore": before });
    const { code, out } = await mlmcp(["init", "--yes"], { cwd });
    expect([code, read(cwd, ".gitignore")]).toEqual([0, after]);
    expect(out).toContain(".gitignore keeps .mlmcp/ out of the repository now.");
    expect(status(cwd)).toContain(".mlmcprc.yaml");
    expect(status(cwd)).not.toContain(".mlmcp/");
  });

  it("leaves it as it is where it is ignored already, also from further up", async () => {
    const cwd = repository({ ".gitignore": ".*/\n", "app/package.json": "{}" });
    const { out } = await mlmcp(["init", "--yes", "--cwd", "app", "--json"], { cwd });
    expect(JSON.parse(out)).toMatchObject({ gitignore: null });
    expect([existsSync(join(cwd, "app/.gitignore")), read(cwd, ".gitignore")]).toEqual([false, ".*/\n"]);
  });

  it("asks", async () => {
    const cwd = repository();
    const { err, out } = await mlmcp(["init"], { cwd, answers: ["", "", "", "", "n"] });
    expect(err).toMatch(/Add \.mlmcp\/ to \.gitignore\? \[Y\/n\] $/);
    expect(out).toContain("keep .mlmcp/ out of version control");
    expect(existsSync(join(cwd, ".gitignore"))).toBe(false);
    const again = await mlmcp(["init", "--force"], { cwd, answers: ["", "", "", "", ""] });
    expect([again.code, read(cwd, ".gitignore")]).toEqual([0, ".mlmcp/\n"]);
  });
});

it.each([
  [["init"], 1, "Run it with --yes to take what is found."],
  [["init", "--yes", "--format", "toml"], 2, "Allowed choices are yaml, json, ts"],
  [["init", "--yes", "extra"], 2, "too many arguments"],
  [["init", "--yes", "--config", "x.yaml"], 2, "Say where with --cwd"],
])("%j exits with %d: %s", async (args, code, expected) => {
  expect(await mlmcp(args)).toEqual({ code, out: "", err: expect.stringContaining(expected) });
});
