import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { describeSource, readSources } from "@mlmcp/core";
import { failure, load, project } from "../project.js";

const base = "cache: { store: base, maxEntries: 1 }";

describe("a file that extends another", () => {
  it.each([
    [".mlmcprc.yaml", "extends: ./base.yaml\ncache: { store: own }"],
    [".mlmcprc.json", '{ "extends": "./base.yaml", "cache": { "store": "own" } }'],
    [".mlmcprc.mjs", 'export default { extends: ["./base.yaml"], cache: { store: "own" } };'],
    ["package.json", '{ "mlmcp": { "extends": "./base.yaml", "cache": { "store": "own" } } }'],
  ])("wins over it, as %s", async (name, text) => {
    const cwd = project({ [name]: text, "base.yaml": base });
    const config = await load({ cwd });
    expect(config.section("cache")).toMatchObject({ store: "own", maxEntries: 1 });
    expect(describeSource(config.explain("cache.maxEntries").source)).toBe("base.yaml:1");
    expect(config.files).toEqual([join(cwd, name), join(cwd, "base.yaml")]);
    expect(config.file).toBe(join(cwd, name));
  });

  it.each([
    ["base.json", '{ "cache": { "ttl": "5m" } }'],
    ["base.mjs", 'export default { cache: { ttl: "5m" } };'],
    ["package.json", '{ "mlmcp": { "cache": { "ttl": "5m" } } }'],
  ])("may extend %s", async (name, text) => {
    const cwd = project({ ".mlmcprc.yaml": `extends: ./${name}`, [name]: text });
    expect((await load({ cwd })).get("cache.ttl")).toBe(300_000);
  });

  it("may extend several, of which the later wins, and these others", async () => {
    const cwd = project({
      ".mlmcprc.yaml": "extends: [./a.yaml, ./b/b.yaml]\n",
      "a.yaml": "cache: { store: a, maxEntries: 1, tags: [a] }",
      "b/b.yaml": "extends: ../shared/c.yaml\ncache: { store: b }",
      "shared/c.yaml": "cache: { store: c, maxEntries: 3 }",
    });
    const config = await load({ cwd });
    expect(config.section("cache")).toMatchObject({ store: "b", maxEntries: 3, tags: ["a"] });
    expect(config.files).toEqual(
      [".mlmcprc.yaml", "a.yaml", "b/b.yaml", "shared/c.yaml"].map((name) => join(cwd, name)),
    );
  });

  it("reads what is reached twice once, where it is reached first", async () => {
    const cwd = project({
      ".mlmcprc.yaml": "extends: [./a.yaml, ./b.yaml]",
      "a.yaml": "extends: ./base.yaml\ncache: { store: a }",
      "b.yaml": "extends: ./base.yaml\ncache: { maxEntries: 2 }",
      "base.yaml": base,
    });
    const config = await load({ cwd });
    expect(config.section("cache")).toMatchObject({ store: "a", maxEntries: 2 });
    expect(config.explain("cache.store").overrode).toHaveLength(1);
    expect(config.files).toHaveLength(4);
  });

  it("ranks every profile above every file", async () => {
    const cwd = project({
      ".mlmcprc.yaml":
        "extends: ./base.yaml\nsystem: { environment: p }\ncache: { store: own }\nprofiles: { p: { cache: { maxEntries: 4 } } }",
      "base.yaml":
        "cache: { store: base }\nprofiles: { p: { cache: { store: base profile, maxEntries: 3 } } }",
    });
    expect((await load({ cwd })).section("cache")).toMatchObject({ store: "base profile", maxEntries: 4 });
  });

  it("may take its name from a variable", async () => {
    const cwd = project({
      ".mlmcprc.yaml": "extends: ./${TEAM:-base}.yaml",
      "base.yaml": base,
      "a.yaml": "cache: { store: a }",
    });
    expect((await load({ cwd })).get("cache.store")).toBe("base");
    expect((await load({ cwd, env: { TEAM: "a" } })).get("cache.store")).toBe("a");
  });

  it("may say where its schema is", async () => {
    const cwd = project({
      ".mlmcprc.json": '{ "$schema": "./node_modules/x/schema.json", "extends": "./base.json" }',
      "base.json": '{ "$schema": "./x", "cache": { "store": "base" } }',
    });
    expect((await load({ cwd })).get("cache.store")).toBe("base");
    expect((await load({ config: { $schema: "x" } })).get("cache.store")).toBe("memory");
  });
});

describe("paths in a file that is extended", () => {
  it("start where that file is, for plugins and the application", async () => {
    const cwd = project({
      "app/.mlmcprc.yaml":
        "extends: [../shared/base.yaml, ../shared/more.yaml]\nplugins: { ../shared/plugins/b.js: false }",
      "shared/base.yaml":
        "app: ./app.js\nplugins:\n  - '@acme/audit'\n  - ./plugins/a.js\n  - ../app/own.js\n",
      "shared/more.yaml": "plugins: { ./plugins/b.js: { x: 1 } }",
    });
    const sources = await readSources({ cwd: join(cwd, "app"), env: {} });
    expect(sources.app).toBe(join(cwd, "shared/app.js"));
    expect(sources.plugins.map(({ name, enabled, source }) => [name, enabled, source.line])).toEqual([
      ["@acme/audit", true, 3],
      ["../shared/plugins/a.js", true, 4],
      ["./own.js", true, 5],
      ["../shared/plugins/b.js", false, 2],
    ]);
    const config = await load({ cwd: join(cwd, "app") });
    expect(config.explain('plugins."../shared/plugins/b.js"').overrode).toMatchObject([
      { value: { x: 1 }, source: { name: join(cwd, "shared/more.yaml"), line: 1, column: 12 } },
    ]);
  });
});

