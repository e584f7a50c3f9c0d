import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { project } from "../config/project.js";
import { fixture, mlmcp } from "./command-line.js";

const env = { MLMCP_LAB_TAGS: "x,y", MLMCP_LAB_ROOMS: "9" };

function lab(): string {
  return project({
    ".git/": "",
    "base.yaml": "lab: { rooms: 7, title: base }\n",
    ".mlmcprc.yaml": `extends: ./base.yaml
plugins: ["${fixture("lab-plugin.ts")}"]
lab:
  rooms: 8
  wait: 10s
  door: { code: hunter2hunter2 }
operations: { "Reports.*": { retry: 2 } }
`,
  });
}

describe("mlmcp config get", () => {
  const get = (...args: string[]) => mlmcp(["config", "get", ...args], { cwd: lab(), env });

  it.each([
    ["lab.title", "base\n"],
    ["lab.wait", "10000\n"],
    ["lab.door.open", "false\n"],
    ["lab.tags", '["x","y"]\n'],
    ["lab.door", '{"code":"[secret]","open":false}\n'],
    ['operations."Reports.*".retry', "2\n"],
    ["system.environment", "development\n"],
  ])("prints %s alone", async (path, out) => {
    expect(await get(path)).toEqual({ code: 0, out, err: "" });
  });

  it("prints a length of time with its unit on a terminal only", async () => {
    const cwd = lab();
    const shown = await mlmcp(["config", "get", "lab.wait"], { cwd, isTTY: true });
    expect(shown.out).toBe("10s (10000)\n");
    expect((await mlmcp(["config", "get", "lab.rooms"], { cwd, isTTY: true })).out).toBe("8\n");
    expect((await mlmcp(["config", "get", "lab.wait", "--json"], { cwd, isTTY: true })).out).toBe("10000\n");
  });

  it("prints a text as JSON under --json", async () => {
    expect(JSON.parse((await get("lab.title", "--json")).out)).toBe("base");
    expect(JSON.parse((await get("lab.door", "--json")).out)).toEqual({ code: "[secret]", open: false });
  });

  it("prints a secret only with --reveal", async () => {
    const refused = await get("lab.door.code");
    expect([refused.code, refused.out]).toEqual([1, ""]);
    expect(refused.err).toBe("error: lab.door.code is a secret\nAdd --reveal to print it all the same.\n");
    expect(await get("lab.door.code", "--reveal")).toMatchObject({ code: 0, out: "hunter2hunter2\n" });
    expect((await get("lab.door", "--reveal")).out).toContain("hunter2");
  });

  it("fails where nothing is set, with the nearest path where nobody knows it", async () => {
    expect(await get("lab.note")).toEqual({ code: 1, out: "", err: "error: lab.note is not set\n" });
    expect(await get('operations."Reports.*".retry.maxDelay')).toMatchObject({
      code: 1,
      err: expect.stringContaining("is not set"),
    });
    expect(await get("lab.wiat")).toMatchObject({
      code: 1,
      err: expect.stringContaining('mean "lab.wait"?'),
    });
    expect(await get("zzzzzzzz")).toMatchObject({
      code: 1,
      err: expect.stringContaining("`mlmcp config show` lists what is set."),
    });
  });

  it.each([[[]], [[""]], [["."]], [["a", "b"]]])("%j is a usage error", async (args) => {
    const { code, out, err } = await get(...args);
    expect([code, out]).toEqual([2, ""]);
    expect(err).not.toMatch(/^\s+at /m);
  });
});

describe("mlmcp config explain", () => {
  const explain = (cwd: string, ...args: string[]) => mlmcp(["config", "explain", ...args], { cwd, env });

  it("prints a value with its sources in order, type, default and variable", async () => {
    const cwd = lab();
    const { code, out, err } = await explain(cwd, "lab.rooms");
    expect([code, err]).toEqual([0, ""]);
    expect(out.split("\n").map((line) => line.trim().replaceAll(/\s+/g, " "))).toEqual([
      "lab.rooms = 9",
      "",
      "RANK VALUE FROM",
      "in effect 9 MLMCP_LAB_ROOMS",
      `overrode 8 ${join(cwd, ".mlmcprc.yaml")}:4:3`,
      `overrode 7 ${join(cwd, "base.yaml")}:1:8`,
      "",
      "type integer, at least 1",
      "default 3",
      "variable MLMCP_LAB_ROOMS",
      "",
    ]);
  });

  it("prints lengths of time with their unit, and numbers in JSON", async () => {
    const cwd = project({ ".git/": "", ".mlmcprc.yaml": "system: { stopTimeout: 250, watch: 90s }\n" });
    const text = async (path: string) => (await mlmcp(["config", "explain", path], { cwd })).out;
    expect(await text("system.stopTimeout")).toMatch(/^system\.stopTimeout = 250ms\n/);
    expect(await text("system.watch")).toMatch(/^in effect +1\.5m \(90000\) /m);
    expect(await text("system")).toMatch(/^system\.startTimeout +30s \(30000\) +default$/m);
    expect(await text("errorHandling.maxSize")).toMatch(/^errorHandling\.maxSize = 10MB \(10485760\)$/m);
    const json = await mlmcp(["config", "explain", "system.watch", "--json"], { cwd });
    expect(JSON.parse(json.out)).toMatchObject({ value: 90_000 });
  });

  it("prints the description of the schema", async () => {
    expect((await explain(lab(), "lab.wait")).out).toContain("How long it waits.");
  });

  it("prints the settings in an object, each with its source", async () => {
    const cwd = lab();
    const { code, out } = await explain(cwd, "lab");
    expect(code).toBe(0);
    expect(out).toContain("The laboratory.");
    expect(out).toMatch(/^lab\.title +base +.*base\.yaml:1:18$/m);
    expect(out).toMatch(/^lab\.door\.open +false +default$/m);
  });

  it("explains what is known and not set, and options of operations", async () => {
    expect((await explain(lab(), "lab.note")).out).toMatch(/^lab\.note = not set\n\ntype +string\n/);
    expect((await explain(lab(), 'operations."Reports.*".retry')).out).toContain(
      "boolean | integer, at least 0 | object",
    );
    expect((await explain(lab(), 'operations."A.b".retry.maxDelay')).out).toContain("duration, at most");
  });

  it("gives the same as JSON, and hides secrets", async () => {
    const cwd = lab();
    expect(JSON.parse((await explain(cwd, "lab.door.code", "--json")).out)).toEqual({
      path: "lab.door.code",
      value: "[secret]",
      source: { kind: "file", name: join(cwd, ".mlmcprc.yaml"), line: 6, column: 11 },
      secret: true,
      overrode: [],
      type: "string",
      variable: "MLMCP_LAB_DOOR__CODE",
    });
    expect((await explain(cwd, "lab.door.code")).out).not.toContain("hunter2");
  });

  it("suggests the nearest path", async () => {
    expect(await explain(lab(), "lab.roms")).toEqual({
      code: 1,
      out: "",
      err: 'error: lab.roms is no setting that a loaded plugin knows\nDid you mean "lab.rooms"?\n',
    });
  });
});
