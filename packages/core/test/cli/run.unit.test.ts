import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { project } from "../config/project.js";
import { fixture, mlmcp } from "./command-line.js";
import { life } from "./fixtures/audit-plugin.js";

const ansi = new RegExp(String.fromCharCode(27));

describe("mlmcp", () => {
  it("prints help", async () => {
    for (const args of [["--help"], ["-h"], ["help"]]) {
      const { code, out, err } = await mlmcp(args);
      expect([code, err]).toEqual([0, ""]);
      expect(out).toMatch(/^Usage: mlmcp/);
      for (const word of [
        "config",
        "plugins",
        "operations",
        "--cwd",
        "--config",
        "--app",
        "--json",
        "--debug",
        "--yes",
        "--force",
      ])
        expect(out).toContain(word);
    }
  });

  it("prints help for every command, with the options that all take", async () => {
    for (const command of [
      ["config"],
      ["config", "show"],
      ["init"],
      ["plugins"],
      ["plugins", "info"],
      ["plugins", "create"],
      ["operations"],
      ["operations", "explain"],
      ["operations", "export"],
      ["doctor"],
      ["completion"],
    ]) {
      const { code, out } = await mlmcp([...command, "--help"]);
      expect(code).toBe(0);
      expect(out).toContain(`Usage: mlmcp ${command.join(" ")}`);
      expect(out).toContain("--json");
      expect(await mlmcp(["help", ...command])).toEqual({ code: 0, out, err: "" });
    }
  });

  it("lists every command under help --all, with those of plugins", async () => {
    const rc = JSON.stringify({ plugins: [fixture("audit-plugin.ts")] });
    const cwd = project({ ".git/": "", ".mlmcprc.json": rc });
    const { code, out, err } = await mlmcp(["help", "--all"], { cwd });
    expect([code, err]).toEqual([0, ""]);
    expect(out).toMatch(/^mlmcp config set <path> <value> +write one value into/m);
    expect(out).toMatch(/^mlmcp operations list \[glob\] +list the decorated methods/m);
    expect(out).toMatch(/^mlmcp doctor +look for/m);
    expect(out).toMatch(/^mlmcp audit level +\S/m);
    expect(out).not.toMatch(/__complete|^mlmcp config +The/m);
    const json = JSON.parse((await mlmcp(["help", "--all", "--json"], { cwd })).out) as object[];
    expect(json).toHaveLength(out.trim().split("\n").length - 1);
    expect(json[0]).toEqual({
      command: "mlmcp init",
      description: expect.stringContaining("write a config"),
    });
  });

  it("lists its own commands under help --all where plugins cannot be loaded", async () => {
    const cwd = project({ ".git/": "", ".mlmcprc.yaml": "plugins: [./none.js]\n" });
    const { code, out, err } = await mlmcp(["help", "--all"], { cwd });
    expect([code, out]).toEqual([0, expect.stringContaining("mlmcp config diff")]);
    expect(err).toMatch(/^warning: the commands of plugins are not among these: .*\.\/none\.js/);
  });

  it("prints its version", async () => {
    expect(await mlmcp(["--version"])).toEqual({
      code: 0,
      out: expect.stringMatching(/^\d+\.\d+\.\d+\S*\n$/),
      err: "",
    });
  });

  it.each([
    [[], "Usage: mlmcp"],
    [["config"], "Usage: mlmcp config"],
    [["confg"], "unknown command 'confg'\n(Did you mean config?)"],
    [["config", "shwo"], "(Did you mean show?)"],
    [["help", "confg"], "unknown command 'confg'\nDid you mean config?"],
    [["help", "config", "shwo"], "unknown command 'shwo'\nDid you mean show?"],
    [["help", "zzzzzz"], "unknown command 'zzzzzz'"],
    [["config", "show", "a", "b"], "too many arguments"],
    [["operations", "explian", "A.b"], "unknown command 'explian'\nDid you mean explain?"],
    [["plugins", "zzzzzz"], "See mlmcp plugins --help."],
    [["operations", "explain"], "missing required argument 'id'"],
    [["plugins", "--jsn"], "unknown option '--jsn'"],
    [["--config"], "option '--config <file>' argument missing"],
    [["zzzzzz"], "unknown command 'zzzzzz'"],
    [["plugins", "--cwd", "/does/not/exist"], "the directory /does/not/exist does not exist"],
  ])("%j is a usage error: %s", async (args, expected) => {
    const { code, out, err } = await mlmcp(args);
    expect(err).toContain(expected);
    expect([code, out]).toEqual([2, ""]);
    expect(err).not.toMatch(/^\s+at /m);
  });

  it("asks whether a command was meant by a glob where no operations are known", async () => {
    const { code, err } = await mlmcp(["operations", "lsit"]);
    expect([code, err]).toEqual([
      1,
      expect.stringMatching(/^error: no operations are known\nDid you mean list\? They exist once .*--app/),
    ]);
  });

  it("colours only on a terminal, and not under NO_COLOR", async () => {
    expect((await mlmcp(["config", "show"], { isTTY: true })).out).toMatch(ansi);
    expect((await mlmcp(["config", "show"])).out).not.toMatch(ansi);
    expect((await mlmcp(["config", "show"], { isTTY: true, env: { NO_COLOR: "1" } })).out).not.toMatch(ansi);
    expect((await mlmcp(["config", "show", "--json"], { isTTY: true })).out).not.toMatch(ansi);
    expect((await mlmcp(["config", "show", "x"], { isTTY: true })).err).toMatch(ansi);
  });
});

