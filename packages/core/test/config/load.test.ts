import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { describeSource, readSources, resolveConfig } from "@mlmcp/core";
import { failure, known, load, project, warningsDuring } from "./project.js";

describe("the configuration", () => {
  it("has the core's own defaults", async () => {
    const config = await load();
    expect(config.section("system")).toEqual({
      environment: "development",
      debug: false,
      strict: false,
      chaos: false,
      stopTimeout: 10_000,
      startTimeout: 30_000,
      processes: 1,
      production: { allow: [] },
    });
    expect(config.section("performance")).toEqual({
      enableCaching: true,
      enableParallel: true,
      enableMonitoring: true,
    });
    expect(config.section("errorHandling")).toEqual({ maxRetries: 3, maxSize: 10 * 1024 ** 2, maxFiles: 5 });
  });

  it("gives values by path, a fallback where there is none, and everything for the empty path", async () => {
    const config = await load({ config: { cache: { ttl: "5s" } } });
    expect(config.get("cache.ttl")).toBe(5_000);
    expect(config.get("cache.remote.poolSize")).toBe(4);
    expect(config.get("cache.remote.url", "none")).toBe("none");
    expect(config.get("nowhere.at.all")).toBeUndefined();
    expect(config.get("cache.constructor")).toBeUndefined();
    expect(config.section("nowhere")).toEqual({});
    expect(Object.keys(config.get<object>(""))).toEqual(
      expect.arrayContaining(["system", "performance", "errorHandling", "cache", "memory"]),
    );
  });

  it("explains a default and a value that nobody set", async () => {
    const config = await load();
    expect(config.explain("cache.ttl")).toEqual({
      path: "cache.ttl",
      value: 3_600_000,
      source: { kind: "default", name: "default" },
      secret: false,
      overrode: [],
    });
    expect(config.explain("cache.remote.url").value).toBeUndefined();
  });

  it("does not count what a higher layer has put out of force", async () => {
    const cwd = project({
      ".mlmcprc.yaml":
        "operations: { 'A.b': { cached: { ttl: 1s } } }\nprofiles: { p: { operations: { 'A.b': { cached: false } } } }",
    });
    const config = await load({ cwd, env: { MLMCP_SYSTEM_ENVIRONMENT: "p" } });
    expect(config.explain('operations."A.b".cached')).toMatchObject({
      value: false,
      source: { kind: "profile" },
      overrode: [{ value: { ttl: "1s" } }],
    });
    expect(config.explain('operations."A.b".cached.ttl')).toMatchObject({ value: undefined, overrode: [] });
  });

  it("cannot be changed, and two loads share nothing", async () => {
    const given = { cache: { tags: ["a"], remote: { url: "x" } } };
    const sources = await readSources({ cwd: project(), config: given, env: {} });
    const [first, second] = [await resolveConfig(sources, known), await resolveConfig(sources, known)];
    expect(() => first.get<string[]>("cache.tags").push("b")).toThrow(TypeError);
    expect(() => Object.assign(first.section<object>("cache"), { ttl: 1 })).toThrow(TypeError);
    given.cache.tags.push("changed");
    expect(second.get("cache.tags")).toEqual(["a"]);
    for (const path of ["cache", "cache.tags", "cache.remote", "system"])
      expect(first.get(path)).not.toBe(second.get(path));
    expect(Object.isFrozen(given.cache)).toBe(false);
  });

  it("keeps functions and instances that code gives", async () => {
    const instance = new Map();
    const sources = await readSources({ cwd: project(), config: { ml: { instance, fn: project } }, env: {} });
    const config = await resolveConfig(sources, {
      sections: [{ name: "ml", schema: { type: "object" }, plugin: "app" }],
      advice: [],
    });
    expect([config.get("ml.instance"), config.get("ml.fn")]).toEqual([instance, project]);
  });

  it("gives back any section that its schema takes", async () => {
    const section = fc.record(
      {
        ttl: fc.nat(),
        store: fc.string(),
        maxEntries: fc.integer({ min: 1 }),
        adaptive: fc.boolean(),
        tags: fc.array(fc.string()),
        remote: fc.record({ url: fc.string(), poolSize: fc.integer() }),
      },
      { requiredKeys: ["ttl", "store", "maxEntries", "adaptive", "remote"] },
    );
    const cwd = project();
    await fc.assert(
      fc.asyncProperty(section, async (cache) => {
        expect((await load({ cwd, configFile: false, config: { cache } })).section("cache")).toEqual(cache);
      }),
    );
  });
});