describe("a package that is extended", () => {
  const packages = {
    "node_modules/@acme/mlmcp-config/package.json": '{ "name": "@acme/mlmcp-config", "main": "./base.yaml" }',
    "node_modules/@acme/mlmcp-config/base.yaml": "extends: nested/strict.json\ncache: { store: acme }",
    "node_modules/@acme/mlmcp-config/node_modules/nested/package.json": '{ "name": "nested" }',
    "node_modules/@acme/mlmcp-config/node_modules/nested/strict.json": '{ "cache": { "maxEntries": 2 } }',
    "node_modules/exported/package.json":
      '{ "name": "exported", "type": "module", "exports": { ".": "./index.js", "./prod": "./prod.json" } }',
    "node_modules/exported/index.js": 'export default { cache: { store: "exported" } };',
    "node_modules/exported/prod.json": '{ "cache": { "store": "prod" } }',
  };

  it.each([
    ["@acme/mlmcp-config", { store: "acme", maxEntries: 2 }],
    ["@acme/mlmcp-config/base.yaml", { store: "acme", maxEntries: 2 }],
    ["exported", { store: "exported" }],
    ["exported/prod", { store: "prod" }],
  ])("is found as the file would import it: %s", async (name, expected) => {
    const cwd = project({ ...packages, ".mlmcprc.yaml": `extends: "${name}"` });
    expect((await load({ cwd })).section("cache")).toMatchObject(expected);
  });

  it.each([
    ["@acme/missing", "there is no such package. Install it (`npm install @acme/missing`)"],
    ["base.yaml", 'write "./base.yaml" for a file'],
    ["exported/secret", "this package has no configuration"],
    ["node:fs", "this package has no configuration"],
    ["https://example.com/base.yaml", "this package has no configuration"],
  ])("is reported where it is not there: %s", async (name, expected) => {
    const cwd = project({ ...packages, ".mlmcprc.yaml": `cache: {}\nextends: "${name}"` });
    const { message } = await failure({ cwd });
    expect(message).toContain(expected);
    expect(message).toContain(".mlmcprc.yaml:2:1)");
  });
});

describe("an extension that is wrong", () => {
  it("is a circle, which is shown", async () => {
    const cwd = project({
      ".mlmcprc.yaml": "extends: ./a.yaml",
      "a.yaml": "cache: {}\nextends: ['./b.yaml']",
      "b.yaml": "extends: ./a.yaml",
    });
    const { message } = await failure({ cwd });
    const [own, a, b] = [".mlmcprc.yaml", "a.yaml", "b.yaml"].map((name) => join(cwd, name));
    expect(message).toContain(`extends: is a circle: ${own} > ${a} > ${b} > ${a}`);
    expect(message).toContain(`(${b}:1:1)`);
    expect(
      (await failure({ cwd: project({ ".mlmcprc.yaml": "extends: ./.mlmcprc.yaml" }) })).message,
    ).toMatch(/is a circle/);
  });

  it("is a circle of links", async () => {
    const cwd = project({ "conf/rc.yaml": "extends: ./again/rc.yaml" });
    mkdirSync(join(cwd, "conf"), { recursive: true });
    symlinkSync(join(cwd, "conf"), join(cwd, "conf/again"));
    expect((await failure({ cwd, configFile: "conf/rc.yaml" })).message).toMatch(/is a circle/);
  });

  it("does not exist, and who asks for it is named with its place", async () => {
    const cwd = project({
      ".mlmcprc.yaml": "extends: ./a.yaml",
      "a.yaml": "\nextends:\n  - ./missing.yaml\n  - ./other.yaml\n",
    });
    const { message, context } = await failure({ cwd });
    expect(context.issues).toHaveLength(2);
    expect(message).toContain(`there is no file ${join(cwd, "missing.yaml")}. It is extended by `);
    expect(message).toContain(`${join(cwd, ".mlmcprc.yaml")} > ${join(cwd, "a.yaml")}`);
    expect(message).toContain(`(${join(cwd, "a.yaml")}:3:5)`);
    expect(message).toContain(`(${join(cwd, "a.yaml")}:4:5)`);
  });

  it("has a syntax error of its own, a wrong key, or is no configuration", async () => {
    const from = async (text: string) =>
      (await failure({ cwd: project({ ".mlmcprc.yaml": "extends: ./base.yaml", "base.yaml": text }) }))
        .message;
    expect(await from("cache: [")).toMatch(/YAML syntax: .*base\.yaml:1:\d+\)/);
    expect(await from("cache:\n  tll: 1")).toMatch(/cache\.tll: unknown key.*base\.yaml:2:3\)/);
    expect(await from("- a")).toMatch(/expected a map of sections, not a list \(.*base\.yaml\)/);
  });

  it.each([
    ["a number", { extends: 5 }],
    ["an empty name", { extends: [""] }],
    ["a map", { extends: { "./a.yaml": true } }],
  ])("is %s", async (_, value) => {
    const { message } = await failure({ cwd: project({ ".mlmcprc.json": JSON.stringify(value) }) });
    expect(message).toContain("extends: expected the path of a configuration file");
  });

  it("stands in a profile or in code", async () => {
    const inProfile = { profiles: { p: { extends: "./a.yaml" } } };
    expect(
      (await failure({ cwd: project({ ".mlmcprc.json": JSON.stringify(inProfile) }) })).message,
    ).toContain("profiles.p.extends: a profile cannot extend a file");
    expect((await failure({ config: { extends: "./a.yaml" } })).message).toContain(
      "extends: only an rc file can extend others",
    );
  });
});