describe("mlmcp config show", () => {
  const rc =
    "system: { environment: staging }\nerrorHandling:\n  maxRetries: 5\noperations:\n  Reports.load: { retry: { maxRetries: 7 } }\n";

  it("prints each value with where it came from", async () => {
    const cwd = project({ ".mlmcprc.yaml": rc });
    const { code, out, err } = await mlmcp(["config", "show"], {
      cwd,
      env: { MLMCP_PERFORMANCE_N_JOBS: "2" },
    });
    expect([code, err]).toEqual([0, ""]);
    const lines = out.split("\n").map((line) => line.replaceAll(/\s+/g, " "));
    expect(lines[0]).toBe(`# ${join(cwd, ".mlmcprc.yaml")}, environment staging`);
    expect(lines).toEqual(
      expect.arrayContaining([
        "system.environment = staging # .mlmcprc.yaml:1",
        "system.stopTimeout = 10s (10000) # default",
        "errorHandling.maxRetries = 5 # .mlmcprc.yaml:3",
        "performance.nJobs = 2 # MLMCP_PERFORMANCE_N_JOBS",
        'operations."Reports.load".retry.maxRetries = 7 # .mlmcprc.yaml:5',
      ]),
    );
  });

  it("prints one section", async () => {
    const { code, out } = await mlmcp(["config", "show", "errorHandling"]);
    expect([code, ...out.split("\n")]).toEqual([
      0,
      "# no configuration file, environment development",
      "errorHandling.maxRetries = 3             # default",
      "errorHandling.maxSize = 10MB (10485760)  # default",
      "errorHandling.maxFiles = 5               # default",
      "",
    ]);
  });

  it("gives the same as JSON", async () => {
    const cwd = project({ ".mlmcprc.yaml": rc });
    const { code, out } = await mlmcp(["config", "show", "--json"], { cwd });
    const shown = JSON.parse(out) as {
      file: string;
      environment: string;
      values: Record<string, unknown>;
      sources: Record<string, unknown>;
    };
    expect([code, shown.file, shown.environment]).toEqual([0, join(cwd, ".mlmcprc.yaml"), "staging"]);
    expect(shown.values["errorHandling"]).toMatchObject({ maxRetries: 5 });
    expect(shown.sources["errorHandling.maxRetries"]).toEqual({
      kind: "file",
      name: shown.file,
      line: 3,
      column: 3,
    });
    expect(shown.sources["system.debug"]).toEqual({ kind: "default", name: "default" });
  });

  it("reads the file and the directory that are named", async () => {
    const cwd = project({
      "a/.mlmcprc.yaml": "errorHandling: { maxRetries: 1 }",
      "b.yaml": "errorHandling: { maxRetries: 2 }",
    });
    expect((await mlmcp(["config", "show", "errorHandling", "--cwd", "a"], { cwd })).out).toContain(
      "maxRetries = 1",
    );
    expect((await mlmcp(["--config", "b.yaml", "config", "show", "errorHandling"], { cwd })).out).toContain(
      "maxRetries = 2",
    );
  });

  it("suggests the nearest section", async () => {
    expect(await mlmcp(["config", "show", "sytem"])).toEqual({
      code: 1,
      out: "",
      err: 'error: there is no section "sytem"\nDid you mean "system"?\n',
    });
    expect((await mlmcp(["config", "show", "visualization"])).err).toContain(
      "Known are: system, performance",
    );
  });

  it("says all that is wrong with the configuration, with a stack only under --debug", async () => {
    const cwd = project({ ".mlmcprc.yaml": "sytem: {}\nerrorHandling: { maxRetries: -1 }\n" });
    const { code, out, err } = await mlmcp(["config", "show"], { cwd });
    expect([code, out]).toEqual([1, ""]);
    expect(err).toContain("error: The configuration is wrong in 2 places:");
    expect(err).toContain(
      `errorHandling.maxRetries: must be at least 0, received -1 (${join(cwd, ".mlmcprc.yaml")}:2:18)`,
    );
    expect(err).toContain('Did you mean "system"?');
    expect(err).not.toMatch(/^\s+at /m);
    expect((await mlmcp(["config", "show", "--debug"], { cwd })).err).toMatch(/^\s+at /m);
  });

  it("says where a file is broken, or missing", async () => {
    const cwd = project({ ".mlmcprc.yaml": "system: [\n" });
    expect(await mlmcp(["config", "show"], { cwd })).toMatchObject({
      code: 1,
      err: expect.stringMatching(/YAML syntax: .*\.mlmcprc\.yaml:\d+:\d+\)/),
    });
    expect(await mlmcp(["config", "show", "--config", "none.yaml"], { cwd })).toMatchObject({
      code: 1,
      err: expect.stringContaining("this file does not exist"),
    });
  });

  it("does not trouble somebody who mistyped a command with a broken file", async () => {
    const cwd = project({ ".mlmcprc.yaml": "system: [\n" });
    expect((await mlmcp(["confg"], { cwd })).err).toMatch(/^error: unknown command 'confg'/);
    expect((await mlmcp(["audit", "level"], { cwd })).err).toContain("YAML syntax");
  });
});

