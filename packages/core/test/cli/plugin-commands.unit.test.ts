import { describe, expect, it } from "vitest";
import { project } from "../config/project.js";
import { fixture, mlmcp, type Run } from "./command-line.js";

const gauge = (args: readonly string[], isTTY = false): Promise<Run> => {
  const cwd = project({
    ".git/": "",
    ".mlmcprc.json": JSON.stringify({ app: fixture("app.ts"), plugins: [fixture("gauge-plugin.ts")] }),
  });
  return mlmcp(args, { cwd, isTTY });
};

const offered = async (words: readonly string[]): Promise<string[]> =>
  (await gauge(["__complete", "--", ...words])).out
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");

describe("what a plugin's command says", () => {
  it("is presented to people, and printed as it is under --json", async () => {
    expect(await gauge(["gauge", "read", "hall"])).toEqual({
      code: 0,
      out: "NAME      VALUE\npressure  1 bar\n",
      err: "",
    });
    const { out } = await gauge(["gauge", "read", "hall", "--json"]);
    expect(JSON.parse(out)).toEqual({ room: "hall", pascal: 100_000 });
  });

  it("is printed before it fails with what is wrong in it", async () => {
    const { code, out, err } = await gauge(["gauge", "read", "boiler"]);
    expect([code, err]).toEqual([1, "error: the boiler is about to burst\n"]);
    expect(out).toContain("1 bar");
    const json = await gauge(["gauge", "read", "boiler", "--json"]);
    expect([json.code, (JSON.parse(json.out) as { room: string }).room]).toEqual([1, "boiler"]);
  });

  it("is offered in place of its arguments and options, by their names", async () => {
    expect(await offered(["gauge", "read", ""])).toEqual(["room of Reports.list", "room of Reports.load"]);
    expect(await offered(["gauge", "read", "hall", "p"])).toEqual(["pressure"]);
    expect(await offered(["gauge", "read", "--unit", ""])).toEqual(["bar", "pascal"]);
    expect(await offered(["gauge", "read", "hall", "heat", ""])).toEqual([]);
  });

  it("is nothing where what it offers cannot be found", async () => {
    expect(await gauge(["__complete", "--", "gauge", "break", ""])).toEqual({ code: 0, out: "", err: "" });
  });
});

describe("how far a command is", () => {
  const bar = (done: number, percent: string): string =>
    `\r[${"=".repeat(done)}${" ".repeat(30 - done)}] ${percent} %`;
  const cleared = `\r${" ".repeat(38)}\r`;

  it("is shown at a terminal, once for each percent, and taken away at the end", async () => {
    const { err } = await gauge(["gauge", "read", "hall"], true);
    expect(err).toBe(`${bar(0, "  0")}${bar(15, " 50")}${bar(30, "100")}${cleared}`);
  });

  it("is taken away before an error is told", async () => {
    const { code, err } = await gauge(["gauge", "break"], true);
    expect(code).toBe(1);
    expect(err.startsWith(`${bar(8, " 25")}${cleared}`)).toBe(true);
    expect(err).toContain("the glass");
  });

  it("is not shown where nobody watches", async () => {
    expect((await gauge(["gauge", "read", "hall"])).err).toBe("");
  });
});
