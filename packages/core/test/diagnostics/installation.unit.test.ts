import { symlinkSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { duplicateCore } from "../../src/diagnostics/duplicate-core.js";
import { versions } from "../../src/diagnostics/versions.js";
import { project } from "../config/project.js";
import { surroundings } from "./inspect.js";

const manifest = (version: string, core?: string) =>
  JSON.stringify({ version, ...(core === undefined ? {} : { peerDependencies: { "@mlmcp/core": core } }) });

describe("versions", () => {
  it.each(["20.19.0", "22.1.0", "24.0.0"])("takes Node %s", async (nodeVersion) => {
    expect(await versions.diagnose(surroundings({ nodeVersion }))).toEqual([]);
  });

  it.each(["20.18.3", "18.20.0"])("finds Node %s too old", async (nodeVersion) => {
    expect(await versions.diagnose(surroundings({ nodeVersion }))).toEqual([
      {
        level: "error",
        message: `This is Node ${nodeVersion}; @mlmcp/core needs >=20.19.`,
        mend: expect.stringContaining("Install a Node"),
      },
    ]);
  });

  it("finds a package of ours that is of another release, and not its mended twin", async () => {
    const cwd = project({
      "node_modules/@mlmcp/core/package.json": manifest("1.2.0"),
      "node_modules/@mlmcp/plugin-cache/package.json": manifest("1.1.0", ">=0.0.0"),
    });
    const subject = surroundings({
      cwd,
      plugins: ["@mlmcp/plugin-cache", "resilience", "./plugins/audit.js"],
    });
    expect(await versions.diagnose(subject)).toEqual([
      {
        level: "error",
        message: "@mlmcp/plugin-cache 1.1.0 runs with @mlmcp/core 1.2.0; they are released together.",
        mend: expect.stringContaining("npm install @mlmcp/core@1.1.0 @mlmcp/plugin-cache@1.1.0"),
      },
    ]);
    writeFileSync(join(cwd, "node_modules/@mlmcp/plugin-cache/package.json"), manifest("1.2.0"));
    expect(await versions.diagnose(subject)).toEqual([]);
  });

  it("finds a plugin of others that asks for another core, and not its mended twin", async () => {
    const cwd = project({
      "node_modules/@mlmcp/core/package.json": manifest("2.0.0"),
      "node_modules/@acme/plugin/package.json": manifest("3.1.0", "^1.4.0"),
    });
    const subject = surroundings({ cwd, plugins: ["@acme/plugin"] });
    expect(await versions.diagnose(subject)).toEqual([
      {
        level: "error",
        message: "@acme/plugin 3.1.0 asks for @mlmcp/core ^1.4.0, and 2.0.0 is installed.",
        mend: expect.any(String),
      },
    ]);
    writeFileSync(join(cwd, "node_modules/@acme/plugin/package.json"), manifest("3.2.0", "^1.4.0 || ^2.0.0"));
    expect(await versions.diagnose(subject)).toEqual([]);
  });

  it("passes over a package that is damaged or unknown", async () => {
    const cwd = project({ "node_modules/@acme/plugin/package.json": "{" });
    expect(await versions.diagnose(surroundings({ cwd, plugins: ["@acme/plugin", "unknown"] }))).toEqual([]);
  });
});

describe("duplicate-core", () => {
  it("finds a second copy in the process, and not a single one", async () => {
    const copies = ["file:///app/node_modules/@mlmcp/core/dist/index.js", "file:///app/dist/bundle.js"];
    const [finding, ...more] = await duplicateCore.diagnose(surroundings({ copies }));
    expect(more).toEqual([]);
    expect(finding).toMatchObject({ level: "error", mend: expect.stringContaining("npm ls @mlmcp/core") });
    expect(finding?.message).toMatch(/^2 copies of @mlmcp\/core run in this process: .*bundle\.js\.$/);
    expect(await duplicateCore.diagnose(surroundings({ copies: copies.slice(1) }))).toEqual([]);
  });

  it("finds a second copy that a plugin brings, and not its mended twin", async () => {
    const cwd = project({
      "node_modules/@mlmcp/core/package.json": manifest("1.0.0"),
      "node_modules/acme-plugin/package.json": manifest("1.0.0"),
      "node_modules/acme-plugin/node_modules/@mlmcp/core/package.json": manifest("1.0.0"),
    });
    const subject = surroundings({ cwd, plugins: ["acme-plugin"] });
    const [finding, ...more] = await duplicateCore.diagnose(subject);
    expect(more).toEqual([]);
    expect(finding?.message).toContain(
      `${join(cwd, "node_modules/@mlmcp/core")} (the application), ${join(cwd, "node_modules/acme-plugin/node_modules/@mlmcp/core")} (acme-plugin)`,
    );
    unlinkSync(join(cwd, "node_modules/acme-plugin/node_modules/@mlmcp/core/package.json"));
    expect(await duplicateCore.diagnose(subject)).toEqual([]);
  });

  it("counts a linked copy once", async () => {
    const cwd = project({
      "store/core/package.json": manifest("1.0.0"),
      "store/plugin/package.json": manifest("1.0.0"),
      "store/plugin/node_modules/@mlmcp/": "",
      "node_modules/@mlmcp/": "",
    });
    symlinkSync(join(cwd, "store/core"), join(cwd, "node_modules/@mlmcp/core"));
    symlinkSync(join(cwd, "store/plugin"), join(cwd, "node_modules/plugin"));
    symlinkSync(join(cwd, "store/core"), join(cwd, "store/plugin/node_modules/@mlmcp/core"));
    expect(await duplicateCore.diagnose(surroundings({ cwd, plugins: ["plugin"] }))).toEqual([]);
  });
});