describe("mlmcp plugins", () => {
  const withAudit = () =>
    project({
      ".mlmcprc.json": JSON.stringify({
        plugins: { [fixture("audit-plugin.ts")]: true, "@mlmcp/plugin-gone": false },
      }),
    });

  it("lists what is loaded, what it adds, and what is off", async () => {
    const { code, out, err } = await mlmcp(["plugins"], { cwd: withAudit() });
    expect([code, err]).toEqual([0, ""]);
    expect(out).toMatch(/^PLUGIN +STATE +SECTION +DECORATORS +COMMANDS$/m);
    expect(out).toMatch(/^audit +on +audit +audit entries, audit level/m);
    expect(out).toMatch(/^@mlmcp\/plugin-gone +off$/m);
    expect(out).toContain("@retry");
  });

  it("gives the same as JSON, also by its full name", async () => {
    const { code, out } = await mlmcp(["plugins", "list", "--json"], { cwd: withAudit() });
    expect(code).toBe(0);
    expect(JSON.parse(out)).toEqual(
      expect.arrayContaining([
        {
          name: "audit",
          state: "on",
          section: "audit",
          decorators: [],
          commands: expect.arrayContaining(["audit level"]),
          dependsOn: [],
        },
        {
          name: "@mlmcp/plugin-gone",
          state: "off",
          section: null,
          decorators: [],
          commands: [],
          dependsOn: [],
        },
      ]),
    );
  });

  it("says which plugin cannot be loaded", async () => {
    const cwd = project({ ".mlmcprc.yaml": "plugins: ['./none.js']" });
    const { code, err } = await mlmcp(["plugins"], { cwd });
    expect(code).toBe(1);
    expect(err).toContain("./none.js");
    expect(err).toContain(".mlmcprc.yaml:1");
  });
});

