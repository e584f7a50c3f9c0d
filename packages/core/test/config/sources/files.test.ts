import { chmodSync, existsSync, mkdirSync, renameSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { failure, load, project, warningsDuring } from "../project.js";

const js = 'export default { cache: { ttl: "5m" } };';
const yaml = "cache:\n  ttl: 5m\n";
const json = '{ "cache": { "ttl": "5m" } }';

describe("the rc file", () => {
  it.each([
    [".mlmcprc", yaml],
    [".mlmcprc", json],
    [".mlmcprc.yaml", yaml],
    [".mlmcprc.yml", yaml],
    [".mlmcprc.json", `{\n\t"cache": {\n\t\t"ttl": "5m"\n\t}\n}`],
    [".mlmcprc.js", js],
    [".mlmcprc.mjs", js],
    [".mlmcprc.ts", 'const ttl: string = "5m";\nexport default { cache: { ttl } };'],
    [
      "mlmcp.config.ts",
      'enum Ttl { Short = "5m" }\nexport default { cache: { ttl: Ttl.Short } } satisfies object;',
    ],
    ["mlmcp.config.js", js],
    ["mlmcp.config.mjs", js],
    ["mlmcp.config.json", json],
    ["mlmcp.config.yaml", yaml],
    ["package.json", '{ "name": "app", "type": "module", "mlmcp": { "cache": { "ttl": "5m" } } }'],
  ])(
    "is read as %s",
    async (name, text) => {
      const cwd = project({ "package.json": '{ "type": "module" }', [name]: text });
      const config = await load({ cwd });
      expect(config.get("cache.ttl")).toBe(300_000);
      expect(config.file).toBe(join(cwd, name));
      expect(config.cwd).toBe(cwd);
    },
    // Reading TypeScript loads the compiler, which takes seconds on a busy machine.
    60_000,
  );

  it("may be missing or empty", async () => {
    const without = await load();
    expect([without.file, without.get("cache.ttl")]).toEqual([undefined, 3_600_000]);
    expect((await load({ cwd: project({ ".mlmcprc.yaml": "# nothing yet\n" }) })).get("cache.ttl")).toBe(
      3_600_000,
    );
  });

  it("is looked for upwards, and relative paths start where it is", async () => {
    const root = project({ ".git/": "", ".mlmcprc.yaml": yaml, "packages/a/src/": "" });
    const config = await load({ cwd: join(root, "packages/a/src") });
    expect([config.get("cache.ttl"), config.cwd]).toEqual([300_000, root]);
  });

  it("is not looked for above the repository", async () => {
    const root = project({ ".mlmcprc.yaml": yaml, "repository/.git/": "", "repository/src/": "" });
    expect((await load({ cwd: join(root, "repository/src") })).file).toBeUndefined();
  });

  it("is not looked for above the home directory", async () => {
    const root = project({ ".mlmcprc.yaml": yaml, "home/app/": "" });
    vi.stubEnv("HOME", join(root, "home"));
    expect((await load({ cwd: join(root, "home/app") })).file).toBeUndefined();
    vi.unstubAllEnvs();
    expect((await load({ cwd: join(root, "home/app") })).file).toBe(join(root, ".mlmcprc.yaml"));
  });

  it("is not taken from a directory above that anybody may write to", async () => {
    const root = project({ ".mlmcprc.yaml": yaml, "shared/.mlmcprc.js": js, "shared/app/": "" });
    chmodSync(join(root, "shared"), 0o777);
    const warnings = await warningsDuring(async () =>
      expect((await load({ cwd: join(root, "shared/app") })).file).toBeUndefined(),
    );
    expect(warnings).toEqual([
      {
        code: "MLMCP_CONFIG_UNTRUSTED",
        message: expect.stringContaining(`${join(root, "shared/.mlmcprc.js")} may be anybody's`),
      },
    ]);
  });

  it("is not a package.json without our key", async () => {
    const root = project({
      ".git/": "",
      ".mlmcprc.yaml": yaml,
      "a/package.json": '{ "name": "a" }',
      "b/package.json": "{ broken",
    });
    expect((await load({ cwd: join(root, "a") })).file).toBe(join(root, ".mlmcprc.yaml"));
    expect((await load({ cwd: join(root, "b") })).file).toBe(join(root, ".mlmcprc.yaml"));
  });

  it("is the first of several, and the others are named in a warning", async () => {
    const cwd = project({ "mlmcp.config.json": "{}", ".mlmcprc.yaml": yaml });
    const warnings = await warningsDuring(async () =>
      expect((await load({ cwd })).file).toBe(join(cwd, ".mlmcprc.yaml")),
    );
    expect(warnings).toEqual([
      {
        code: "MLMCP_CONFIG_IGNORED",
        message: expect.stringContaining("mlmcp.config.json in the same directory is not read"),
      },
    ]);
  });

  it("can be named, or left out", async () => {
    const cwd = project({ ".mlmcprc.yaml": yaml, "conf/other.yaml": "cache: { ttl: 7s }" });
    const named = await load({ cwd, configFile: "conf/other.yaml" });
    expect([named.get("cache.ttl"), named.cwd]).toEqual([7_000, join(cwd, "conf")]);
    expect((await load({ cwd, configFile: false })).get("cache.ttl")).toBe(3_600_000);
  });

  it("is read anew by each load, a module too", async () => {
    const cwd = project({ ".mlmcprc.mjs": js });
    expect((await load({ cwd })).get("cache.ttl")).toBe(300_000);
    const file = join(cwd, ".mlmcprc.mjs");
    writeFileSync(file, js.replace("5m", "7m"));
    utimesSync(file, new Date(), new Date(Date.now() + 5_000));
    expect((await load({ cwd })).get("cache.ttl")).toBe(420_000);
  });

  it.each([".mlmcprc.mjs", "mlmcp.config.ts"])(
    "is read anew where it was replaced by one that is as old: %s",
    async (name) => {
      const cwd = project({ "package.json": '{ "type": "module" }', [name]: js });
      const file = join(cwd, name);
      const time = new Date(1_700_000_000_000);
      utimesSync(file, time, time);
      expect((await load({ cwd })).get("cache.ttl")).toBe(300_000);
      writeFileSync(`${file}.new`, js.replace("5m", "7m"));
      utimesSync(`${file}.new`, time, time);
      renameSync(`${file}.new`, file);
      expect((await load({ cwd })).get("cache.ttl")).toBe(420_000);
    },
    60_000,
  );

  it("is read anew where only its time has changed: it may read others", async () => {
    const cwd = project({
      ".mlmcprc.mjs":
        'import { readFileSync } from "node:fs";\nconst ttl = readFileSync(new URL("ttl.txt", import.meta.url), "utf8");\nexport default { cache: { ttl } };',
      "ttl.txt": "5m",
    });
    expect((await load({ cwd })).get("cache.ttl")).toBe(300_000);
    writeFileSync(join(cwd, "ttl.txt"), "7m");
    utimesSync(join(cwd, ".mlmcprc.mjs"), new Date(), new Date(Date.now() + 5_000));
    expect((await load({ cwd })).get("cache.ttl")).toBe(420_000);
  });

  it("never lets a neighbour run", async () => {
    const canary = (name: string) =>
      `import { writeFileSync } from "node:fs"; writeFileSync(new URL("./${name}.ran", import.meta.url), "");\nexport default { cache: { ttl: 1 } };`;
    const cwd = project({
      "package.json": '{ "type": "module" }',
      ".mlmcprc.yaml": yaml,
      ".config/config.js": canary("js"),
      ".config/config.mjs": canary("mjs"),
      ".config/config.json": '{ "searchPlaces": ["evil.js"] }',
      ".config/mlmcprc.js": canary("rc"),
      "evil.js": canary("evil"),
      "mlmcp.config.js": canary("second"),
      "node_modules/cosmiconfig/index.js": canary("module"),
    });
    vi.spyOn(process, "cwd").mockReturnValue(cwd);
    const [config] = [await load({ cwd })];
    vi.restoreAllMocks();
    expect(config.get("cache.ttl")).toBe(300_000);
    for (const ran of [
      ".config/js",
      ".config/mjs",
      ".config/rc",
      "evil",
      "second",
      "node_modules/cosmiconfig/module",
    ]) {
      expect(existsSync(join(cwd, `${ran}.ran`)), ran).toBe(false);
    }
  });

  it("resolves anchors and merge keys, and knows where their values stand", async () => {
    const text = "x: &slow { ttl: 5m }\n".replace("x:", "memory:").replace("ttl: 5m", "maxMemoryMb: 5");
    const cwd = project({
      ".mlmcprc.yaml": `${text}cache: &c\n  ttl: 5m\nprofiles:\n  production:\n    cache:\n      <<: *c\n      store: x\n`,
    });
    const config = await load({ cwd, env: { MLMCP_SYSTEM_ENVIRONMENT: "production" } });
    expect(config.section("cache")).toMatchObject({ ttl: 300_000, store: "x" });
    expect(config.explain("cache.store").source).toMatchObject({ kind: "profile", line: 8, column: 7 });
  });
});

describe("an rc file that is wrong", () => {
  it.each([
    [".mlmcprc.yaml", "cache:\n  ttl: [5m\nmemory: {}\n", /YAML syntax: .*\.mlmcprc\.yaml:\d+:\d+\)/s],
    [".mlmcprc.yaml", "cache:\n  ttl: 1\n  ttl: 2\n", /keys must be unique.*\.mlmcprc\.yaml:3:3\)/],
    [".mlmcprc.yaml", "cache:\n  ttl: !!js/function 'x'\n", /Unresolved tag.*\.mlmcprc\.yaml:2:8\)/],
    [".mlmcprc.yaml", "cache: *nowhere\n", /Unresolved alias.*\.mlmcprc\.yaml:1:8\)/],
    [".mlmcprc.json", '{\n  "cache": { "ttl": 5m }\n}', /JSON syntax: .*\.mlmcprc\.json:2:21\)/],
    ["package.json", '{ "mlmcp": {} ', /./],
  ])("%s: a syntax error names its place: %j", async (name, text, expected) => {
    const cwd = project({ [name]: text });
    const error = await failure({ cwd, configFile: name });
    expect([error.name, error.code]).toEqual(["ConfigurationError", "MLMCP_CONFIG_SYNTAX"]);
    expect(error.message).toMatch(expected);
    expect(error.message).toContain(cwd);
  });

  it("says that a file does not exist", async () => {
    const cwd = project();
    const error = await failure({ cwd, configFile: "missing.yaml" });
    expect(error.code).toBe("MLMCP_CONFIG_FILE");
    expect(error.message).toContain(`this file does not exist (${join(cwd, "missing.yaml")})`);
    expect((await failure({ cwd, configFile: "missing.js" })).message).toContain("this file does not exist");
  });

  it("says that a directory is no file", async () => {
    const cwd = project();
    mkdirSync(join(cwd, ".mlmcprc"));
    expect((await failure({ cwd })).message).toMatch(/cannot be read: EISDIR/);
  });

  it("runs a module that throws once, and gives its error as the cause", async () => {
    const cwd = project({
      "package.json": '{ "type": "module" }',
      ".mlmcprc.js": "globalThis.mlmcpRuns = (globalThis.mlmcpRuns ?? 0) + 1;\nthrow new RangeError('no');",
    });
    const error = await failure({ cwd });
    expect(error.code).toBe("MLMCP_CONFIG_FILE");
    expect(error.message).toContain("cannot be loaded: no");
    expect(error.cause).toBeInstanceOf(RangeError);
    expect((globalThis as { mlmcpRuns?: number }).mlmcpRuns).toBe(1);
  });

  it("asks for a default export", async () => {
    expect(
      (await failure({ cwd: project({ ".mlmcprc.mjs": "export const cache = {};" }) })).message,
    ).toContain("no default export");
  });

  it("names a mistake of TypeScript's own syntax", async () => {
    const error = await failure({ cwd: project({ ".mlmcprc.ts": "export default { cache: { ttl: }};" }) });
    expect([error.code, error.message]).toEqual([
      "MLMCP_CONFIG_FILE",
      expect.stringContaining(".mlmcprc.ts"),
    ]);
  });

  it.each(["- a\n- b\n", "just text\n"])("must be a map: %j", async (text) => {
    const error = await failure({ cwd: project({ ".mlmcprc.yaml": text }) });
    expect(error.message).toContain("expected a map of sections");
  });

  it.each(["__proto__", "constructor", "prototype"])("may not hold the key %s", async (key) => {
    const cwd = project({ ".mlmcprc.yaml": `cache:\n  remote:\n    ${key}: { admin: true }\n` });
    const error = await failure({ cwd });
    expect(error.message).toContain(`cache.remote.${key}: this key is refused`);
    expect(error.message).toContain(".mlmcprc.yaml:3:5");
    expect(
      (await failure({ config: JSON.parse(`{ "${key}": { "admin": true } }`) as object })).message,
    ).toContain("this key is refused");
    expect(({} as { admin?: boolean }).admin).toBeUndefined();
  });

  it("may not contain itself", async () => {
    expect(
      (await failure({ cwd: project({ ".mlmcprc.yaml": "cache: &a\n  remote: *a\n" }) })).message,
    ).toContain("cache.remote: the value contains itself");
    const config: Record<string, unknown> = {};
    config["cache"] = config;
    expect((await failure({ config })).message).toContain("cache: the value contains itself");
  });
});

