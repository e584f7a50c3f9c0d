import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { project } from "../config/project.js";
import { mlmcp } from "./command-line.js";

describe("mlmcp plugin create", () => {
  it.each([
    ["mlmcp-plugin-audit", "mlmcp-plugin-audit", "audit"],
    ["@acme/plugin-slow-calls", "plugin-slow-calls", "slowCalls"],
    ["mlmcp-tracing", "mlmcp-tracing", "tracing"],
    ["@acme/geo.fence_2", "geo.fence_2", "geoFence2"],
  ])("makes %s in %s, with @%s…", async (name, directory, word) => {
    const cwd = project({ ".git/": "" });
    const { code, out, err } = await mlmcp(["plugin", "create", name, "--json"], { cwd });
    expect([code, err]).toEqual([0, ""]);
    const made = JSON.parse(out) as { directory: string; files: string[] };
    expect(made.directory).toBe(join(cwd, directory));
    expect(made.files).toContain(`src/decorators/${word}.ts`);
    for (const file of made.files) expect(existsSync(join(made.directory, file))).toBe(true);
    const manifest = JSON.parse(readFileSync(join(made.directory, "package.json"), "utf8")) as Record<
      string,
      unknown
    >;
    const { version } = createRequire(import.meta.url)("@mlmcp/core/package.json") as { version: string };
    expect(manifest).toMatchObject({
      name,
      keywords: ["mlmcp", "mlmcp-plugin"],
      peerDependencies: { "@mlmcp/core": expect.stringContaining(version) },
    });
  });

  it("says what it made and what comes next", async () => {
    const cwd = project({ ".git/": "" });
    const { out } = await mlmcp(["plugin", "create", "mlmcp-plugin-audit", "--directory", "x/y"], { cwd });
    expect(out).toContain("Made mlmcp-plugin-audit in x/y:\n  package.json\n");
    expect(out).toContain(
      "It brings @audit and the section audit. Next:\n  cd x/y\n  npm install\n  npm test\n",
    );
  });

  it("asks for the versions that this repository is tested with", async () => {
    const cwd = project({ ".git/": "" });
    await mlmcp(["plugin", "create", "mlmcp-plugin-audit"], { cwd });
    const { devDependencies } = JSON.parse(
      readFileSync(join(cwd, "mlmcp-plugin-audit/package.json"), "utf8"),
    ) as { devDependencies: Record<string, string> };
    const require = createRequire(import.meta.url);
    for (const name of ["typescript", "vitest"]) {
      const { version } = require(`${name}/package.json`) as { version: string };
      expect([name, devDependencies[name]?.split(".")[0]]).toEqual([name, `^${version.split(".")[0]}`]);
    }
  });

  it("overwrites nothing", async () => {
    const cwd = project({ "mlmcp-plugin-audit/notes.txt": "mine", file: "", "fresh/.git/": "" });
    const create = (...more: string[]) =>
      mlmcp(["plugin", "create", "mlmcp-plugin-audit", "--force", ...more], { cwd });
    expect(await create()).toEqual({ code: 1, out: "", err: expect.stringContaining("is not empty") });
    expect(await create("--directory", "file")).toMatchObject({
      code: 1,
      err: expect.stringContaining("ENOTDIR"),
    });
    expect((await create("--directory", "fresh")).code).toBe(0);
    expect(readFileSync(join(cwd, "mlmcp-plugin-audit/notes.txt"), "utf8")).toBe("mine");
    expect(existsSync(join(cwd, "mlmcp-plugin-audit/package.json"))).toBe(false);
  });

  it.skipIf(process.platform !== "linux").each(["/proc/mlmcp-audit", "/proc/mlmcp-audit/deeper"])(
    "says at once why nothing can be made in %s",
    async (directory) => {
      expect(await mlmcp(["plugin", "create", "mlmcp-plugin-audit", "--directory", directory])).toEqual({
        code: 1,
        out: "",
        err:
          `error: ${directory} cannot be used: the folder /proc/mlmcp-audit cannot be made, since /proc takes no folders\n` +
          "Name another place with --directory.\n",
      });
    },
  );

  it.each([
    ["Audit", "it must be in lower case"],
    ["_audit", 'it must not begin with "_"'],
    ["@acme/.audit", 'it must not begin with "."'],
    ["au dit", "only letters, digits"],
    ["../audit", "it must be a name, or @scope/name"],
    ["@acme/a/b", "it must be a name, or @scope/name"],
    ["@acme", "only letters, digits"],
    ["", "it must be a name"],
    ["a".repeat(215), "it has 215 characters"],
    ["node_modules", "this one is reserved"],
    ["fs", "this one is reserved"],
    ["mlmcp-plugin", "nothing is left of it"],
    ["mlmcp-plugin-default", '"default" is taken'],
    ["mlmcp-plugin-retry", '"retry" is taken'],
    ["mlmcp-plugin-system", '"system" is taken'],
    ["mlmcp-plugin-2fa", "must be one camelCase word"],
    ["mlmcp-plugin-constructor", "every object has"],
  ])("refuses %j: %s", async (name, expected) => {
    const cwd = project({ ".git/": "" });
    const { code, out, err } = await mlmcp(["plugin", "create", name], { cwd });
    expect([code, out, err]).toEqual([2, "", expect.stringContaining(expected)]);
    expect(existsSync(join(cwd, name || "x"))).toBe(false);
  });

  it("wants a name", async () => {
    expect(await mlmcp(["plugin", "create"])).toMatchObject({
      code: 2,
      err: expect.stringContaining("'name'"),
    });
  });
});
