import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { describeSource, readSources, resolveConfig } from "@mlmcp/core";
import { failure, known, load, project, warningsDuring, type LoadOptions } from "./project.js";

describe("precedence", () => {
  /** From the lowest to the highest; each writes its own value. */
  const kinds = ["default", "file", "profile", "code", "env"] as const;
  type Kind = (typeof kinds)[number];

  const write = (present: ReadonlySet<Kind>, withPluginMap = false): LoadOptions => {
    const store = (name: string) =>
      withPluginMap ? `plugins: { "@mlmcp/plugin-cache": { store: ${name} } }` : `cache: { store: ${name} }`;
    const file = ["system: { environment: staging }"];
    if (present.has("file")) file.push(store("file"));
    if (present.has("profile"))
      file.push(`profiles: { staging: { ${store("profile")} }, other: { ${store("other")} } }`);
    return {
      cwd: project({ ".mlmcprc.yaml": file.join("\n") }),
      ...(present.has("code")
        ? {
            config: withPluginMap
              ? { plugins: { "@mlmcp/plugin-cache": { store: "code" } } }
              : { cache: { store: "code" } },
          }
        : {}),
      ...(present.has("env") ? { env: { MLMCP_CACHE_STORE: "env" } } : {}),
    };
  };

  const pairs = kinds.flatMap((lower, rank) =>
    kinds.slice(rank + 1).map((higher) => [lower, higher] as const),
  );

  it.each(pairs)("%s < %s", async (lower, higher) => {
    for (const withPluginMap of [false, true]) {
      const config = await load(write(new Set([lower, higher]), withPluginMap));
      expect(config.get("cache.store")).toBe(higher);
      const { source, overrode } = config.explain("cache.store");
      expect([source.kind, ...overrode.map((below) => below.source.kind)]).toEqual(
        lower === "default" ? [higher] : [higher, lower],
      );
    }
  });

  it("explains all that was overridden, nearest first", async () => {
    const config = await load(write(new Set(kinds)));
    const { value, source, overrode } = config.explain("cache.store");
    expect([value, describeSource(source)]).toEqual(["env", "MLMCP_CACHE_STORE"]);
    expect(overrode.map((below) => [below.value, describeSource(below.source)])).toEqual([
      ["code", "createKernel({ config })"],
      ["profile", ".mlmcprc.yaml:3"],
      ["file", ".mlmcprc.yaml:2"],
    ]);
  });

  it("puts options from the map of plugins just below the section of the same layer", async () => {
    const cwd = project({
      ".mlmcprc.yaml":
        'plugins: { "@mlmcp/plugin-cache": { ttl: 1s, store: map, maxEntries: 5 } }\ncache: { store: section }\nprofiles: { p: { plugins: { "@mlmcp/plugin-cache": { maxEntries: 6 } } } }\n',
    });
    const config = await load({ cwd, env: { MLMCP_SYSTEM_ENVIRONMENT: "p" } });
    expect(config.section("cache")).toMatchObject({ ttl: 1_000, store: "section", maxEntries: 6 });
    expect(config.explain("cache.ttl").source).toEqual({
      kind: "file",
      name: join(cwd, ".mlmcprc.yaml"),
      line: 1,
      column: 37,
    });
    expect(config.explain("cache.maxEntries").source).toMatchObject({ kind: "profile", line: 3 });
  });

  it("merges sections deeply and replaces lists", async () => {
    const cwd = project({ ".mlmcprc.yaml": "cache: { tags: [a, b], remote: { url: x, poolSize: 2 } }" });
    const config = await load({ cwd, config: { cache: { tags: ["c"], remote: { poolSize: 3 } } } });
    expect(config.section("cache")).toMatchObject({ tags: ["c"], remote: { url: "x", poolSize: 3 } });
  });

  it("takes the environment for the profile from the variable, then code, then the file", async () => {
    const cwd = project({
      ".mlmcprc.yaml":
        "system: { environment: a }\nprofiles: { a: { cache: { store: a } }, b: { cache: { store: b } }, c: { cache: { store: c } } }",
    });
    const config = { system: { environment: "b" } };
    const env = { MLMCP_SYSTEM_ENVIRONMENT: "c" };
    const seen = await Promise.all([load({ cwd }), load({ cwd, config }), load({ cwd, config, env })]);
    expect(
      seen.map((reader) => [reader.environment, reader.get("cache.store"), reader.get("system.environment")]),
    ).toEqual([
      ["a", "a", "a"],
      ["b", "b", "b"],
      ["c", "c", "c"],
    ]);
    expect((await load()).environment).toBe("development");
  });
});

