import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { describeSource, readSources, resolveConfig, type JsonSchema } from "@mlmcp/core";
import { failure, load, project, warningsDuring } from "../project.js";

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
    ["MLMCP_CACHE_TAGS", "a,b", "cache.tags", ["a", "b"]],
    ["MLMCP_CACHE_TAGS", " a , b c,, ", "cache.tags", ["a", "b c"]],
    ["MLMCP_CACHE_TAGS", "5", "cache.tags", ["5"]],
    ["MLMCP_CACHE_SIZES", "1, 2", "cache.sizes", [1, 2]],
    ["MLMCP_CACHE_SIZES", "7", "cache.sizes", [7]],
    ["MLMCP_CACHE_SIZES", "[]", "cache.sizes", []],
    ["MLMCP_CACHE_LIMITS", '{ "a": 1 }', "cache.limits", { a: 1 }],
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
    ["MLMCP_CACHE_SIZES", "1,two", 'cache.sizes.1: expected a whole number, received "two"'],
    ["MLMCP_CACHE_LIMITS", "a=1", 'cache.limits: expected an object, received "a=1"'],
    ["MLMCP_CACHE_LIMITS", '{ "a": "x" }', 'cache.limits.a: expected a whole number, received "x"'],
    ["MLMCP_CACHE_LIMITS", '{ "__proto__": { "admin": true } }', "this key is refused"],
    ["MLMCP_CACHE_REMOTE", '{ "poolSise": 1 }', "cache.remote.poolSise: unknown key"],
    ["MLMCP_OPERATIONS", "A.b=5", "operations: is no valid JSON"],
    ["MLMCP_OPERATIONS", '{ "A.b": { "retry": "x" } }', 'operations."A.b".retry: expected a whole number'],
    ["MLMCP_OPERATIONS", '{ "constructor": {} }', "this key is refused"],
    ["MLMCP_PLUGINS", "[5]", "plugins.0: expected the name of a package"],
    ["MLMCP_PLUGINS", "{", "plugins: is no valid JSON"],
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

  it("agree with the schema for every value, written as a text", async () => {
    const word = fc.stringMatching(/^k[A-Za-z0-9_.:/-]{0,12}$/);
    const kinds: Array<[JsonSchema, fc.Arbitrary<unknown>]> = [
      [{ type: "string" }, fc.string({ minLength: 1 })],
      [{ type: "integer" }, fc.integer()],
      [{ type: "number" }, fc.double({ noNaN: true, noDefaultInfinity: true }).map((n) => n + 0)],
      [{ type: "boolean" }, fc.boolean()],
      [{ enum: ["a", "1", "true"] }, fc.constantFrom("a", "1", "true")],
      [{ anyOf: [{ type: "integer" }, { type: "null" }] }, fc.option(fc.integer())],
      [{ duration: true }, fc.nat()],
      [{ type: "array", items: { type: "string" } }, fc.array(fc.string())],
      [{ type: "array", items: { type: "integer" } }, fc.array(fc.integer())],
      [{ type: "object", additionalProperties: { type: "boolean" } }, fc.dictionary(word, fc.boolean())],
    ];
    const properties = Object.fromEntries(kinds.map(([schema], index) => [`v${index}x`, schema]));
    const known = {
      sections: [{ name: "ml", plugin: "app", schema: { type: "object", properties } }],
      advice: [],
    };
    const sources = await readSources({ cwd: project(), configFile: false, env: {} });
    const given = fc.record(Object.fromEntries(kinds.map(([, value], index) => [`v${index}x`, value])));
    await fc.assert(
      fc.asyncProperty(given, async (section) => {
        const env = Object.fromEntries(
          Object.entries(section).map(([key, value]) => [
            `MLMCP_ML_${key.toUpperCase()}`,
            typeof value === "string" ? value : JSON.stringify(value),
          ]),
        );
        expect((await resolveConfig({ ...sources, env }, known)).section("ml")).toEqual(section);
      }),
    );
  });

  it("agree with the schema for lists with commas", async () => {
    const cwd = project();
    const word = fc.stringMatching(/^[A-Za-z0-9_./-]([A-Za-z0-9_./ -]{0,8}[A-Za-z0-9_./-])?$/);
    const list = fc.array(word, { minLength: 1 });
    const numbers = fc.array(fc.integer(), { minLength: 1 });
    await fc.assert(
      fc.asyncProperty(list, numbers, fc.constantFrom(",", ", ", " ,"), async (tags, sizes, comma) => {
        const env = { MLMCP_CACHE_TAGS: tags.join(comma), MLMCP_CACHE_SIZES: sizes.join(comma) };
        const config = await load({ cwd, configFile: false, env });
        expect(config.section("cache")).toMatchObject({ tags, sizes });
      }),
    );
  });

  it("tune operations and name plugins", async () => {
    const env = {
      MLMCP_OPERATIONS: '{ "A.*": { "cached": "5m", "timed": false } }',
      MLMCP_PLUGINS: '{ "@mlmcp/plugin-cache": { "ttl": "7s" }, "./audit.js": false }',
    };
    const config = await load({ env, config: { plugins: ["./audit.js"] } });
    expect(config.operation("A.b").advice).toEqual({ cached: { ttl: 300_000 }, timed: false });
    expect(config.get("cache.ttl")).toBe(7_000);
    expect(config.get("plugins")).toEqual({ "./audit.js": false, "@mlmcp/plugin-cache": { ttl: "7s" } });
    expect(describeSource(config.explain('plugins."./audit.js"').source)).toBe("MLMCP_PLUGINS");
    expect(describeSource(config.operation("A.b").sources["cached"]!)).toBe("MLMCP_OPERATIONS");
  });

  it("name plugins with commas, which adds them to what the rc file names", async () => {
    const cwd = project({ ".mlmcprc.yaml": "plugins: [a]" });
    const { plugins } = await readSources({ cwd, env: { MLMCP_PLUGINS: "b, @acme/c" } });
    expect(plugins.map(({ name, enabled }) => [name, enabled])).toEqual([
      ["a", true],
      ["b", true],
      ["@acme/c", true],
    ]);
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

describe("a file in place of a variable", () => {
  const write = (content: string) => {
    const cwd = project({ secret: content });
    return { cwd, file: join(cwd, "secret") };
  };

  it.each([
    ["hunter2", "hunter2"],
    ["hunter2\n", "hunter2"],
    ["hunter2\r\n", "hunter2"],
    ["two\nlines\n\n", "two\nlines\n"],
    [" spaces ", " spaces "],
  ])("gives its content, without the last line break: %j", async (content, expected) => {
    const { cwd, file } = write(content);
    const config = await load({ cwd, env: { MLMCP_CACHE_STORE_FILE: file } });
    expect(config.get("cache.store")).toBe(expected);
    expect(config.files).toEqual([file]);
  });

  it("is coerced as the variable is, and is a secret wherever it is shown", async () => {
    const { cwd, file } = write("4711\n");
    const config = await load({ cwd, env: { MLMCP_CACHE_MAX_ENTRIES_FILE: file } });
    expect(config.get("cache.maxEntries")).toBe(4711);
    expect(config.explain("cache.maxEntries")).toEqual({
      path: "cache.maxEntries",
      value: "[secret]",
      source: { kind: "env", name: "MLMCP_CACHE_MAX_ENTRIES_FILE", references: [file], secret: true },
      secret: true,
      overrode: [],
    });
    expect(config.redacted("cache")).toMatchObject({ maxEntries: "[secret]", ttl: 3_600_000 });
  });

  it("stands in for an empty variable, and does not count where it is named by an empty one", async () => {
    const { cwd, file } = write("x");
    const env = { MLMCP_CACHE_STORE: "", MLMCP_CACHE_STORE_FILE: file, MLMCP_CACHE_TTL_FILE: "" };
    const config = await load({ cwd, env });
    expect([config.get("cache.store"), config.get("cache.ttl")]).toEqual(["x", 3_600_000]);
  });

  it("may hold operations and plugins", async () => {
    const { cwd, file } = write('{ "A.b": { "retry": 7 } }');
    const config = await load({ cwd, env: { MLMCP_OPERATIONS_FILE: file } });
    expect(config.operation("A.b").advice["retry"]).toEqual({ maxRetries: 7 });
    expect(config.files).toEqual([file]);
  });

  it("is not meant where a variable of that name is known itself", async () => {
    const schema = { type: "object", properties: { log: { type: "string" }, logFile: { type: "string" } } };
    const known = { sections: [{ name: "ml", schema, plugin: "app" }], advice: [] };
    const env = { MLMCP_ML_LOG: "debug", MLMCP_ML_LOG_FILE: "/nowhere/app.log" };
    const config = await resolveConfig(await readSources({ cwd: project(), configFile: false, env }), known);
    expect(config.section("ml")).toEqual({ log: "debug", logFile: "/nowhere/app.log" });
  });

  it("is refused where it is missing, a directory, empty or too large", async () => {
    const { cwd, file } = write("");
    const problem = async (path: string) =>
      (await failure({ cwd, env: { MLMCP_CACHE_STORE_FILE: path } })).message;
    expect(await problem(join(cwd, "missing"))).toMatch(
      /the file \S+missing of MLMCP_CACHE_STORE_FILE cannot be read: ENOENT/,
    );
    expect(await problem(cwd)).toMatch(/cannot be read: EISDIR/);
    expect(await problem(file)).toMatch(/MLMCP_CACHE_STORE_FILE is empty/);
    expect(await problem(write("x".repeat(65_537)).file)).toMatch(/it is larger than 64 KB/);
    expect(
      (await load({ cwd, env: { MLMCP_CACHE_STORE_FILE: write("x".repeat(65_536)).file } })).get(
        "cache.store",
      ),
    ).toHaveLength(65_536);
  });

  it("is refused where the variable is set too, in one line", async () => {
    const { cwd, file } = write("hunter2");
    const { message } = await failure({
      cwd,
      env: { MLMCP_CACHE_STORE: "hunter3", MLMCP_CACHE_STORE_FILE: file },
    });
    expect(message).toBe(
      "The configuration is wrong: MLMCP_CACHE_STORE and MLMCP_CACHE_STORE_FILE are both set: leave one of them out (MLMCP_CACHE_STORE_FILE)",
    );
  });

  it("of an unknown variable is reported with the nearest", async () => {
    const { cwd, file } = write("x");
    const warnings = await warningsDuring(() => load({ cwd, env: { MLMCP_CACHE_STOER_FILE: file } }));
    expect(warnings.map(({ message }) => message)).toEqual([
      "MLMCP_CACHE_STOER_FILE: no loaded plugin knows this variable. Did you mean MLMCP_CACHE_STORE_FILE?",
    ]);
  });
});
