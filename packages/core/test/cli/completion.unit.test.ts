import { describe, expect, it } from "vitest";
import { project } from "../config/project.js";
import { fixture, mlmcp } from "./command-line.js";

const configured = () =>
  project({
    ".git/": "",
    ".mlmcprc.json": JSON.stringify({
      app: fixture("app.ts"),
      plugins: ["lab", "vault", "doctored"].map((name) => fixture(`${name}-plugin.ts`)),
    }),
  });

/** What is offered for the last of these words, without the descriptions. */
async function offered(words: readonly string[], cwd = configured()): Promise<string[]> {
  const { code, out, err } = await mlmcp(["__complete", "--", ...words], { cwd });
  expect([code, err]).toEqual([0, ""]);
  return out
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => line.split("\t")[0]!);
}

describe("what is completed", () => {
  it.each<[string[], string[]]>([
    [["pl"], ["plugins"]],
    [
      ["plugins", ""],
      ["list", "info", "create", "help"],
    ],
    [["plugin", "cr"], ["create"]],
    [["help", "op"], ["operations"]],
    [["--json", "conf"], ["config"]],
    [
      ["config", "get", "lab.d"],
      ["lab.door", "lab.door.open", "lab.door.code"],
    ],
    [["config", "set", "system.deb"], ["system.debug"]],
    [["config", "unset", "--dry-run", "lab.ti"], ["lab.title"]],
    [["config", "explain", "nothing"], []],
    [["config", "get", "lab.title", ""], []],
    [["config", "show", "la"], ["lab"]],
    [
      ["operations", "explain", "Reports.l"],
      ["Reports.list", "Reports.load"],
    ],
    [["operations", "Reports.lo"], ["Reports.load"]],
    [
      ["plugins", "info", ""],
      ["resilience", "lab", "vault", "doctored"],
    ],
    [
      ["completion", ""],
      ["bash", "zsh", "fish"],
    ],
    [
      ["vault", ""],
      ["burn", "list", "help"],
    ],
    [["vau"], ["vault"]],
    [["vault", "burn", "--so"], ["--source"]],
    [["config", "--prof"], []],
    [["config", "set", "--prof"], ["--profile"]],
    [["operations", "export", "--ch"], ["--changed"]],
    [
      ["init", "--format", ""],
      ["yaml", "json", "ts"],
    ],
    [["init", "--format=json", "--env"], ["--environment"]],
    [["config", "get", "--config", ""], []],
    [["nothing", ""], []],
    [
      ["config", "set", "operations."],
      ['operations."Reports.load"', 'operations."Reports.list"'],
    ],
    [["config", "explain", "operations.Reports.lo"], ['operations."Reports.load"']],
    [
      ["config", "unset", 'operations."Reports.load".re'],
      expect.arrayContaining([
        'operations."Reports.load".retry',
        'operations."Reports.load".retry.maxRetries',
      ]) as string[],
    ],
    [
      ["config", "set", 'operations."Reports.list".retry.maxR'],
      ['operations."Reports.list".retry.maxRetries'],
    ],
    [
      ["doctor", "--rule", "un"],
      ["unknown-variable", "unknown-operation"],
    ],
    [["doctor", "--rule", "versions", "small"], ["small-pool"]],
    [["doctor", "--rule", "versions", "--st"], ["--strict"]],
  ])("%j gives %j", async (words, expected) => {
    expect(await offered(words)).toEqual(expected);
  });

  it("is every command and every option of the program, and of plugins", async () => {
    expect(await offered([""])).toEqual(
      expect.arrayContaining([
        "init",
        "config",
        "plugins",
        "operations",
        "doctor",
        "completion",
        "help",
        "vault",
      ]),
    );
    expect(await offered([""])).not.toContain("__complete");
    const help = (await mlmcp(["config", "set", "--help"])).out;
    const long = new Set(help.match(/(?<=^ .*)--[a-z-]+/gm));
    expect(new Set(await offered(["config", "set", "--"]))).toEqual(long);
  });

  it("comes with a description", async () => {
    const { out } = await mlmcp(["__complete", "--", "config", "get", "lab.wait"], { cwd: configured() });
    expect(out).toBe("lab.wait\tHow long it waits.\n");
  });

  it("follows --cwd, --config and --app", async () => {
    const cwd = project({
      ".git/": "",
      "inner/.mlmcprc.json": JSON.stringify({ plugins: [fixture("lab-plugin.ts")] }),
    });
    expect(await offered(["config", "get", "lab.ro"], cwd)).toEqual([]);
    expect(await offered(["--cwd", "inner", "config", "get", "lab.ro"], cwd)).toEqual(["lab.rooms"]);
    expect(await offered(["config", "--config=inner/.mlmcprc.json", "get", "lab.ro"], cwd)).toEqual([
      "lab.rooms",
    ]);
    expect(await offered(["operations", "explain", "--app", fixture("app.ts"), "Reports.li"], cwd)).toEqual([
      "Reports.list",
    ]);
  });

  it("falls back to what is known where the configuration is broken", async () => {
    const cwd = project({ ".git/": "", ".mlmcprc.yaml": "system: [\n" });
    expect(await offered(["config", "set", "system.deb"], cwd)).toEqual(["system.debug"]);
    expect(await offered(["co"], cwd)).toEqual(["config", "completion"]);
    expect(await offered(["plugins", "info", ""], cwd)).toEqual([]);
    expect(await offered(["operations", "explain", ""], cwd)).toEqual([]);
    expect(await offered(["doctor", "--rule", "dupl"], cwd)).toEqual(["duplicate-core"]);
  });

  it("is complete although settings are wrong: the plugins are known", async () => {
    const rc = { plugins: [fixture("lab-plugin.ts")], lab: { rooms: "many" } };
    const cwd = project({ ".git/": "", ".mlmcprc.json": JSON.stringify(rc) });
    expect(await offered(["config", "set", "lab.ro"], cwd)).toEqual(["lab.rooms"]);
  });
});

describe("mlmcp completion", () => {
  it.each([
    ["bash", /^complete -o default -F _mlmcp mlmcp$/m],
    ["zsh", /^#compdef mlmcp\n/],
    ["fish", /^complete -c mlmcp -f -a '\(__mlmcp_complete\)'$/m],
  ])("prints a script for %s, which asks __complete", async (shell, expected) => {
    const { code, out, err } = await mlmcp(["completion", shell]);
    expect([code, err]).toEqual([0, ""]);
    expect(out).toMatch(expected);
    expect(out).toContain("__complete -- ");
    // What the template escapes is not left in.
    expect(out).not.toContain("\\${");
    const json = await mlmcp(["completion", shell, "--json"]);
    expect(JSON.parse(json.out)).toEqual({ shell, script: out });
  });

  it.each([
    [["completion"], "missing required argument 'shell'"],
    [["completion", "tcsh"], "Allowed choices are bash, zsh, fish"],
  ])("%j is a usage error: %s", async (args, expected) => {
    expect(await mlmcp(args)).toEqual({ code: 2, out: "", err: expect.stringContaining(expected) });
  });
});
