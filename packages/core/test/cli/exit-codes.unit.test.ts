import { describe, expect, it } from "vitest";
import { ConfigurationError } from "../../src/errors/index.js";
import { CommandFailure, report } from "../../src/cli/failure.js";
import { project } from "../config/project.js";
import { fixture, mlmcp } from "./command-line.js";

const inLab = (...args: string[]) => {
  const rc = { plugins: [fixture("lab-plugin.ts"), fixture("audit-plugin.ts")], app: fixture("app.ts") };
  return mlmcp(args, { cwd: project({ ".git/": "", ".mlmcprc.json": JSON.stringify(rc) }) });
};

describe("the exit code", () => {
  it.each([
    [["config", "show", "lab.wait"], "For one setting: `mlmcp config get lab.wait`"],
    [["config", "show", "adit"], 'there is no section "adit"\nDid you mean "audit"?'],
    [["config", "get", "lab.wiat"], 'Did you mean "lab.wait"?'],
    [["config", "explain", "lab.wiat"], 'Did you mean "lab.wait"?'],
    [["config", "unset", "lab.wait"], "is not set in"],
    [["plugins", "info", "lba"], 'no plugin "lba" is loaded\nDid you mean "lab"?'],
    [["operations", "explain", "Reports.laod"], 'Did you mean "Reports.load"?'],
    [["doctor", "--rule", "prodution"], 'there is no rule "prodution"\nDid you mean production?'],
  ])("is 1 for a name that nothing has, whatever it names: %j", async (args, message) => {
    const { code, out, err } = await inLab(...args);
    expect([code, out, err]).toEqual([1, "", expect.stringContaining(message)]);
  });

  it.each([
    [["confg"], "unknown command"],
    [["config", "sohw"], "unknown command"],
    [["config", "show", "--ymal"], "unknown option"],
    [["config", "get"], "missing required argument"],
    [["config", "get", "."], "is no path"],
    [["config", "diff"], "nothing to compare with"],
    [["plugin", "crate"], "unknown command 'crate'\nDid you mean create?"],
    [["--cwd", ".mlmcprc.json", "config", "show"], ".mlmcprc.json is no directory\nCorrect --cwd."],
  ])("is 2 for a command line that cannot be read: %j", async (args, message) => {
    const { code, out, err } = await inLab(...args);
    expect([code, out, err]).toEqual([2, "", expect.stringContaining(message)]);
  });
});

describe("an option that is empty, as a script writes it whose variable is not set", () => {
  it.each([
    ["--cwd", "--cwd", "", "config", "show"],
    ["--config", "config", "show", "--config="],
    ["--app", "operations", "--app", ""],
    ["--profile", "config", "set", "lab.wait", "5m", "--profile", ""],
    ["--profile", "config", "unset", "lab.wait", "--profile", ""],
    ["--profile", "config", "validate", "--profile", ""],
    ["--with", "config", "diff", "--with", ""],
    ["--against", "config", "diff", "--against", ""],
    ["--output", "config", "schema", "--output", ""],
    ["--directory", "plugin", "create", "mlmcp-plugin-x", "--directory", ""],
    ["--config", "--config", "", "audit", "show"],
  ])("%s is refused, and not taken for another one", async (option, ...args) => {
    const { code, out, err } = await inLab(...args);
    expect([code, out]).toEqual([2, ""]);
    expect(err).toMatch(
      new RegExp(`^error: option '${option} <\\w+>' argument '' is invalid\\. It is empty`),
    );
  });
});

describe("the way to the stack trace", () => {
  const hint = "Run it with --debug for the stack trace.\n";
  const told = (error: unknown): string => {
    let text = "";
    const stderr = { write: (more: string) => (text += more) };
    report(error, { stdout: stderr, stderr, stdin: process.stdin, cwd: "/", env: {} }, false);
    return text;
  };
  const wrong = new ConfigurationError("It is wrong.", { code: "MLMCP_CONFIG" });

  it("is shown for what nobody has explained", () => {
    expect(told(new TypeError("x is undefined"))).toBe(`error: x is undefined\n${hint}`);
    expect(told(new AggregateError([wrong, new TypeError("x")], "both"))).toContain(hint);
  });

  it("is not shown below a message that says what to do", () => {
    expect(told(wrong)).toBe("error: It is wrong.\n");
    expect(told(new AggregateError([wrong, wrong], "both"))).not.toContain(hint);
    expect(told(new CommandFailure("no", "Do that."))).toBe("error: no\nDo that.\n");
  });

  it("is shown where the application's module fails, since its code is to blame", async () => {
    const cwd = project({ ".git/": "", "app.mjs": "null.x;\n" });
    const { code, err } = await mlmcp(["--app", "app.mjs", "operations"], { cwd });
    expect([code, err]).toEqual([1, expect.stringContaining(hint)]);
    expect((await mlmcp(["--app", "app.mjs", "operations", "--debug"], { cwd })).err).toMatch(/app\.mjs:1/);
  });
});
