import { dirname } from "node:path";
import { createRequire } from "node:module";
import { describe, expect, it } from "vitest";
import { project } from "../config/project.js";
import { fixture, mlmcp } from "./command-line.js";

const rc = (plugins: unknown) => project({ ".git/": "", ".mlmcprc.json": JSON.stringify({ plugins }) });
const info = async (plugins: unknown, name: string) => {
  const { code, out, err } = await mlmcp(["plugins", "info", name, "--json"], { cwd: rc(plugins) });
  expect([code, err]).toEqual([0, ""]);
  return JSON.parse(out) as Record<string, unknown>;
};

describe("mlmcp plugins info", () => {
  it("prints everything that a plugin brings", async () => {
    const { code, out, err } = await mlmcp(["plugins", "info", "lab"], {
      cwd: rc([fixture("lab-plugin.ts")]),
    });
    expect([code, err]).toEqual([0, ""]);
    const lines = out.split("\n").map((line) => line.trim().replaceAll(/\s+/g, " "));
    expect(lines).toEqual(
      expect.arrayContaining([
        "lab",
        `from ${fixture("lab-plugin.ts")}`,
        "named in .mlmcprc.json:1",
        "section lab",
        "SETTING TYPE DEFAULT VARIABLE",
        "lab.wait duration 5s MLMCP_LAB_WAIT",
        "lab.rooms integer, at least 1 3 MLMCP_LAB_ROOMS",
        "lab.door.code string MLMCP_LAB_DOOR__CODE",
      ]),
    );
  });

  it("gives the same as JSON", async () => {
    expect(await info([fixture("doctored-plugin.ts")], "doctored")).toMatchObject({
      name: "doctored",
      from: fixture("doctored-plugin.ts"),
      section: "doctored",
      settings: expect.arrayContaining([
        { path: "doctored.pool", type: "integer", default: 10, variable: "MLMCP_DOCTORED_POOL" },
      ]),
      decorators: [],
      healthChecks: ["store"],
      metrics: ["doctored_connections"],
      diagnostics: ["small-pool", "moody"],
    });
    expect(await info([fixture("nervous-plugin.ts")], "nervous")).toMatchObject({
      productionChecks: ["token"],
    });
    expect(await info([fixture("vault-plugin.ts")], "vault")).toMatchObject({
      commands: [
        {
          name: "vault burn",
          description: "burn what is in the vault",
          destroys: "All papers are burnt.",
        },
        { name: "vault list", description: "list the rooms" },
      ],
    });
  });

  it("knows the built-in plugin's decorators, their phases and its version", async () => {
    const file = createRequire(import.meta.url).resolve("@mlmcp/core/package.json");
    expect(await info([], "resilience")).toMatchObject({
      version: expect.stringMatching(/^\d+\.\d+\.\d+/),
      from: dirname(file),
      named: null,
      decorators: expect.arrayContaining([
        { name: "retry", phases: ["retry"], options: expect.arrayContaining(["maxRetries"]) },
        { name: "timeout", phases: ["deadline", "timeout"], options: ["attempt", "deadline"] },
      ]),
    });
  });

  it("knows the version of a package, also by its short name", async () => {
    const name = "@mlmcp/plugin-odd";
    const cwd = project({
      ".git/": "",
      ".mlmcprc.json": JSON.stringify({ plugins: [name] }),
      [`node_modules/${name}/package.json`]:
        '{ "name": "@mlmcp/plugin-odd", "version": "7.8.9", "type": "module", "main": "main.js" }',
      [`node_modules/${name}/main.js`]: `export default { [Symbol.for("@mlmcp/core/plugin")]: true, name: "${name}" };`,
    });
    const { out } = await mlmcp(["plugins", "info", "odd"], { cwd });
    expect(out).toMatch(/^@mlmcp\/plugin-odd 7\.8\.9$/m);
  });

  it("says which plugin was meant, or what is loaded, or that it is off", async () => {
    const cwd = rc({ [fixture("lab-plugin.ts")]: true, resilience: false });
    expect(await mlmcp(["plugins", "info", "labb"], { cwd })).toEqual({
      code: 1,
      out: "",
      err: 'error: no plugin "labb" is loaded\nDid you mean "lab"?\n',
    });
    expect((await mlmcp(["plugins", "info", "quite-else"], { cwd })).err).toContain("Loaded are: lab");
    const off = await mlmcp(["plugins", "info", "resilience"], { cwd });
    expect([off.code, off.err]).toEqual([1, expect.stringContaining("is turned off (.mlmcprc.json:1)")]);
  });

  it("is under plugin, too, and wants a name", async () => {
    expect((await mlmcp(["plugin", "info", "resilience"])).code).toBe(0);
    expect(await mlmcp(["plugins", "info"])).toMatchObject({
      code: 2,
      err: expect.stringContaining("missing required argument 'name'"),
    });
  });
});
