import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { toYaml } from "../../src/cli/commands/config-yaml.js";
import { load, project } from "../config/project.js";
import { fixture, mlmcp } from "./command-line.js";

const rc = `plugins: ["${fixture("lab-plugin.ts")}"]
lab:
  wait: 10s
  title: "a $\${b} c"
  door: { code: hunter2hunter2 }
operations: { "Reports.*": { retry: 2 } }
`;
const lab = () => project({ ".git/": "", ".mlmcprc.yaml": rc });

describe("mlmcp config show", () => {
  it("never prints a secret", async () => {
    const cwd = lab();
    for (const options of [[], ["--json"], ["--changed"], ["lab"]]) {
      const { code, out } = await mlmcp(["config", "show", ...options], { cwd });
      expect(code).toBe(0);
      expect(out).toContain("[secret]");
      expect(out).not.toContain("hunter2");
    }
  });

  it("leaves secrets that stand in the file out of the YAML, and names them", async () => {
    const { code, out } = await mlmcp(["config", "show", "--yaml"], { cwd: lab() });
    expect(code).toBe(0);
    expect(out).toMatch(/^# left out, since it is a secret: lab\.door\.code$/m);
    expect(out).not.toMatch(/hunter2|\[secret\]/);
    expect(parse(out)).toMatchObject({ lab: { door: { open: false } } });
  });

  it("prints in the YAML the references that secrets came from, and loads to the same", async () => {
    const text = `plugins: ["${fixture("lab-plugin.ts")}"]
lab:
  title: "redis://app:\${LAB_PASSWORD}@host/\${LAB_DB:-}"
  tags: ["a $\${b}", "secret://env/LAB_PASSWORD"]
  door: { code: "\${LAB_PASSWORD}" }
profiles: { development: { lab: { note: "redis://app:\${LAB_PASSWORD:-dev-secret}@host" } } }
`;
    const env = { LAB_PASSWORD: "hunter2hunter2" };
    const cwd = project({ ".git/": "", ".mlmcprc.yaml": text });
    const { code, out } = await mlmcp(["config", "show", "--yaml"], { cwd, env });
    expect(code).toBe(0);
    expect(out).not.toMatch(/hunter2|dev-secret/);
    expect(parse(out)).toMatchObject({
      lab: {
        title: "redis://app:${LAB_PASSWORD}@host/${LAB_DB:-}",
        tags: ["a $${b}", "secret://env/LAB_PASSWORD"],
        door: { code: "${LAB_PASSWORD}" },
      },
    });
    expect(out.match(/^# left out.*/gm)).toEqual(["# left out, since it is a secret: lab.note"]);
    const again = project({ ".git/": "", ".mlmcprc.yaml": out });
    for (const path of ["lab.title", "lab.tags", "lab.door"]) {
      const get = ["config", "get", path, "--reveal"];
      expect(await mlmcp(get, { cwd: again, env })).toEqual(await mlmcp(get, { cwd, env }));
    }
  });

  it.each([
    ["a variable", "lab: {}\n", { MLMCP_LAB_DOOR__CODE: "hunter2" }, undefined],
    [
      "a reference in a variable",
      "lab: {}\n",
      { MLMCP_LAB_DOOR__CODE: "secret://env/LAB" },
      "secret://env/LAB",
    ],
    ["a text with a reference in it", 'lab: { door: { code: "x${LAB}" } }\n', {}, undefined],
    ["a profile", 'profiles: { development: { lab: { door: { code: "${LAB}" } } } }\n', {}, "${LAB}"],
    [
      "a file below a variable",
      'lab: { door: { code: "${LAB}" } }\n',
      { MLMCP_LAB_DOOR__CODE: "x" },
      undefined,
    ],
  ])("has the reference of a secret from %s, or none", async (_, text, env, code) => {
    const cwd = project({
      ".git/": "",
      ".mlmcprc.yaml": `plugins: ["${fixture("lab-plugin.ts")}"]\n${text}`,
    });
    const { out } = await mlmcp(["config", "show", "lab", "--yaml"], {
      cwd,
      env: { LAB: "hunter2", ...env },
    });
    expect((parse(out) as { lab: { door: { code?: string } } }).lab.door.code).toBe(code);
    expect(out).not.toContain("hunter2");
  });

  it("prints only what differs from the defaults with --changed", async () => {
    const { code, out } = await mlmcp(["config", "show", "--changed"], {
      cwd: lab(),
      env: { MLMCP_LAB_ROOMS: "3", MLMCP_SYSTEM_DEBUG: "true" },
    });
    expect(code).toBe(0);
    expect(
      out
        .split("\n")
        .slice(1, -1)
        .map((line) => line.split(" = ")[0]),
    ).toEqual([
      "system.debug",
      "lab.wait",
      "lab.title",
      "lab.door.code",
      `plugins."${fixture("lab-plugin.ts")}"`,
      'operations."Reports.*".retry',
    ]);
  });

  it("prints nothing but a heading where nothing differs", async () => {
    const { out } = await mlmcp(["config", "show", "--changed"]);
    expect(out).toBe("# no configuration file, environment development\n");
  });

  it("leaves the sources out with --no-sources", async () => {
    const cwd = lab();
    const shown = await mlmcp(["config", "show", "lab", "--no-sources"], { cwd });
    expect(shown.out.split("\n").slice(1)).toContain("lab.wait = 10s (10000)");
    const json = await mlmcp(["config", "show", "lab", "--no-sources", "--json"], { cwd });
    expect(Object.keys(JSON.parse(json.out) as object)).toEqual(["file", "environment", "values"]);
  });

  it("prints YAML that tells where each value came from, and is a configuration file", async () => {
    const { code, out } = await mlmcp(["config", "show", "--yaml"], { cwd: lab() });
    expect(code).toBe(0);
    expect(out).toMatch(/^# .*\.mlmcprc\.yaml, environment development$/m);
    expect(out).toMatch(/^ {2}wait: 10000 # \.mlmcprc\.yaml:3$/m);
    expect(parse(out)).toMatchObject({ lab: { wait: 10_000, title: "a $${b} c" } });
    const again = project({ ".git/": "", ".mlmcprc.yaml": out });
    const loaded = await mlmcp(["config", "show", "--json"], { cwd: again });
    const first = await mlmcp(["config", "show", "--json"], { cwd: lab() });
    const { values } = JSON.parse(first.out) as { values: { lab: { door: { code?: string } } } };
    delete values.lab.door.code;
    expect((JSON.parse(loaded.out) as { values: object }).values).toEqual(values);
  });

  it("refuses an option that it does not have", async () => {
    expect(await mlmcp(["config", "show", "--ymal"])).toMatchObject({
      code: 2,
      err: expect.stringContaining("unknown option '--ymal'"),
    });
  });
});

describe("a configuration as YAML", () => {
  it("names what only code can give, and leaves it out", () => {
    const values = { lab: { filter: () => true, list: [1, 2], empty: {}, when: new Date(0) } };
    const text = toYaml(values, { heading: "the lab", comments: [{ path: ["lab", "list"], text: "here" }] });
    expect(text).toContain("# left out, since only code can give it: lab.filter");
    expect(text).toContain("lab.when");
    expect(text).toContain("list: [1, 2] # here");
    expect(parse(text)).toEqual({ lab: { list: [1, 2], empty: {} } });
  });

  it("loads to the values that it was made of", async () => {
    const text = fc.oneof(
      fc.string({ unit: "grapheme" }),
      fc.constantFrom(
        "${HOME}",
        "$${X}",
        "yes",
        "null",
        "0x10",
        "1e3",
        " a: b # c",
        "a\n\tb\r\n",
        "- x",
        "5m",
        "'",
      ),
    );
    const configuration = fc.record(
      {
        cache: fc.record(
          {
            ttl: fc.oneof(fc.nat(), fc.constantFrom("5m", "1.5 s")),
            store: text,
            maxEntries: fc.integer({ min: 1 }),
            adaptive: fc.boolean(),
            tags: fc.array(text),
            remote: fc.record({ url: text, poolSize: fc.integer() }, { requiredKeys: [] }),
          },
          { requiredKeys: [] },
        ),
        plugins: fc.dictionary(fc.constantFrom("a-plugin", "@acme/b"), fc.boolean()),
        operations: fc.dictionary(
          fc.constantFrom("A.b", "A.*", '"odd"', "x: y"),
          fc.record({ cached: fc.record({ namespace: text }), timed: fc.boolean() }, { requiredKeys: [] }),
        ),
      },
      { requiredKeys: [] },
    );
    const property = fc.asyncProperty(configuration, async (config) => {
      const effective = (await load({ config })).get<Record<string, unknown>>("");
      const yaml = toYaml(effective, {
        heading: "as it is",
        comments: [{ path: ["cache", "store"], text: "x" }],
      });
      const cwd = project({ ".git/": "", ".mlmcprc.yaml": yaml });
      expect((await load({ cwd })).get("")).toEqual(effective);
    });
    await fc.assert(property, { numRuns: 200 });
  });
});
