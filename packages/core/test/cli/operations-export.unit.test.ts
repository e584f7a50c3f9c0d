import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { parse } from "yaml";
import { project } from "../config/project.js";
import { fixture, mlmcp } from "./command-line.js";

const withApp = (operations: object, app = "tuned-app.ts") =>
  project({ ".git/": "", ".mlmcprc.json": JSON.stringify({ app: fixture(app), operations }) });

const exported = async (cwd: string, ...args: string[]): Promise<string> => {
  const { code, out, err } = await mlmcp(["operations", "export", "Tuned.*", ...args], { cwd });
  expect([code, err]).toEqual([0, ""]);
  return out;
};

describe("mlmcp operations export", () => {
  it("prints what can be tuned, each line with where it came from", async () => {
    const cwd = withApp({ "Tuned.play": { tuned: { value: "loud" } } });
    const out = await exported(cwd);
    expect(out.split("\n")).toEqual([
      "# the effective options of every operation",
      "# Tuned.play: tuned.pick is left out, since only code can give it",
      "# Tuned.play: tuned.token is left out, since it is secret",
      "",
      "operations:",
      "  Tuned.play:",
      "    tuned:",
      "      wait: 2000 # @tuned in the code",
      "      value: loud # .mlmcprc.json:1",
      "  Tuned.rest:",
      "    marked: true # it has no options",
      "    tuned:",
      "      wait: 1000 # default",
      "",
    ]);
    expect(out).not.toContain("hunter2");
  });

  it("prints only what the configuration changes with --changed", async () => {
    const cwd = withApp({ "Tuned.play": { tuned: { value: "loud", token: "s3cr3t" } } });
    expect(parse(await exported(cwd, "--changed"))).toEqual({
      operations: { "Tuned.play": { tuned: { value: "loud" } } },
    });
    expect(parse(await exported(withApp({}), "--changed"))).toEqual({ operations: {} });
  });

  it("keeps what is turned off, and the order", async () => {
    const cwd = withApp({ "Tuned.rest": { tuned: false, order: ["marked", "tuned"] } });
    expect(JSON.parse(await exported(cwd, "--json"))).toEqual({
      operations: {
        "Tuned.play": { tuned: { wait: 2000 } },
        "Tuned.rest": { marked: true, tuned: false, order: ["marked", "tuned"] },
      },
    });
  });

  it("says of what passes through for another reason that it does", async () => {
    const rc = { app: fixture("tuned-app.ts"), plugins: { tuned: false } };
    const cwd = project({ ".git/": "", ".mlmcprc.json": JSON.stringify(rc) });
    const out = await exported(cwd);
    expect(out).toContain("# Tuned.play: @tuned passes through, its plugin is turned off");
    expect(parse(out)).toEqual({ operations: { "Tuned.play": {}, "Tuned.rest": {} } });
  });

  it("can be pasted: it loads to the same options", async () => {
    const unpolluted = (text: string) =>
      !/__proto__|constructor|prototype|secret:|token|passw|credential|pwd|key/i.test(text);
    const written = fc.jsonValue({ maxDepth: 3 }).filter((value) => unpolluted(JSON.stringify(value)));
    await fc.assert(
      fc.asyncProperty(written, async (value) => {
        const escaped = JSON.parse(JSON.stringify(value).replaceAll("${", () => "$${")) as unknown;
        const cwd = withApp({ "Tuned.play": { tuned: { value: escaped } } });
        const [yaml, json] = [await exported(cwd), await exported(cwd, "--json")];
        expect(parse(yaml)).toEqual(JSON.parse(json));
        const pasted = withApp((JSON.parse(json) as { operations: object }).operations);
        const valueIn = async (directory: string) => {
          const { out } = await mlmcp(["operations", "explain", "Tuned.play", "--json"], { cwd: directory });
          const { chain } = JSON.parse(out) as {
            chain: Array<{ options: Array<{ name: string; value: unknown }> }>;
          };
          return chain[0]!.options.find(({ name }) => name === "value")?.value;
        };
        expect(await valueIn(pasted)).toEqual(await valueIn(cwd));
      }),
      {
        numRuns: 40,
        examples: [
          ["${HOME}"],
          [{ a: "# no comment", "b c": ["- x", "true", "1e3", "\n"] }],
          ["a: b"],
          [null],
        ],
      },
    );
  });

  it("suggests the nearest id for a glob that matches nothing", async () => {
    const { code, err } = await mlmcp(["operations", "export", "Tuned.pley"], { cwd: withApp({}) });
    expect([code, err]).toEqual([
      1,
      'error: no operation matches "Tuned.pley"\nDid you mean "Tuned.play"?\n',
    ]);
  });

  it.each([
    [["operations", "export", "a", "b"], "too many arguments"],
    [["operations", "export", "--chnged"], "(Did you mean --changed?)"],
  ])("%j is a usage error: %s", async (args, expected) => {
    const { code, out, err } = await mlmcp(args, { cwd: withApp({}) });
    expect([code, out, err]).toEqual([2, "", expect.stringContaining(expected)]);
  });
});

describe("mlmcp operations", () => {
  it("lists those that match a glob, with and without the word list", async () => {
    const cwd = withApp({});
    for (const args of [["Tuned.r*"], ["list", "Tuned.r*"]]) {
      const { code, out } = await mlmcp(["operations", ...args, "--json"], { cwd });
      expect([code, (JSON.parse(out) as Array<{ id: string }>).map(({ id }) => id)]).toEqual([
        0,
        ["Tuned.rest"],
      ]);
    }
  });

  it("takes a glob that is nearly a command for the command", async () => {
    const { code, err } = await mlmcp(["operations", "exprot"], { cwd: withApp({}) });
    expect([code, err]).toEqual([1, 'error: no operation matches "exprot"\nDid you mean export?\n']);
  });

  it("shows no secret of the code or the configuration", async () => {
    const cwd = withApp({ "Tuned.rest": { tuned: { token: "s3cr3t" } } });
    for (const id of ["Tuned.play", "Tuned.rest"]) {
      for (const more of [[], ["--json"]]) {
        const { out } = await mlmcp(["operations", "explain", id, ...more], { cwd });
        expect(out).toContain("[secret]");
        expect(out).not.toMatch(/hunter2|s3cr3t/);
      }
    }
  });

  it("keeps what the application prints out of its output", async () => {
    const written = { stdout: "", stderr: "" };
    for (const name of ["stdout", "stderr"] as const)
      vi.spyOn(process[name], "write").mockImplementation((text) => ((written[name] += String(text)), true));
    vi.resetModules();
    try {
      const { mlmcp: again } = await import("./command-line.js");
      await again(["operations", "--app", fixture("tuned-app.ts")], { cwd: withApp({}) });
    } finally {
      vi.restoreAllMocks();
    }
    expect(written).toEqual({ stdout: "", stderr: expect.stringContaining("tuned-app is imported\n") });
  });
});