describe("mlmcp operations", () => {
  it("says how to name the application where none is known", async () => {
    // In a process of its own no other test has declared operations; see bin.test.ts.
    const { code, err } = await mlmcp(["operations", "--app", "none.js"]);
    expect(code).toBe(1);
    expect(err).toMatch(/none\.js does not exist\. Correct `--app`/);
  });

  it("lists every decorated method with its chain", async () => {
    const { code, out, err } = await mlmcp(["operations", "--app", fixture("app.ts")]);
    expect([code, err]).toEqual([0, ""]);
    expect(out).toMatch(/^OPERATION +CHAIN/m);
    expect(out).toMatch(/^Reports\.load +retry > method +.*app\.ts:\d+$/m);
  });

  it("finds the application in the rc file, and gives JSON", async () => {
    const cwd = project({
      ".mlmcprc.json": JSON.stringify({
        app: fixture("app.ts"),
        operations: { "Reports.list": { retry: false } },
      }),
    });
    const { code, out } = await mlmcp(["operations", "list", "--json"], { cwd });
    expect(code).toBe(0);
    expect(JSON.parse(out)).toEqual(
      expect.arrayContaining([
        { id: "Reports.load", chain: ["retry"], skipped: [], source: expect.stringContaining("app.ts") },
        { id: "Reports.list", chain: [], skipped: ["retry"], source: expect.stringContaining("app.ts") },
      ]),
    );
  });

  it("explains a chain with each option and its source", async () => {
    const cwd = project({
      ".mlmcprc.yaml": `app: ${fixture("app.ts")}\nerrorHandling: { maxRetries: 9 }\noperations:\n  Reports.load:\n    retry: { maxRetries: 5 }\n`,
    });
    const { code, out, err } = await mlmcp(["operations", "explain", "Reports.load"], { cwd });
    expect([code, err]).toEqual([0, ""]);
    const lines = out.split("\n").map((line) => line.replaceAll(/\s+/g, " "));
    expect(lines[0]).toMatch(/^Reports\.load .*app\.ts:\d+$/);
    expect(lines[1]).toBe(" @retry (retry)");
    expect(lines).toContain(" maxRetries = 5 # .mlmcprc.yaml:5");
    expect(lines).toContain(" initialDelay = 50ms # @retry in the code");
    expect(lines).toContain(" maxDelay = 30s (30000) # default");
    expect(lines).toContain(" factor = 2 # default");
    expect(lines).toContain(" method");
    const other = await mlmcp(["operations", "explain", "Reports.list", "--json"], { cwd });
    expect(JSON.parse(other.out)).toMatchObject({
      id: "Reports.list",
      chain: [
        {
          advice: "retry",
          options: expect.arrayContaining([expect.objectContaining({ name: "maxRetries", value: 9 })]),
        },
      ],
    });
  });

  it("names what is turned off, and where", async () => {
    const cwd = project({
      ".mlmcprc.yaml": `app: ${fixture("app.ts")}\noperations: { 'Reports.*': { retry: false } }\n`,
    });
    expect((await mlmcp(["operations", "explain", "Reports.load"], { cwd })).out).toContain(
      "not in the chain: @retry, off in .mlmcprc.yaml:2",
    );
  });

  it("suggests the nearest id", async () => {
    const { code, err } = await mlmcp(["operations", "explain", "Report.load", "--app", fixture("app.ts")]);
    expect([code, err]).toEqual([1, expect.stringContaining('Did you mean "Reports.load"?')]);
  });

  it("gives the error of an application that cannot be imported", async () => {
    const cwd = project({ "app.mjs": "throw new Error('no database');" });
    const { code, err } = await mlmcp(["operations", "--app", "app.mjs"], { cwd });
    expect(code).toBe(1);
    expect(err).toContain("failed while it was imported: no database");
    expect(err).toContain("Name a module that only imports the application's classes");
  });
});

