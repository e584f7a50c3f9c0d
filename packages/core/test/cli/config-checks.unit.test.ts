import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv } from "ajv";
import { describe, expect, it } from "vitest";
import { createTestKernel } from "@mlmcp/core/testing";
import { project, warningsDuring } from "../config/project.js";
import { fixture, mlmcp } from "./command-line.js";

const plugins = `plugins: ["${fixture("lab-plugin.ts")}"]\n`;
const rcOf = (text: string) => project({ ".git/": "", ".mlmcprc.yaml": plugins + text });

describe("mlmcp config validate", () => {
  const validate = (cwd: string, ...args: string[]) => mlmcp(["config", "validate", ...args], { cwd });

  it("says that everything is valid", async () => {
    const cwd = rcOf("lab: { wait: 1m }\n");
    expect(await validate(cwd)).toEqual({
      code: 0,
      out: "The configuration is valid (development).\n",
      err: "",
    });
    expect(JSON.parse((await validate(cwd, "--json")).out)).toEqual({
      valid: true,
      environments: ["development"],
      issues: [],
      warnings: [],
    });
  });

  it("prints all errors at once, each with file, line and column", async () => {
    const cwd = rcOf("lab:\n  wiat: 1m\n  rooms: 0\nsytem: {}\n");
    const file = join(cwd, ".mlmcprc.yaml");
    const { code, out, err } = await validate(cwd);
    expect(code).toBe(1);
    expect(err).toBe("error: the configuration is wrong in 3 places\n");
    expect(out).toContain(`${file}:3:3: lab.wiat: unknown key, received "1m". Did you mean "wait"?`);
    expect(out).toContain(`${file}:4:3: lab.rooms: must be at least 1, received 0\n`);
    expect(out).toContain(`${file}:5:1: sytem: unknown section`);
  });

  it("gives the same as JSON", async () => {
    const cwd = rcOf("lab:\n  rooms: 0\n");
    const { code, out } = await validate(cwd, "--json");
    expect(code).toBe(1);
    expect(JSON.parse(out)).toEqual({
      valid: false,
      environments: ["development"],
      issues: [
        {
          path: "lab.rooms",
          message: "must be at least 1",
          received: 0,
          source: { kind: "file", name: join(cwd, ".mlmcprc.yaml"), line: 3, column: 3 },
          environments: ["development"],
        },
      ],
      warnings: [],
    });
  });

  it("looks at one environment, or at every one that has a profile", async () => {
    const cwd = rcOf("profiles:\n  staging:\n    lab: { rooms: 0 }\n  production:\n    lab: { wiat: 1 }\n");
    expect((await validate(cwd)).code).toBe(0);
    expect(await validate(cwd, "--profile", "staging")).toMatchObject({
      code: 1,
      out: expect.stringContaining("lab.rooms: must be at least 1"),
    });
    const all = await validate(cwd, "--all-profiles");
    expect(all.code).toBe(1);
    expect(all.out).toMatch(/:4:12: lab\.rooms: .* \[staging\]$/m);
    expect(all.out).toMatch(/:6:12: lab\.wiat: .* \[production\]$/m);
  });

  it("says once what is wrong in several environments", async () => {
    const cwd = rcOf("lab: { rooms: 0 }\nprofiles: { staging: {} }\n");
    const { out } = await validate(cwd, "--all-profiles");
    expect(out.trim().split("\n")).toEqual([expect.stringContaining("[development, staging]")]);
  });

  it("refuses unknown variables and ids without an operation under --strict", async () => {
    const cwd = rcOf(
      `app: ${fixture("app.ts")}\noperations:\n  Reports.laod: { retry: 1 }\n  Reports.load: { retry: 1 }\n`,
    );
    const env = { MLMCP_LAB_ROMS: "3" };
    expect((await mlmcp(["config", "validate"], { cwd, env })).code).toBe(0);
    const variable = await mlmcp(["config", "validate", "--strict"], { cwd, env });
    expect(variable.code).toBe(1);
    expect(variable.out).toContain("MLMCP_LAB_ROMS");
    const { code, out } = await validate(cwd, "--strict");
    expect(code).toBe(1);
    expect(out).toMatch(/:4:3: operations\."Reports\.laod": .*Did you mean "Reports\.load"\?/);
    expect(out.trim().split("\n")).toHaveLength(1);
  });

  it("warns of what would be refused under --strict, each with its place and the nearest name", async () => {
    const cwd = rcOf(
      `app: ${fixture("app.ts")}\nsystem: { environment: prodution }\noperations: { Reports.laod: { retry: 1 } }\n`,
    );
    const file = join(cwd, ".mlmcprc.yaml");
    const env = { MLMCP_LAB_ROMS: "3" };
    const { code, out } = await mlmcp(["config", "validate", "--json"], { cwd, env });
    const environments = ["prodution"];
    expect([code, JSON.parse(out)]).toEqual([
      0,
      {
        valid: true,
        environments,
        issues: [],
        warnings: [
          {
            path: "system.environment",
            message: "has no profile and looks mistyped (an empty profile says that it is meant)",
            received: "prodution",
            source: { kind: "file", name: file, line: 3, column: 11 },
            suggestion: "production",
            environments,
          },
          {
            path: "",
            message: "no loaded plugin knows this variable",
            source: { kind: "env", name: "MLMCP_LAB_ROMS" },
            suggestion: "MLMCP_LAB_ROOMS",
            environments,
          },
          {
            path: 'operations."Reports.laod"',
            message: expect.stringContaining("no operation known at the start has this id"),
            source: { kind: "file", name: file, line: 4, column: 15 },
            suggestion: "Reports.load",
            environments,
          },
        ],
      },
    ]);
    const text = await mlmcp(["config", "validate"], { cwd, env });
    expect(text.out.trim().split("\n")).toEqual([
      expect.stringMatching(
        /:3:11: warning: system\.environment: has no profile .*Did you mean "production"\?$/,
      ),
      'MLMCP_LAB_ROMS: warning: no loaded plugin knows this variable. Did you mean "MLMCP_LAB_ROOMS"?',
      expect.stringMatching(/:4:15: warning: operations\."Reports\.laod": .*Did you mean "Reports\.load"\?$/),
      "The configuration is valid (prodution).",
    ]);
  });

  it.each(["", "--json", "--all-profiles"])(
    "warns by itself alone, and keeps no warning from a kernel that starts later: %j",
    async (option) => {
      const args = option === "" ? [] : [option];
      const cwd = rcOf("system: { environment: developmnt }\nprofiles: { staging: {} }\n");
      // A process warning is given once, so the tests need several.
      const env = { [`MLMCP_QQQQ${option.length}`]: "1" };
      let out = "";
      const during = await warningsDuring(async () => {
        ({ out } = await mlmcp(["config", "validate", ...args], { cwd, env }));
      });
      expect(during).toEqual([]);
      for (const doubt of ["looks mistyped", "no loaded plugin knows"])
        expect(out.split(doubt)).toHaveLength(2);
      const later = await warningsDuring(async () => (await createTestKernel({ env })).stop());
      expect(later.map(({ code }) => code)).toEqual(["MLMCP_UNKNOWN_VARIABLE"]);
    },
  );

  it("names the option that gave an environment, and no variable that nobody set", async () => {
    const cwd = rcOf("profiles: { PRODUCTION: {} }\n");
    const json = async (...args: string[]) =>
      JSON.parse((await validate(cwd, "--json", ...args)).out) as object;
    expect(await json("--profile", "prodution")).toMatchObject({
      warnings: [{ path: "system.environment", source: { name: "--profile" }, suggestion: "production" }],
    });
    expect(await json("--profile", "Production")).toMatchObject({
      issues: [{ path: "system.environment", source: { name: "--profile" }, suggestion: "production" }],
    });
    expect(await json("--all-profiles")).toMatchObject({
      issues: [{ path: "system.environment", source: { name: "--all-profiles" }, suggestion: "production" }],
    });
    const { code, err } = await mlmcp(["config", "diff", "--with", "Production"], { cwd });
    expect([code, err]).toEqual([1, expect.stringContaining('received "Production" (--with).')]);
  });

  it("reports a plugin that is missing, and a file that is broken, as issues too", async () => {
    const missing = project({ ".git/": "", ".mlmcprc.yaml": "plugins: ['./none.js']\n" });
    expect(await validate(missing)).toMatchObject({ code: 1, out: expect.stringContaining("./none.js") });
    const broken = project({ ".git/": "", ".mlmcprc.yaml": "lab: [\n" });
    const { code, out, err } = await validate(broken, "--all-profiles");
    expect([code, err]).toEqual([1, "error: the configuration is wrong in 1 place\n"]);
    expect(out).toMatch(/\.mlmcprc\.yaml:\d+:\d+: YAML syntax/);
  });

  it("reports all plugins that are missing, each where it stands, with what was meant", async () => {
    const cwd = project({
      ".git/": "",
      ".mlmcprc.yaml": 'plugins:\n  - "@mlmcp/plugin-cahce"\n  - ./none.js\n  - "@acme/plugin-graph"\n',
      "node_modules/@mlmcp/plugin-cache/package.json": "{}",
    });
    const file = join(cwd, ".mlmcprc.yaml");
    const { code, out, err } = await validate(cwd);
    expect([code, err]).toEqual([1, "error: the configuration is wrong in 3 places\n"]);
    expect(out.split("\n")).toEqual([
      `${file}:2:5: plugins.@mlmcp/plugin-cahce: cannot be loaded. Install it (\`npm install @mlmcp/plugin-cahce\`) or correct the name. Did you mean "@mlmcp/plugin-cache"?`,
      `${file}:3:5: plugins."./none.js": cannot be loaded. There is no such file; paths start at ${cwd}`,
      `${file}:4:5: plugins.@acme/plugin-graph: cannot be loaded. Install it (\`npm install @acme/plugin-graph\`) or correct the name`,
      "",
    ]);
    const shown = await mlmcp(["config", "show"], { cwd });
    expect(shown.err).toContain("3 plugins cannot be loaded:\n");
    expect(shown.err).toContain("(.mlmcprc.yaml:4)");
  });

  it("tells 50 errors and counts all", async () => {
    const cwd = rcOf(Array.from({ length: 80 }, (_, index) => `zz${index}: 1\n`).join(""));
    const { out, err } = await validate(cwd, "--all-profiles");
    expect(out.trim().split("\n").slice(-2)).toEqual([expect.stringContaining(": zz49: "), "and 30 more"]);
    expect(err).toBe("error: the configuration is wrong in 80 places\n");
  });

  it("says once what was meant by a variable that nobody knows", async () => {
    const cwd = rcOf("system: { strict: true }\n");
    const env = { MLMCP_LAB_ROMS: "3" };
    const found = 'no loaded plugin knows this variable. Did you mean "MLMCP_LAB_ROOMS"?';
    expect((await mlmcp(["config", "validate"], { cwd, env })).out).toBe(`MLMCP_LAB_ROMS: ${found}\n`);
    expect((await mlmcp(["config", "show"], { cwd, env })).err.split("\n")).toEqual([
      `error: The configuration is wrong: ${found.replace(".", " (MLMCP_LAB_ROMS).")}`,
      "",
    ]);
  });

  it("shows no secret in what is wrong", async () => {
    const { out } = await validate(rcOf("lab: { door: { code: [hunter2hunter2] } }\n"));
    expect(out).toContain("lab.door.code");
    expect(out).not.toContain("hunter2");
  });

  it("takes either one environment or all", async () => {
    expect(await validate(rcOf(""), "--profile", "a", "--all-profiles")).toMatchObject({
      code: 2,
      out: "",
      err: expect.stringContaining("exclude each other"),
    });
  });
});