describe("a comment in JSON", () => {
  it.each([
    ["on a line of its own", '{\n  // why\n  "cache": { "store": "x" }\n}', "2:3"],
    ["after a value", '{ "cache": { "store": "x" } // why\n}', "1:29"],
    ["in a block", '/* why */ { "cache": {} }', "1:1"],
    ["after a comma", '{ "cache": { "store": "x",/* why */ "ttl": 1 } }', "1:27"],
  ])("is said to be none: %s", async (_, text, place) => {
    const error = await failure({ cwd: project({ ".mlmcprc.json": text }) });
    expect(error.code).toBe("MLMCP_CONFIG_SYNTAX");
    expect(error.message).toMatch(/JSON has no comments\. Remove it, or name the file \.yaml/);
    expect(error.message).toContain(`.mlmcprc.json:${place})`);
  });

  it("is not seen in a text", async () => {
    const store = 'http://host/*/x "// quoted" /* y */';
    const cwd = project({ ".mlmcprc.json": JSON.stringify({ cache: { store } }) });
    expect((await load({ cwd })).get("cache.store")).toBe(store);
  });
});

describe("the letters of a file", () => {
  it("are UTF-8, or the file is refused: written again, others would be lost", async () => {
    const cwd = project({ ".git/": "" });
    writeFileSync(
      join(cwd, ".mlmcprc.yaml"),
      Buffer.from("# gr\u00f6\u00dfe\ncache: { ttl: 1m }\n", "latin1"),
    );
    await expect(load({ cwd })).rejects.toThrow(/\.mlmcprc\.yaml.*not text in UTF-8|not text in UTF-8/);
  });

  it("may begin with a byte order mark, in a package.json too", async () => {
    const cwd = project({ ".git/": "", "package.json": '\ufeff{ "mlmcp": { "cache": { "ttl": "7s" } } }' });
    expect((await load({ cwd })).get("cache.ttl")).toBe(7_000);
  });
});
