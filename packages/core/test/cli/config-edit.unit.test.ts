import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { project } from "../config/project.js";
import { fixture, mlmcp } from "./command-line.js";

const rc = `# The laboratory.
plugins: ["${fixture("lab-plugin.ts")}"]
lab:
  wait: 10s # long enough
  door: { code: hunter2hunter2 }
profiles:
  production:
    lab: { rooms: 9 }
`;

function lab(files: Record<string, string> = { ".mlmcprc.yaml": rc }) {
  const cwd = project({ ".git/": "", ...files });
  return {
    cwd,
    mlmcp: (...args: string[]) => mlmcp(args, { cwd }),
    text: (name = ".mlmcprc.yaml") => readFileSync(join(cwd, name), "utf8"),
    audit: (name = ".mlmcp/audit.jsonl") =>
      readFileSync(join(cwd, name), "utf8")
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line) as Record<string, unknown>),
  };
}

describe("mlmcp config set", () => {
  it("changes one value and keeps the rest of the file, and says what it was and is", async () => {
    const { cwd, mlmcp: run, text } = lab();
    expect(await run("config", "set", "lab.wait", "1m")).toEqual({
      code: 0,
      out: `lab.wait: 10s → 1m  # ${join(cwd, ".mlmcprc.yaml")}\n`,
      err: "",
    });
    expect(text()).toBe(rc.replace("10s", "1m"));
  });

  it("writes an empty text so that it can be seen", async () => {
    const { cwd, mlmcp: run, text } = lab();
    const { out } = await run("config", "set", "lab.title", "");
    expect(out).toBe(`lab.title: not set → ""  # ${join(cwd, ".mlmcprc.yaml")}\n`);
    expect(text()).toContain('  title: ""\n');
    expect((await run("config", "show", "lab")).out).toMatch(/^lab\.title = "" +# /m);
    expect((await run("config", "get", "lab.title")).out).toBe("");
  });

  it("says so too where it only looks like the id of an operation", async () => {
    const { mlmcp: run } = lab();
    const { code, err } = await run("config", "set", "operations.Nobody.here.retry.maxRetries", "3");
    const hint = `An operation's id stands in quotes: 'operations."Nobody.here".retry.maxRetries'\n`;
    expect([code, err]).toEqual([1, expect.stringContaining(hint)]);
    // With an advice where one is meant, it is an id without a dot.
    expect(await run("config", "set", "operations.report.retry.maxRetries", "3")).toMatchObject({ code: 0 });
  });

  it.each([["set", "3"], ["get"], ["explain"]])(
    "says how an operation's id is written, where %s finds it without its quotes",
    async (command, ...value) => {
      const { mlmcp: run, text } = lab();
      const path = "operations.Reports.load.retry.maxRetries";
      const found = await run("--app", fixture("app.ts"), "config", command, path, ...value);
      expect(found).toMatchObject({ code: 1, out: "" });
      expect(found.err).toContain(
        `An operation's id stands in quotes: 'operations."Reports.load".retry.maxRetries'\n`,
      );
      expect(text()).toBe(rc);
    },
  );

  it.each([
    ["lab.rooms", "4", 4],
    ["lab.title", "4", "4"],
    ["lab.door.open", "yes", true],
    ["lab.tags", "a, b", ["a", "b"]],
    ["lab.tags", '["a,b"]', ["a,b"]],
    ["lab.limits", '{"a":1}', { a: 1 }],
    ["lab.limits.b", "2", 2],
    ["lab.wait", "250", 250],
    ["lab.rooms", "${ROOMS:-5}", "${ROOMS:-5}"],
    ['operations."A.*".retry', "7", 7],
    ['operations."A.*".retry.maxDelay', "5s", "5s"],
  ])("reads the value as the schema has it: %s %s", async (path, value, written) => {
    const { mlmcp: run } = lab();
    const { code, out, err } = await run("config", "set", path, value, "--json");
    expect([code, err]).toEqual([0, ""]);
    expect(JSON.parse(out)).toMatchObject({ path, to: written, written: true, overriddenBy: [] });
  });

  it.each([
    ["lab.wait", "soon", "lab.wait: expected a duration"],
    ["lab.rooms", "0", "lab.rooms: must be at least 1"],
    ["lab.roms", "4", 'Did you mean "rooms"'],
    ["lba.rooms", "4", "lba: unknown section"],
    ['operations."A.b".retyr', "4", 'unknown advice "retyr"'],
    ["plugins", "./none.js", "./none.js"],
    ["lab.note", "${NOT_SET_ANYWHERE}", "NOT_SET_ANYWHERE is not set"],
    ["system.environment", "Production", "is almost, but not exactly, production"],
  ])("refuses %s %s before anything is written", async (path, value, message) => {
    const { cwd, mlmcp: run, text } = lab();
    const { code, out, err } = await run("config", "set", path, value);
    expect([code, out]).toEqual([1, ""]);
    expect(err).toContain(message);
    expect(err).not.toMatch(/^\s+at /m);
    expect(text()).toBe(rc);
    expect(existsSync(join(cwd, ".mlmcp"))).toBe(false);
  });

  it("says where the value would stand that is refused", async () => {
    const { cwd, mlmcp: run } = lab();
    expect((await run("config", "set", "lab.wait", "soon")).err).toContain(
      `(${join(cwd, ".mlmcprc.yaml")}:4:3)`,
    );
  });

  it("makes `.mlmcprc.yaml` where there is no file", async () => {
    const { mlmcp: run, text } = lab({});
    expect((await run("config", "set", "errorHandling.maxRetries", "5")).code).toBe(0);
    expect(text()).toBe("errorHandling:\n  maxRetries: 5\n");
  });

  it.each([
    ["package.json", '{\n  "name": "x",\n  "mlmcp": { "errorHandling": { "maxRetries": 1 } }\n}\n'],
    [".mlmcprc.json", '{ "errorHandling": { "maxRetries": 1 } }\n'],
  ])("edits %s", async (name, before) => {
    const { mlmcp: run, text } = lab({ [name]: before });
    expect((await run("config", "set", "errorHandling.maxRetries", "5")).code).toBe(0);
    expect(JSON.parse(text(name))).toEqual(JSON.parse(before.replace('"maxRetries": 1', '"maxRetries": 5')));
  });

  it("edits the file that is named, and refuses one that is a program", async () => {
    const { mlmcp: run, text } = lab({ "b.yaml": "", "c.mjs": "export default {};" });
    expect((await run("--config", "b.yaml", "config", "set", "system.debug", "true")).code).toBe(0);
    expect(text("b.yaml")).toBe("system:\n  debug: true\n");
    const refused = await run("--config", "c.mjs", "config", "set", "system.debug", "true");
    expect([refused.code, refused.err]).toEqual([1, expect.stringContaining("is a program")]);
  });

  it("writes into a profile, named by the option or in the path", async () => {
    for (const args of [
      ["lab.rooms", "4", "--profile", "production"],
      ["profiles.production.lab.rooms", "4"],
    ]) {
      const { mlmcp: run, text } = lab();
      expect(await run("config", "set", ...args)).toMatchObject({
        code: 0,
        out: expect.stringContaining("profiles.production.lab.rooms: 9 → 4"),
        err: "",
      });
      expect(text()).toBe(rc.replace("rooms: 9", "rooms: 4"));
      expect((await run("config", "set", args[0]!, "0", ...args.slice(2))).code).toBe(1);
    }
  });

  it("warns where something ranks above what was written", async () => {
    const { cwd, mlmcp: run } = lab();
    const byVariable = await mlmcp(["config", "set", "lab.wait", "1m"], {
      cwd,
      env: { MLMCP_LAB_WAIT: "2m" },
    });
    expect(byVariable).toMatchObject({
      code: 0,
      err: "warning: lab.wait is set by MLMCP_LAB_WAIT, which ranks above: what is written has no effect.\n",
    });
    const byProfile = await mlmcp(["config", "set", "lab.rooms", "4", "--force", "--json"], {
      cwd,
      env: { MLMCP_SYSTEM_ENVIRONMENT: "production" },
    });
    expect(JSON.parse(byProfile.out)).toMatchObject({
      overriddenBy: [{ path: "lab.rooms", source: { kind: "profile" } }],
    });
    expect((await run("config", "set", "lab.rooms", "5")).err).toBe("");
  });

  it("only prints what would change with --dry-run", async () => {
    const { cwd, mlmcp: run, text } = lab();
    expect(await run("config", "set", "lab.wait", "1m", "--dry-run")).toMatchObject({
      code: 0,
      out: expect.stringMatching(/10s → 1m.*\n- {3}wait: 10s.*\n\+ {3}wait: 1m.*\nNothing was written\.\n$/),
    });
    expect(text()).toBe(rc);
    expect(existsSync(join(cwd, ".mlmcp"))).toBe(false);
    expect((await run("config", "set", "lab.wait", "soon", "--dry-run")).code).toBe(1);
  });

  it("says so where the value stands there already", async () => {
    const { mlmcp: run } = lab();
    expect(await run("config", "set", "lab.wait", "10s")).toMatchObject({
      out: "lab.wait is 10s already.\n",
    });
  });

  it("shows a secret nowhere, and advises to name it", async () => {
    const { mlmcp: run, text, audit } = lab();
    const { code, out, err } = await run("config", "set", "lab.door.code", "swordfish42");
    expect([code, out]).toEqual([0, expect.stringContaining("lab.door.code: [secret] → [secret]")]);
    expect(err).toContain("this secret stands in the file as plain text");
    expect(text()).toContain("swordfish42");
    expect(JSON.stringify([out, err, audit()])).not.toMatch(/swordfish|hunter/);
    const dry = await run("config", "set", "lab.door.code", "sesame42", "--dry-run");
    expect(dry.out).not.toContain("sesame");
    const named = await run("config", "set", "lab.door.code", "secret://env/HOME_CODE");
    expect(named.err).toContain("HOME_CODE");
    const partly = await run("config", "set", "lab.note", "redis://app:sesame42@${HOST:-localhost}/0");
    expect(partly).toMatchObject({
      code: 0,
      out: expect.stringContaining("lab.note: not set → redis://app:[secret]@${HOST:-localhost}/0"),
      err: "",
    });
  });

  it("needs --force in production", async () => {
    const { cwd, text } = lab();
    const env = { MLMCP_SYSTEM_ENVIRONMENT: "production" };
    const refused = await mlmcp(["config", "set", "lab.wait", "1m"], { cwd, env });
    expect([refused.code, refused.out]).toEqual([1, ""]);
    expect(refused.err).toContain("this is production");
    expect(refused.err).toContain("--force");
    // Also where the edit itself would leave production.
    const { mlmcp: inProduction, text: textThere } = lab({
      ".mlmcprc.yaml": "system: { environment: production }\n",
    });
    expect((await inProduction("config", "set", "system.environment", "test")).code).toBe(1);
    expect([text(), textThere()]).toEqual([rc, "system: { environment: production }\n"]);
    expect((await mlmcp(["config", "set", "lab.wait", "1m", "--force"], { cwd, env })).code).toBe(0);
    expect(text()).toBe(rc.replace("10s", "1m"));
  });

  it("is written to the audit log, the one that is configured where one is", async () => {
    const { mlmcp: run, audit, cwd } = lab();
    await run("config", "set", "lab.wait", "1m");
    expect(audit().at(-1)).toMatchObject({
      action: "config set",
      by: "cli",
      file: join(cwd, ".mlmcprc.yaml"),
      changes: [{ path: "lab.wait", from: "10s", to: "1m" }],
      outcome: "done",
    });
    await run("config", "set", "system.auditLog", "log/audit.jsonl");
    await run("config", "unset", "lab.wait");
    expect(audit("log/audit.jsonl").at(-1)).toMatchObject({
      action: "config unset",
      changes: [{ path: "lab.wait", from: "1m" }],
    });
  });

  it("mends a configuration that is wrong, without being stopped by it", async () => {
    const { mlmcp: run, text } = lab({ ".mlmcprc.yaml": "errorHandling: { maxRetries: -1 }\n" });
    expect((await run("config", "set", "errorHandling.maxRetries", "1")).code).toBe(0);
    expect(text()).toBe("errorHandling: { maxRetries: 1 }\n");
  });

  it.each([
    [["lab.wait"]],
    [[]],
    [["", "x"]],
    [["lab.wait", "1m", "2m"]],
    [["lab.wait", "1m", "--profil", "x"]],
  ])("%j is a usage error", async (args) => {
    const { mlmcp: run, text } = lab();
    const { code, out, err } = await run("config", "set", ...args);
    expect([code, out]).toEqual([2, ""]);
    expect(err).not.toMatch(/^\s+at /m);
    expect(text()).toBe(rc);
  });
});

describe("mlmcp config unset", () => {
  it("removes one value, from a profile too", async () => {
    const { mlmcp: run, text } = lab();
    expect(await run("config", "unset", "lab.wait")).toMatchObject({
      code: 0,
      out: expect.stringContaining("lab.wait: 10s → not set"),
      err: "",
    });
    expect(text()).not.toContain("wait");
    expect((await run("config", "unset", "lab.rooms", "--profile", "production")).code).toBe(0);
    expect(text()).not.toContain("rooms");
    expect((await run("config", "get", "lab.wait")).out).toBe("5000\n");
  });

  it("refuses what is not in the file, with the nearest that is", async () => {
    const { cwd, mlmcp: run, text } = lab();
    expect(await run("config", "unset", "lab.wiat")).toEqual({
      code: 1,
      out: "",
      err: `error: lab.wiat is not set in ${join(cwd, ".mlmcprc.yaml")}\nDid you mean "lab.wait"?\n`,
    });
    expect(await run("config", "unset", "lab.title")).toMatchObject({ code: 1 });
    expect(text()).toBe(rc);
  });

  it("refuses to leave behind what is not valid", async () => {
    const { mlmcp: run, text } = lab();
    const { code, err } = await run("config", "unset", "plugins");
    expect([code, err]).toEqual([1, expect.stringContaining("lab: unknown section")]);
    expect(text()).toBe(rc);
  });

  it("shows no secret that stands in the same line with --dry-run", async () => {
    const { mlmcp: run } = lab({
      ".mlmcprc.yaml": `plugins: ["${fixture("lab-plugin.ts")}"]\nlab: { wait: 10s, door: { code: hunter2hunter2 } }\n`,
    });
    const { code, out } = await run("config", "set", "lab.wait", "1m", "--dry-run");
    expect([code, out]).toEqual([0, expect.stringContaining("lab.wait: 10s → 1m")]);
    expect(out).not.toContain("hunter2");
  });

  it("refuses a value that is wrong, also where something else overrides it", async () => {
    const { cwd, text } = lab();
    const before = text();
    const { code, err } = await mlmcp(["config", "set", "lab.wait", "banana"], {
      cwd,
      env: { MLMCP_LAB_WAIT: "5s" },
    });
    expect([code, err]).toEqual([1, expect.stringMatching(/lab\.wait: expected a duration.*"banana"/)]);
    expect(text()).toBe(before);
  });

  it("shows no secret with --dry-run", async () => {
    const { mlmcp: run, text } = lab();
    const { out } = await run("config", "unset", "lab.door", "--dry-run");
    expect(out).toContain("Nothing was written.");
    expect(out).not.toContain("hunter");
    expect(text()).toBe(rc);
  });
});