describe("mlmcp config schema", () => {
  it("prints the schema of what is loaded, also while the configuration is wrong", async () => {
    const { code, out, err } = await mlmcp(["config", "schema"], { cwd: rcOf("lab: { rooms: 0 }\n") });
    expect([code, err]).toEqual([0, ""]);
    const accepts = new Ajv({ strictTypes: false, allowUnionTypes: true }).compile(JSON.parse(out) as object);
    expect(accepts({ lab: { wait: "5m" }, operations: { "A.b": { retry: 3 } } })).toBe(true);
    expect(accepts({ lab: { wiat: "5m" } })).toBe(false);
  });

  it("writes it into a file", async () => {
    const cwd = rcOf("");
    const file = join(cwd, "schema.json");
    expect(await mlmcp(["config", "schema", "--output", "schema.json"], { cwd })).toEqual({
      code: 0,
      out: `${file} is written.\n`,
      err: "",
    });
    expect(readFileSync(file, "utf8")).toBe((await mlmcp(["config", "schema"], { cwd })).out);
    const json = await mlmcp(["config", "schema", "--output", "schema.json", "--json"], { cwd });
    expect(JSON.parse(json.out)).toEqual({ file });
  });

  it("makes the folder that it is to be written into", async () => {
    const cwd = rcOf("");
    expect(await mlmcp(["config", "schema", "--output", "no/such/place.json"], { cwd })).toMatchObject({
      code: 0,
      err: "",
    });
    expect(existsSync(join(cwd, "no/such/place.json"))).toBe(true);
  });

  it("says why it cannot be written, naming the place that was given and nothing else", async () => {
    const cwd = rcOf("");
    const { code, err } = await mlmcp(["config", "schema", "--output", ".mlmcprc.yaml/x.json"], { cwd });
    expect([code, err]).toEqual([
      1,
      expect.stringMatching(
        /^error: \S+\.mlmcprc\.yaml\/x\.json cannot be written: .*\nName another one with --output\.\n$/,
      ),
    ]);
    if (process.platform === "linux")
      expect(await mlmcp(["config", "schema", "--output", "/proc/mlmcp/x.json"], { cwd })).toMatchObject({
        code: 1,
        err: expect.stringContaining("/proc takes no folders"),
      });
    const onto = await mlmcp(["config", "schema", "--output", "."], { cwd });
    expect([onto.code, onto.err]).toEqual([1, expect.stringContaining(`${cwd} cannot be written: EISDIR`)]);
    expect(onto.err).not.toContain(".tmp");
    expect((await mlmcp(["config", "schema", "--output"])).code).toBe(2);
  });
});

