import { describe, expect, it } from "vitest";
import { project } from "../config/project.js";
import { fixture, mlmcp } from "./command-line.js";

const app = fixture("app.ts");
const run = (rc: string, ...args: string[]) =>
  mlmcp(["config", ...args], { cwd: project({ ".git/": "", ".mlmcprc.yaml": rc }) });

describe("mlmcp config set into a profile that is new", () => {
  const debug = ["system.processes", "2"];

  it.each([
    ["prodution", "production", "{}\n"],
    ["prod", "production", "{}\n"],
    ["eu-wset", "eu-west", "profiles: { eu-west: {} }\n"],
  ])("warns of %s, which looks like %s", async (typed, meant, rc) => {
    for (const args of [
      [...debug, "--profile", typed],
      [`profiles.${typed}.system.processes`, "2"],
      [...debug, "--profile", typed, "--dry-run"],
      [...debug, "--profile", typed, "--json"],
    ]) {
      const { code, err } = await run(rc, "set", ...args);
      expect([code, err]).toEqual([
        0,
        `warning: the profile "${typed}" is new and looks mistyped. Did you mean "${meant}"?\n`,
      ]);
    }
  });

  it("says so in JSON too", async () => {
    const { out } = await run("{}\n", "set", ...debug, "--profile", "prodution", "--json");
    expect(JSON.parse(out)).toMatchObject({
      warnings: ['the profile "prodution" is new and looks mistyped. Did you mean "production"?'],
    });
    const { out: sure } = await run("{}\n", "set", ...debug, "--json");
    expect(JSON.parse(sure)).toMatchObject({ warnings: [] });
  });

  it.each([
    ["production", "{}\n"],
    ["eu-west", "{}\n"],
    ["prod", "profiles: { prod: {} }\n"],
    ["prod", "extends: ./base.yaml\n"],
  ])("says nothing of %s in %j", async (profile, rc) => {
    const cwd = project({
      ".git/": "",
      ".mlmcprc.yaml": rc,
      "base.yaml": "profiles: { prod: { system: { debug: false } } }\n",
    });
    const { code, err } = await mlmcp(["config", "set", ...debug, "--profile", profile], { cwd });
    expect([code, err]).toEqual([0, ""]);
  });
});

describe("mlmcp config set of what changes no operation", () => {
  const set = (path: string, value: string, ...more: string[]) =>
    run(`app: ${app}\n`, "set", path, value, ...more);

  it("warns of an id that no operation has, with the nearest", async () => {
    for (const more of [[], ["--dry-run"], ["--json"], ["--profile", "staging"]]) {
      const { code, err } = await set('operations."Reports.laod".retry.maxRetries', "3", ...more);
      expect([code, err]).toEqual([
        0,
        'warning: operations."Reports.laod": no operation known at the start has this id. For one that is made later, ' +
          'by `kernel.wrap` or a late import, write a glob. Did you mean "Reports.load"?\n',
      ]);
    }
  });

  it("warns of advice that the operation does not carry", async () => {
    const { code, err } = await set('operations."Reports.load".timeout', "5s");
    expect([code, err]).toEqual([0, expect.stringMatching(/^warning: .*Reports\.load has no @timeout/)]);
  });

  it("says nothing of an operation that is there, of a glob, and of what was written before", async () => {
    expect((await set('operations."Reports.load".retry.maxRetries', "3")).err).toBe("");
    expect((await set('operations."Reports.l*d".retry.maxRetries', "3")).err).toBe("");
    const before = `app: ${app}\noperations: { Reports.lits: { retry: 1 } }\n`;
    expect((await run(before, "set", "system.processes", "2")).err).toBe("");
    expect((await run(before, "unset", 'operations."Reports.lits".retry')).err).toBe("");
  });
});