describe("the configuration", () => {
  it("has the core's own defaults", async () => {
    const config = await load();
    expect(config.section("system")).toEqual({
      environment: "development",
      debug: false,
      strict: false,
      stopTimeout: 10_000,
      startTimeout: 30_000,
    });
    expect(config.section("performance")).toEqual({
      enableCaching: true,
      enableParallel: true,
      enableMonitoring: true,
    });
    expect(config.section("errorHandling")).toEqual({ maxRetries: 3 });
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
    [{ performance: { nJobs: 0 } }, "performance.nJobs: must be at least 1"],
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

describe("variables", () => {
  it("work as the documentation writes them", async () => {
    const config = await load({
      env: {
        MLMCP_SYSTEM_ENVIRONMENT: "production",
        MLMCP_MEMORY_MAX_MEMORY_MB: "2048",
        MLMCP_PERFORMANCE_ENABLE_CACHING: "false",
        MLMCP_PERFORMANCE_N_JOBS: "4",
        MLMCP_VALIDATION_STRICT_MODE: "true",
        MLMCP_MEMORY_IO__BUFFER_SIZE: "64KB",
        MLMCP_CACHE_TTL: "5m",
        MLMCP_ERROR_HANDLING_MAX_RETRIES: "0",
      },
    });
    expect(config.environment).toBe("production");
    expect(config.get("memory")).toEqual({ maxMemoryMb: 2048, io: { bufferSize: 65_536 } });
    expect(config.get("performance")).toMatchObject({ enableCaching: false, nJobs: 4 });
    expect(config.get("validation.strictMode")).toBe(true);
    expect(config.get("cache.ttl")).toBe(300_000);
    expect(config.get("errorHandling.maxRetries")).toBe(0);
    expect(describeSource(config.explain("memory.io.bufferSize").source)).toBe(
      "MLMCP_MEMORY_IO__BUFFER_SIZE",
    );
  });

  it.each([
    ["MLMCP_CACHE_ADAPTIVE", "1", "cache.adaptive", true],
    ["MLMCP_CACHE_ADAPTIVE", "off", "cache.adaptive", false],
    ["MLMCP_CACHE_ADAPTIVE", "YES", "cache.adaptive", true],
    ["MLMCP_CACHE_STORE", "true", "cache.store", "true"],
    ["MLMCP_CACHE_STORE", "5", "cache.store", "5"],
    ["MLMCP_CACHE_STORE", "[x", "cache.store", "[x"],
    ["MLMCP_CACHE_STORE", " ", "cache.store", " "],
    ["MLMCP_CACHE_TTL", "1500", "cache.ttl", 1_500],
    ["MLMCP_CACHE_TAGS", '["a","b"]', "cache.tags", ["a", "b"]],
    ["MLMCP_CACHE_REMOTE", '{ "poolSize": 9 }', "cache.remote", { poolSize: 9 }],
    ["MLMCP_PERFORMANCE_N_JOBS", "-1", "performance.nJobs", -1],
  ])("%s=%s is what the schema of %s takes it for", async (name, text, path, expected) => {
    expect((await load({ env: { [name]: text } })).get(path)).toEqual(expected);
  });

  it("for a part win over one for the whole", async () => {
    const env = { MLMCP_CACHE_REMOTE__POOL_SIZE: "2", MLMCP_CACHE_REMOTE: '{ "poolSize": 9, "url": "x" }' };
    const config = await load({ env });
    expect(config.get("cache.remote")).toEqual({ poolSize: 2, url: "x" });
    expect(describeSource(config.explain("cache.remote.url").source)).toBe("MLMCP_CACHE_REMOTE");
    expect(describeSource(config.explain("cache.remote.poolSize").source)).toBe(
      "MLMCP_CACHE_REMOTE__POOL_SIZE",
    );
  });

  it.each([
    ["MLMCP_CACHE_MAX_ENTRIES", " ", "cache.maxEntries: expected a whole number"],
    ["MLMCP_CACHE_MAX_ENTRIES", "1.5", "cache.maxEntries: expected a whole number"],
    ["MLMCP_CACHE_MAX_ENTRIES", "0", "cache.maxEntries: must be at least 1"],
    ["MLMCP_CACHE_ADAPTIVE", "maybe", "cache.adaptive: expected true or false"],
    ["MLMCP_CACHE_TTL", "soon", "cache.ttl: expected a duration"],
    ["MLMCP_CACHE_TAGS", "[1", "cache.tags: expected a list"],
    ["MLMCP_CACHE_TAGS", "[1]", "cache.tags.0: expected a text"],
  ])("%s=%s is an error that names the variable", async (name, text, expected) => {
    const { message } = await failure({ env: { [name]: text } });
    expect(message).toContain(expected);
    expect(message).toContain(`(${name})`);
  });

  it("agree with the schema for every number and text", async () => {
    const cwd = project();
    const loadOne = (env: NodeJS.ProcessEnv) => load({ cwd, configFile: false, env });
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1 }), fc.string({ minLength: 1 }), async (entries, store) => {
        const config = await loadOne({ MLMCP_CACHE_MAX_ENTRIES: String(entries), MLMCP_CACHE_STORE: store });
        expect(config.section("cache")).toMatchObject({ maxEntries: entries, store });
      }),
    );
  });

  it("that nobody knows are warned of once, with the nearest name", async () => {
    const env = { MLMCP_CACHE_TLL: "5m", MLMCP_WHAT_EVER_THIS_IS: "1", OTHER: "1" };
    expect(await warningsDuring(async () => [await load({ env }), await load({ env })])).toEqual([
      {
        code: "MLMCP_UNKNOWN_VARIABLE",
        message: "MLMCP_CACHE_TLL: no loaded plugin knows this variable. Did you mean MLMCP_CACHE_TTL?",
      },
      {
        code: "MLMCP_UNKNOWN_VARIABLE",
        message: "MLMCP_WHAT_EVER_THIS_IS: no loaded plugin knows this variable.",
      },
    ]);
  });

  it("that nobody knows are an error where system.strict", async () => {
    for (const strict of [
      { config: { system: { strict: true } } },
      { env: { MLMCP_SYSTEM_STRICT: "true" } },
    ]) {
      const options = { ...strict, env: { ...strict.env, MLMCP_CACHE_TLL: "5m" } };
      let message = "";
      const warnings = await warningsDuring(async () => ({ message } = await failure(options)));
      expect(message).toContain('Did you mean "MLMCP_CACHE_TTL"?');
      expect(warnings).toEqual([]);
    }
  });

  it("that may mean two things are refused", async () => {
    const schema = {
      type: "object",
      properties: { maxSize: { type: "number" }, MaxSize: { type: "number" } },
    };
    const sources = await readSources({ cwd: project(), env: { MLMCP_ML_MAX_SIZE: "1" } });
    await expect(
      resolveConfig(sources, { sections: [{ name: "ml", schema, plugin: "app" }], advice: [] }),
    ).rejects.toThrow(/may mean ml\.maxSize or ml\.MaxSize.*MLMCP_ML_MAX_SIZE/);
  });
});

describe("a variable that is empty", () => {
  it("counts as not set, known or not", async () => {
    const env = {
      MLMCP_CACHE_STORE: "",
      MLMCP_CACHE_MAX_ENTRIES: "",
      MLMCP_SYSTEM_ENVIRONMENT: "",
      MLMCP_NOBODY_KNOWS: "",
    };
    const config = await load({ env, config: { system: { strict: true }, cache: { store: "lru" } } });
    expect(config.get("cache.store")).toBe("lru");
    expect(config.get("cache.maxEntries")).toBe(1000);
    expect(config.environment).toBe("development");
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
    for (const environment of ["production", "preproduction", "Staging"])
      expect((await load({ config: { system: { environment } } })).environment).toBe(environment);
    const config = { system: { environment: "Production" } };
    expect((await load({ config, env: { MLMCP_SYSTEM_ENVIRONMENT: "test" } })).environment).toBe("test");
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
