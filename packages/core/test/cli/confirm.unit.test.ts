import { chmodSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { project } from "../config/project.js";
import { fixture, mlmcp } from "./command-line.js";
import { burnt } from "./fixtures/vault-plugin.js";

const withVault = (more: object = {}) =>
  project({
    ".git/": "",
    ".mlmcprc.json": JSON.stringify({ plugins: [fixture("vault-plugin.ts")], ...more }),
  });

const production = { system: { environment: "production" } };

function auditLog(cwd: string, file = ".mlmcp/audit.jsonl"): Array<Record<string, unknown>> {
  const path = join(cwd, file);
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, "utf8").trimEnd().split("\n");
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

beforeEach(() => void burnt.splice(0));

describe("a command that destroys", () => {
  it("asks at a terminal, and runs where somebody agrees", async () => {
    for (const answer of ["y", "yes", "Y"]) {
      const { code, out, err } = await mlmcp(["vault", "burn", "attic"], {
        cwd: withVault(),
        answers: [answer],
      });
      expect([code, out, err]).toEqual([0, "Burnt attic.\n", "All papers are burnt. Go on? [y/N] "]);
    }
    expect(burnt).toEqual(["attic", "attic", "attic"]);
  });

  it.each([["n"], [""], ["maybe"], ["yesterday"]])("does nothing where the answer is %j", async (answer) => {
    const cwd = withVault();
    const { code, out, err } = await mlmcp(["vault", "burn", "attic"], { cwd, answers: [answer] });
    expect([code, out]).toEqual([1, ""]);
    expect(err).toContain("nothing was done: you did not agree");
    expect([burnt, auditLog(cwd)]).toEqual([[], []]);
  });

  it("does nothing where the input ends in place of an answer", async () => {
    const { code, err } = await mlmcp(["vault", "burn", "attic"], { cwd: withVault(), answers: [] });
    expect([code, err]).toEqual([1, expect.stringContaining("the input has ended")]);
    expect(burnt).toEqual([]);
  });

  it("refuses where nobody can be asked, and runs there with --yes", async () => {
    const refused = await mlmcp(["vault", "burn", "attic"], { cwd: withVault() });
    expect(refused).toEqual({
      code: 1,
      out: "",
      err: "error: nothing was done: nobody is there to be asked. It would mean: All papers are burnt.\nRun it with --yes to agree.\n",
    });
    expect(burnt).toEqual([]);
    expect(await mlmcp(["vault", "burn", "attic", "--yes"], { cwd: withVault() })).toEqual({
      code: 0,
      out: "Burnt attic.\n",
      err: "",
    });
  });

  it("keeps questions out of the output", async () => {
    const { out } = await mlmcp(["vault", "burn", "attic", "--json"], { cwd: withVault(), answers: ["y"] });
    expect(JSON.parse(out)).toBe("Burnt attic.");
  });

  it.each([
    ["the configuration says so", production, {}],
    ["the environment says so", {}, { MLMCP_SYSTEM_ENVIRONMENT: "production" }],
  ])("needs --force besides in production, where %s", async (_where, config, env) => {
    const run = (...options: string[]) =>
      mlmcp(["vault", "burn", "attic", ...options], { cwd: withVault(config), env });
    for (const options of [[], ["--yes"]]) {
      const { code, err } = await run(...options);
      expect([code, err]).toEqual([
        1,
        "error: nothing was done: this is production. It would mean: All papers are burnt.\nRun it with --force.\n",
      ]);
    }
    // What is forced is still to be agreed to.
    expect((await run("--force")).err).toContain("Run it with --yes to agree.");
    expect(burnt).toEqual([]);
    expect((await run("--force", "--yes")).code).toBe(0);
    expect(burnt).toEqual(["attic"]);
  });

  it("says in its help what it destroys", async () => {
    const { out } = await mlmcp(["vault", "burn", "--help"], { cwd: withVault() });
    expect(out).toContain("All papers are burnt. It asks before it runs, needs --force in production");
  });

  it("leaves the others alone", async () => {
    const cwd = withVault(production);
    expect(await mlmcp(["vault", "list"], { cwd })).toEqual({ code: 0, out: "attic\ncellar\n", err: "" });
    expect(auditLog(cwd)).toEqual([]);
  });
});

describe("the audit log of the command line", () => {
  it("has a line before and one after, without secrets", async () => {
    const cwd = withVault();
    const source = "redis://app:hunter2@host/1";
    await mlmcp(["vault", "burn", "attic", "s3cr3t", "--source", source, "--yes"], { cwd });
    const entry = {
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
      pid: process.pid,
      user: expect.any(String),
      action: "vault burn",
      by: "cli",
      arguments: { room: "attic", token: "[secret]" },
      options: { source: "redis://app:[secret]@host/1" },
    };
    expect(auditLog(cwd)).toEqual([
      { ...entry, outcome: "begun" },
      { ...entry, outcome: "done" },
    ]);
  });

  it("says that it failed, and why", async () => {
    const cwd = withVault();
    const { code, err } = await mlmcp(["vault", "burn", "cellar", "--yes"], { cwd });
    expect([code, err]).toEqual([1, expect.stringContaining("the cellar is too wet")]);
    expect(auditLog(cwd).map(({ outcome, error }) => [outcome, error])).toEqual([
      ["begun", undefined],
      ["failed", "the cellar is too wet"],
    ]);
  });

  it("is where system.auditLog says", async () => {
    const cwd = withVault({ system: { auditLog: "logs/audit.jsonl" } });
    await mlmcp(["vault", "burn", "attic", "--yes"], { cwd });
    expect(auditLog(cwd, "logs/audit.jsonl")).toHaveLength(2);
    expect(auditLog(cwd)).toEqual([]);
  });

  it("stops what it cannot record", async () => {
    const cwd = withVault({ system: { auditLog: "logs" } });
    mkdirSync(join(cwd, "logs"));
    chmodSync(join(cwd, "logs"), 0o700);
    const { code, err } = await mlmcp(["vault", "burn", "attic", "--yes"], { cwd });
    expect([code, err]).toEqual([1, expect.stringContaining("system.auditLog")]);
    expect(burnt).toEqual([]);
  });
});

it("a plugin may not take an option that every command has", async () => {
  const cwd = project({ ".mlmcprc.json": JSON.stringify({ plugins: [fixture("hijacking-plugin.ts")] }) });
  const { code, err } = await mlmcp(["jet", "land", "--force"], { cwd });
  expect([code, err]).toEqual([
    1,
    expect.stringContaining('The plugin "hijacking" has a command `mlmcp jet land`, but its option --force'),
  ]);
});