describe("a configuration that is wrong", () => {
  it("gives every problem in one error, with value, source and the nearest valid key", async () => {
    const cwd = project({
      ".mlmcprc.yaml": [
        "cahce: { ttl: 5m }",
        "cache:",
        "  tll: 5",
        "  ttl: soon",
        "memory:",
        "  maxMemoryMb: 0",
        "operations:",
        "  'A.*':",
        "    cachd: false",
        "    retry: many",
        "    cached: { tll: 5 }",
      ].join("\n"),
    });
    const error = await failure({
      cwd,
      config: { system: { stopTimeout: true } },
      env: { MLMCP_CACHE_MAX_ENTRIES: "lots" },
    });
    const file = join(cwd, ".mlmcprc.yaml");
    expect(error.code).toBe("MLMCP_CONFIGURATION");
    expect(error.context.issues).toEqual([
      {
        path: "cahce",
        message: "unknown section",
        received: { ttl: "5m" },
        suggestion: "cache",
        source: { kind: "file", name: file, line: 1, column: 1 },
      },
      {
        path: "system.stopTimeout",
        message: expect.stringContaining("expected a duration"),
        received: true,
        source: { kind: "code", name: "createKernel({ config })" },
      },
      {
        path: "cache.tll",
        message: "unknown key",
        received: 5,
        suggestion: "ttl",
        source: { kind: "file", name: file, line: 3, column: 3 },
      },
      {
        path: "cache.ttl",
        message: expect.stringContaining("expected a duration"),
        received: "soon",
        source: { kind: "file", name: file, line: 4, column: 3 },
      },
      {
        path: "cache.maxEntries",
        message: "expected a whole number",
        received: "lots",
        source: { kind: "env", name: "MLMCP_CACHE_MAX_ENTRIES" },
      },
      {
        path: "memory.maxMemoryMb",
        message: "must be at least 1",
        received: 0,
        source: { kind: "file", name: file, line: 6, column: 3 },
      },
      {
        path: 'operations."A.*".cachd',
        message: 'unknown advice "cachd"',
        suggestion: "cached",
        source: { kind: "file", name: file, line: 9, column: 5 },
      },
      {
        path: 'operations."A.*".retry',
        message: "expected a whole number",
        received: "many",
        source: { kind: "file", name: file, line: 10, column: 5 },
      },
      {
        path: 'operations."A.*".cached.tll',
        message: "unknown key",
        received: 5,
        suggestion: "ttl",
        source: { kind: "file", name: file, line: 11, column: 15 },
      },
    ]);
    expect(error.message.split("\n")).toHaveLength(10);
    expect(error.message).toContain(`cache.tll: unknown key, received 5 (${file}:3:3). Did you mean "ttl"?`);
    expect(error.suggestions).toContain('For cache.tll write "ttl".');
  });

  it("names the nearest place for what is missing", async () => {
    const sources = await readSources({ cwd: project({ ".mlmcprc.yaml": "\nml: {}\n" }), env: {} });
    const schema = { type: "object", properties: { model: { type: "string" } }, required: ["model"] };
    await expect(
      resolveConfig(sources, { sections: [{ name: "ml", schema, plugin: "app" }], advice: [] }),
    ).rejects.toThrow(/ml\.model: is required \(.*\.mlmcprc\.yaml:2:1\)/);
  });

  it("lists the known sections where none is near", async () => {
    expect((await failure({ config: { visualization: {} } })).message).toMatch(
      /visualization: unknown section: no loaded plugin has it \(known: system, .*cache/,
    );
  });

  it.each([
    [{ profiles: [] }, "profiles: expected a map of environments"],
    [{ profiles: { a: 1 } }, "profiles.a: expected a map of sections"],
    [{ profiles: { a: { profiles: {} } } }, "profiles.a.profiles: a profile cannot hold profiles"],
    [{ profiles: { a: { system: { environment: "b" } } } }, "a profile cannot choose the environment"],
    [{ plugins: "cache" }, "plugins: expected a list of names, or a map"],
    [{ plugins: [5] }, "plugins.0: expected the name of a package"],
    [{ plugins: { x: 5 } }, "plugins.x: expected true, false, or the plugin's options"],
    [{ app: 5 }, "app: expected the path of a module"],
    [{ cache: [] }, "cache: expected an object"],
    [{ operations: [] }, "operations: expected a map of operation ids or globs"],
    [{ operations: { "A.b": true } }, 'operations."A.b": expected a map of advice'],
    [{ operations: { "A.b": { timed: 5 } } }, "expected false, true or options"],
    [{ operations: { "A.b": { order: "retry" } } }, "expected a list of advice"],
    [{ operations: { "A.b": { order: ["retri"] } } }, 'unknown advice "retri"'],
    [{ operations: { "A.b": { order: ["retry", "retry"] } } }, "is listed twice"],
    [
      { operations: { "A.b": { zzz: true } } },
      'unknown advice "zzz": no loaded plugin has it (known: cached, retry, timed, order). List its plugin under `plugins`, import it before the kernel is created, or correct the name; the command line also takes `--app`.',
    ],
    [{ performance: { nJobs: 0 } }, "performance.nJobs: must be at least 1, or -1, received 0"],
  ])("%j: %s", async (config, expected) => {
    const error = await failure({ config });
    expect(error.message).toContain(expected);
    expect(error.message).toContain("createKernel({ config })");
  });

  it("refuses a section that two plugins or the core claim", async () => {
    const sources = await readSources({ cwd: project(), env: {} });
    const twice = (name: string, plugin: string) => ({
      ...known,
      sections: [...known.sections, { name, schema: {}, plugin }],
    });
    await expect(resolveConfig(sources, twice("cache", "other"))).rejects.toThrow(
      /"other" claims the section "cache".*already @mlmcp\/plugin-cache's/,
    );
    await expect(resolveConfig(sources, twice("system", "other"))).rejects.toThrow(/already @mlmcp\/core's/);
    await expect(resolveConfig(sources, twice("operations", "other"))).rejects.toThrow(
      /already @mlmcp\/core's/,
    );
  });
});

describe("plugins", () => {
  it("are merged by name over all layers, in the order in which they are first named", async () => {
    const cwd = project({
      ".mlmcprc.yaml":
        'plugins: ["@mlmcp/plugin-cache", "./plugins/audit.js"]\nprofiles:\n  p:\n    plugins:\n      "./plugins/audit.js": false\n      "@mlmcp/plugin-cache": { ttl: 5m, remote: { url: x } }\n',
    });
    const config = { plugins: { "@mlmcp/plugin-cache": { remote: { poolSize: 2 } }, third: true } };
    const { plugins } = await readSources({ cwd, config, env: { MLMCP_SYSTEM_ENVIRONMENT: "p" } });
    expect(plugins).toEqual([
      {
        name: "@mlmcp/plugin-cache",
        enabled: true,
        options: { ttl: "5m", remote: { url: "x", poolSize: 2 } },
        source: { kind: "code", name: "createKernel({ config })" },
      },
      {
        name: "./plugins/audit.js",
        enabled: false,
        source: { kind: "profile", name: join(cwd, ".mlmcprc.yaml"), line: 5, column: 7 },
      },
      { name: "third", enabled: true, source: { kind: "code", name: "createKernel({ config })" } },
    ]);
  });

  it("keep their options when a higher layer only turns them on", async () => {
    const { plugins } = await readSources({
      cwd: project({ ".mlmcprc.yaml": "plugins: { a: { x: 1 } }" }),
      config: { plugins: ["a"] },
      env: {},
    });
    expect(plugins).toMatchObject([{ name: "a", enabled: true, options: { x: 1 } }]);
  });
});

describe("plugins, once resolved,", () => {
  it("are a map with the place of each", async () => {
    const cwd = project({ ".mlmcprc.yaml": "plugins:\n  - a\n  - b\n" });
    const config = await load({ cwd, config: { plugins: { b: { x: 1 }, c: false } } });
    expect(config.get("plugins")).toEqual({ a: true, b: { x: 1 }, c: false });
    expect(["a", "b", "c"].map((name) => describeSource(config.explain(`plugins.${name}`).source))).toEqual([
      ".mlmcprc.yaml:2",
      "createKernel({ config })",
      "createKernel({ config })",
    ]);
    expect(config.explain("plugins.b").overrode).toMatchObject([
      { value: true, source: { line: 3, column: 5 } },
    ]);
  });
});

describe("app", () => {
  it("is a path from the rc file's directory", async () => {
    const cwd = project({ ".mlmcprc.yaml": "app: ./dist/app.js", "src/": "" });
    expect((await readSources({ cwd: join(cwd, "src"), env: {} })).app).toBe(join(cwd, "dist/app.js"));
    expect((await readSources({ cwd, configFile: false, env: {} })).app).toBeUndefined();
  });
});

describe("an environment that is nearly production", () => {
  it.each([" production ", "Production", "PRODUCTION", "production\n"])("is refused: %j", async (value) => {
    const fromVariable = await failure({ env: { MLMCP_SYSTEM_ENVIRONMENT: value } });
    expect(fromVariable.message).toMatch(/almost, but not exactly, production.*MLMCP_SYSTEM_ENVIRONMENT/);
    expect(fromVariable.suggestions).toEqual(['For system.environment write "production".']);
    const cwd = project({ ".mlmcprc.json": JSON.stringify({ system: { environment: value } }) });
    expect((await failure({ cwd })).message).toMatch(/\.mlmcprc\.json:1:12\)/);
  });

  it("is taken where it is another word, or where a higher rank says which", async () => {
    for (const environment of ["production", "preproduction", "acceptance"])
      expect((await load({ config: { system: { environment } } })).environment).toBe(environment);
    const config = { system: { environment: "Production" } };
    expect((await load({ config, env: { MLMCP_SYSTEM_ENVIRONMENT: "test" } })).environment).toBe("test");
  });
});

describe("an environment that nothing is known of", () => {
  const profiles = { "eu-west": {}, ci: {} };
  const warned = (environment: string) =>
    warningsDuring(() => load({ config: { profiles }, env: { MLMCP_SYSTEM_ENVIRONMENT: environment } }));

  it.each([
    ["prodution", "production"],
    ["prod", "production"],
    ["dev", "development"],
    ["Staging", "staging"],
    ["tets", "test"],
    ["tst", "test"],
    ["eu-wets", "eu-west"],
    ["CI", "ci"],
    ["qa", undefined],
    ["us-east", undefined],
    ["pr", undefined],
    ["test", undefined],
    ["eu-west", undefined],
  ])("is warned of where it is nearly another: %s, %s", async (environment, meant) => {
    const warnings = await warned(environment);
    expect(warnings.map(({ code }) => code)).toEqual(
      meant === undefined ? [] : ["MLMCP_ENVIRONMENT_UNKNOWN"],
    );
    if (meant === undefined) return;
    expect(warnings[0]!.message).toBe(
      `The environment "${environment}" (MLMCP_SYSTEM_ENVIRONMENT) has no profile and looks mistyped. Did you mean "${meant}"? An empty profile says that it is meant.`,
    );
  });

  it("is an error under system.strict, with its place", async () => {
    const cwd = project({ ".mlmcprc.yaml": "system:\n  strict: true\n  environment: prodution\n" });
    const error = await failure({ cwd });
    expect(error.context.issues).toEqual([
      expect.objectContaining({
        path: "system.environment",
        received: "prodution",
        suggestion: "production",
        source: expect.objectContaining({ line: 3 }),
      }),
    ]);
  });

  it("is meant where it has a profile, if only an empty one in a file that is extended", async () => {
    const cwd = project({
      "base.yaml": "profiles: { prod: {} }\n",
      ".mlmcprc.yaml": "extends: ./base.yaml\nsystem: { environment: prod, strict: true }\n",
    });
    expect((await load({ cwd })).environment).toBe("prod");
    const config = { system: { environment: "stagging", strict: true }, profiles: { stagging: {} } };
    expect((await load({ config })).environment).toBe("stagging");
  });
});

describe("a path that code asks for", () => {
  it.each([
    ["cahce.ttl", "cache.ttl"],
    ["cache.tll", "cache.ttl"],
    ["system.stoptimeout", "system.stopTimeout"],
    ["cahce.what.ever", "cache"],
    ["cache", undefined],
    ["cache.tags", undefined],
    ["cache.limits.eggs", undefined],
    ["cache.nothing", undefined],
    ["monitor.interval", undefined],
    ['operations."A.b".cached', undefined],
    ["app", undefined],
    ["x", undefined],
  ])("is a warning where it is nearly one that is known: %s, %s", async (path, meant) => {
    const config = await load();
    const asked = await warningsDuring(async () => {
      expect(config.get(path, "instead")).toBe(path === "cache" ? config.section("cache") : "instead");
      config.get(path);
    });
    const message = `The configuration was asked for "${path}", which no loaded plugin knows. Did you mean "${meant}"?`;
    expect(asked).toEqual(meant === undefined ? [] : [{ code: "MLMCP_CONFIG_PATH_UNKNOWN", message }]);
  });

  it("is looked at in explanations and names of sections too", async () => {
    const config = await load();
    const asked = await warningsDuring(async () => {
      config.explain("memory.maxMemoryMbs");
      config.section("memroy");
    });
    expect(asked.map(({ message }) => message.split("Did you mean ")[1])).toEqual([
      '"memory.maxMemoryMb"?',
      '"memory"?',
    ]);
  });

  it("is not remembered for ever where paths are computed", async () => {
    const config = await load();
    for (let index = 0; index < 1000; index++) config.get(`tenants.t${index}`);
    expect(await warningsDuring(async () => void config.get("cache.ttll"))).toEqual([]);
  });
});

describe("a configuration with more errors than anybody reads", () => {
  const many = (value: unknown, prefix = "zz") =>
    Object.fromEntries(Array.from({ length: 1000 }, (_, index) => [`${prefix}${index}`, value]));

  it.each([
    ["unknown sections", many(1)],
    ["unknown keys of a section", { cache: many(1) }],
    ["values of a section", { cache: { limits: many("x") } }],
    ["settings of operations", { operations: many({ retry: "x" }) }],
    ["a source that is unfit", { plugins: many(5) }],
  ])("tells 50 of them, and how many more there are: %s", async (_, config) => {
    const { message, context } = await failure({ config });
    expect(context.issues).toHaveLength(51);
    expect(context.issues.at(-1)).toEqual({ path: "", message: "and 950 more" });
    expect(context["total" as keyof typeof context]).toBe(1000);
    const lines = message.split("\n");
    expect(lines[0]).toBe("The configuration is wrong in 1000 places:");
    expect([lines.length, lines.at(-1)]).toEqual([52, "  and 950 more"]);
  });

  it("has the suggestions and the places of those that it tells", async () => {
    const cwd = project({
      ".mlmcprc.json": JSON.stringify({ cache: many(1, "ttl"), memory: many(1, "io") }),
    });
    const { context } = await failure({ cwd });
    for (const issue of context.issues.slice(0, 9))
      expect(issue).toMatchObject({ suggestion: "ttl", source: { kind: "file", line: 1 } });
  });

  it("lists once which sections are known", async () => {
    const { message } = await failure({ config: { zzzzz: 1, yyyyy: 1, cahce: 1 } });
    expect(message.match(/\(known: /g)).toHaveLength(1);
    expect(message).toMatch(/yyyyy: unknown section: no loaded plugin has it, received 1/);
  });

  it("tells all that there are up to 50", async () => {
    const sections = Object.entries(many(1)).slice(0, 50);
    const { context } = await failure({ config: Object.fromEntries(sections) });
    expect(context.issues.map(({ path }) => path)).toEqual(sections.map(([name]) => name));
  });
});

describe("a configuration that is nested too deep", () => {
  const nested = (levels: number) => {
    let value: unknown = 1;
    for (let level = 0; level < levels; level++) value = level % 2 === 0 ? [value] : { a: value };
    return { app: "./app.js", plugins: { x: { value } } };
  };

  it("is refused in code, where it also contains itself", async () => {
    expect((await load({ config: nested(200) })).get("app")).toBe("./app.js");
    for (const levels of [300, 100_000])
      expect((await failure({ config: nested(levels) })).message).toMatch(/nested more than 250 levels deep/);
    const circular: Record<string, unknown> = {};
    circular["plugins"] = { x: [circular, circular] };
    expect((await failure({ config: circular })).message).toMatch(/contains itself/);
  });

  it("is refused in one object that stands in many places", async () => {
    let tail: unknown = 1;
    for (let level = 0; level < 200; level++) tail = { a: tail };
    let value: unknown = tail;
    for (let level = 0; level < 100; level++) value = { a: value };
    expect((await failure({ config: { cache: { tail, value } } })).message).toMatch(/nested more than 250/);
  });

  it.each([
    ["a list in JSON", ".mlmcprc.json", "[".repeat(100_000)],
    ["a map in JSON", ".mlmcprc.json", '{"]}":'.repeat(100_000)],
    ["a list in YAML", ".mlmcprc.yaml", "- ".repeat(5_000) + "x"],
    [
      "a map in YAML",
      ".mlmcprc.yaml",
      Array.from({ length: 300 }, (_, i) => `${" ".repeat(i)}a:`).join("\n"),
    ],
  ])("is refused in a file: %s", async (_, name, text) => {
    const error = await failure({ cwd: project({ [name]: text }) });
    expect(error.message).toMatch(/nested more than 250 levels deep/);
    expect(error.message).toContain(name);
  });
});