describe("mlmcp config summary", () => {
  const cwd = () =>
    project({
      ".git/": "",
      "base.yaml": "lab: { rooms: 7, title: base }\n",
      ".mlmcprc.yaml": `extends: ./base.yaml
plugins: { "${fixture("lab-plugin.ts")}": true, "@acme/gone": false }
lab: { title: mine, wait: 1m, door: { code: hunter2hunter2 } }
operations: { "Reports.*": { retry: 2 } }
profiles: { staging: { lab: { rooms: 9 } } }
`,
    });
  const env = { MLMCP_SYSTEM_ENVIRONMENT: "staging", MLMCP_LAB_TITEL: "1" };

  it("prints the file, the environment, the sources, and what they change", async () => {
    const directory = cwd();
    const { code, out } = await mlmcp(["config", "summary"], { cwd: directory, env });
    expect(code).toBe(0);
    const lines = out.split("\n").map((line) => line.trim().replaceAll(/\s+/g, " "));
    expect(lines).toEqual(
      expect.arrayContaining([
        `file ${join(directory, ".mlmcprc.yaml")}`,
        "environment staging (MLMCP_SYSTEM_ENVIRONMENT)",
        "sources base.yaml: 2 set, 0 in effect",
        ".mlmcprc.yaml profiles.staging: 1 set, 1 in effect",
        "MLMCP_* variables: 1 set, 1 in effect",
        "off: @acme/gone",
        "lab.rooms = 9 # .mlmcprc.yaml:5",
        "lab.wait = 1m (60000) # .mlmcprc.yaml:3",
        "lab.door.code = [secret] # .mlmcprc.yaml:3",
        "operations Reports.*: retry 2",
      ]),
    );
    expect(out).toMatch(/MLMCP_LAB_TITEL: no loaded plugin knows this variable/);
    expect(out).not.toContain("hunter2");
  });

  it("gives the same as JSON", async () => {
    const directory = cwd();
    const { out } = await mlmcp(["config", "summary", "--json"], { cwd: directory });
    expect(JSON.parse(out)).toMatchObject({
      file: join(directory, ".mlmcprc.yaml"),
      environment: "development",
      environmentFrom: "default",
      sources: [{ kind: "file", settings: 2, inEffect: 1 }, { kind: "file" }],
      plugins: { on: expect.arrayContaining(["lab"]), off: ["@acme/gone"] },
      settings: [
        { path: "lab.rooms", value: 7 },
        { path: "lab.title" },
        { path: "lab.wait", value: 60_000 },
        { path: "lab.door.code", value: "[secret]" },
      ],
      operations: [{ id: "Reports.*", advice: { retry: 2 } }],
    });
  });

  it("says so where everything is a default", async () => {
    const { code, out } = await mlmcp(["config", "summary"]);
    expect(code).toBe(0);
    expect(out).toMatch(/^file +none$/m);
    expect(out).toContain("none: everything is a default");
    expect((await mlmcp(["config", "summary", "stray"])).code).toBe(2);
  });
});