describe("a plugin's command", () => {
  beforeEach(() => void life.splice(0));
  const audit = (...args: string[]) => {
    const cwd = project({
      ".mlmcprc.json": JSON.stringify({ plugins: [fixture("audit-plugin.ts")], audit: { level: "high" } }),
    });
    return mlmcp(args, { cwd });
  };

  it("appears by itself, and its kernel is stopped when it is over", async () => {
    expect(await audit("audit", "level")).toEqual({ code: 0, out: "high\n", err: "" });
    expect(life).toEqual(["start", "stop"]);
  });

  it("is given its arguments and options, and prints a table", async () => {
    const { code, out } = await audit("audit", "entries", "eve", "--limit", "5");
    expect(code).toBe(0);
    expect(out).toBe('USER  ACTION  LIMIT  DETAILS\neve   load    5\nbob   save           {"rows":3}\n');
  });

  it("prints JSON under --json", async () => {
    expect(JSON.parse((await audit("audit", "entries", "--json")).out)).toEqual([
      { user: "ada", action: "load" },
      { user: "bob", action: "save", details: { rows: 3 } },
    ]);
    expect(JSON.parse((await audit("audit", "level", "--json")).out)).toBe("high");
  });

  it("prints an object as names and values, and nothing as nothing", async () => {
    expect((await audit("audit", "summary")).out).toBe(
      'NAME     VALUE\nentries  2\nby       ["ada","bob"]\n',
    );
    expect(await audit("audit", "clear")).toEqual({ code: 0, out: "", err: "" });
  });

  it("has help", async () => {
    const { code, out } = await audit("audit", "--help");
    expect([code, out]).toEqual([0, expect.stringContaining("list what was audited")]);
    expect((await audit("help", "audit")).out).toContain("list what was audited");
    expect((await audit("audit", "entries", "--help")).out).toContain("--limit <count>");
  });

  it.each([
    [["audit"], 2, "Usage: mlmcp audit"],
    [["audit", "entires"], 2, "(Did you mean entries?)"],
    [["audit", "entries", "a", "b"], 2, "too many arguments"],
    [["audit", "entries", "--limt", "5"], 2, "(Did you mean --limit?)"],
    [["audti", "level"], 2, "(Did you mean audit?)"],
    [["audit", "fail"], 1, "error: the audit log is gone"],
  ])("%j exits with %d: %s", async (args, code, expected) => {
    const result = await audit(...args);
    expect(result).toEqual({ code, out: "", err: expect.stringContaining(expected) });
    expect(result.err).not.toMatch(/^\s+at /m);
    expect(life).toEqual(code === 1 ? ["start", "stop"] : []);
  });

  it("may not take a word of the core's", async () => {
    const cwd = project({ ".mlmcprc.json": JSON.stringify({ plugins: [fixture("greedy-plugin.ts")] }) });
    const { code, err } = await mlmcp(["whatever"], { cwd });
    expect([code, err]).toEqual([
      1,
      expect.stringContaining(
        'The plugin "greedy" has a command `mlmcp config steal`, but that name is taken.',
      ),
    ]);
  });
});