describe("mlmcp config diff", () => {
  const files = {
    ".git/": "",
    ".mlmcprc.yaml": `${plugins}lab: { rooms: 4, door: { code: hunter2hunter2 } }\nprofiles:\n  production: { lab: { rooms: 9, door: { code: swordfish42 } } }\n  staging: {}\n`,
    "other.yaml": `${plugins}lab: { rooms: 5, note: new, door: { code: hunter2hunter2 } }\n`,
  };
  const diff = (...args: string[]) => mlmcp(["config", "diff", ...args], { cwd: project(files) });

  it("prints what differs between two environments, and exits with 1", async () => {
    const { code, out, err } = await diff("--with", "production");
    expect([code, err]).toEqual([1, ""]);
    expect(out).toMatch(/^# left: .*environment development\n# right: .*environment production\n/);
    expect(out).toMatch(/^lab\.rooms +4 +9$/m);
    expect(out).toMatch(/^lab\.door\.code +\[secret\] +\[secret\]$/m);
    expect(out).not.toMatch(/hunter|swordfish/);
    expect((await diff("--profile", "production", "--with", "staging")).out).toMatch(/^lab\.rooms +9 +4$/m);
  });

  it("exits with 0 where nothing differs", async () => {
    expect(await diff("--with", "staging")).toEqual({ code: 0, out: "Nothing differs.\n", err: "" });
    expect(JSON.parse((await diff("--with", "staging", "--json")).out)).toMatchObject({ differences: [] });
  });

  it("compares with another file, and gives JSON", async () => {
    const { code, out } = await diff("--against", "other.yaml", "--json");
    expect(code).toBe(1);
    expect(JSON.parse(out)).toMatchObject({
      left: { environment: "development" },
      right: { file: expect.stringMatching(/other\.yaml$/), environment: "development" },
      differences: [
        { path: "lab.rooms", left: 4, right: 5 },
        { path: "lab.note", right: "new" },
      ],
    });
  });

  it("needs one thing to compare with", async () => {
    expect((await diff()).code).toBe(2);
    expect((await diff("--with", "a", "--against", "b")).code).toBe(2);
    expect(await diff("--against", "none.yaml")).toMatchObject({
      code: 1,
      err: expect.stringContaining("this file does not exist"),
    });
  });
});

describe("every `mlmcp config` command", () => {
  it("has help with what it takes", async () => {
    const commands = ["show", "get", "set", "unset", "validate", "explain", "schema", "summary", "diff"];
    const group = await mlmcp(["config", "--help"]);
    for (const name of commands) {
      expect(group.out).toMatch(new RegExp(`^ {2}${name} `, "m"));
      const { code, out } = await mlmcp(["config", name, "--help"]);
      expect(code).toBe(0);
      expect(out).toContain(`Usage: mlmcp config ${name}`);
      expect(out).toContain("--json");
    }
  });

  it("says where the configuration is wrong, without a stack", async () => {
    const cwd = rcOf("lab: { rooms: 0 }\n");
    for (const args of [
      ["show"],
      ["get", "lab.rooms"],
      ["explain", "lab.rooms"],
      ["summary"],
      ["diff", "--with", "x"],
    ]) {
      const { code, out, err } = await mlmcp(["config", ...args], { cwd });
      expect([code, out]).toEqual([1, ""]);
      expect(err).toContain(`lab.rooms: must be at least 1, received 0 (${join(cwd, ".mlmcprc.yaml")}:2:8)`);
      expect(err).not.toMatch(/^\s+at /m);
    }
  });
});
