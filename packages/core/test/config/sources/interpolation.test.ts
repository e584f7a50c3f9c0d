import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { describeSource, readSources } from "@mlmcp/core";
import { failure, load, project } from "../project.js";

/** What a text in `cache.store` becomes. */
const store = async (text: string, env: NodeJS.ProcessEnv = {}) =>
  (await load({ cwd: project({ ".mlmcprc.json": JSON.stringify({ cache: { store: text } }) }), env })).get(
    "cache.store",
  );

describe("a reference to a variable", () => {
  const hosts = { HOST: "redis.local", PORT: "6379", EMPTY: "" };

  it.each([
    ["${HOST}", "redis.local"],
    ["redis://${HOST}:${PORT}/0", "redis://redis.local:6379/0"],
    ["${HOST:-localhost}", "redis.local"],
    ["${MISSING:-localhost}", "localhost"],
    ["${MISSING:-}", ""],
    ["${MISSING:-a:-b}", "a:-b"],
    ["${MISSING:-{}}", "{}"],
    ['${MISSING:-{"a":1}}', '{"a":1}'],
    ["${EMPTY}", ""],
    ["${EMPTY:-x}", "x"],
    ["$${HOST}", "${HOST}"],
    ["a $${HOST} ${HOST}", "a ${HOST} redis.local"],
    ["$HOST", "$HOST"],
    ["$ {HOST}", "$ {HOST}"],
    ["${HOST", "${HOST"],
    ["100 % $ { } }", "100 % $ { } }"],
  ])("%s becomes %s", async (text, expected) => {
    expect(await store(text, hosts)).toBe(expected);
  });

  it.each([
    ["yaml", ".mlmcprc.yaml", "cache:\n  ttl: ${TTL}\n"],
    ["JSON", ".mlmcprc.json", '{ "cache": { "ttl": "${TTL}" } }'],
    ["JavaScript", ".mlmcprc.mjs", "export default { cache: { ttl: '${TTL}' } };"],
    ["package.json", "package.json", '{ "mlmcp": { "cache": { "ttl": "${TTL}" } } }'],
  ])("works in %s, and is read as the schema wants it", async (_, name, text) => {
    const cwd = project({ [name]: text });
    expect((await load({ cwd, env: { TTL: "5m" } })).get("cache.ttl")).toBe(300_000);
  });

  it("is coerced in sections, lists, options of operations and of plugins", async () => {
    const cwd = project({
      ".mlmcprc.yaml": [
        'plugins: { "@mlmcp/plugin-cache": { adaptive: "${ON}" }, other: "${OFF}", "./${N}.js": true }',
        'cache: { maxEntries: "${N:-100}", sizes: ["${N}", 2], limits: { a: "${N}" }, tags: "${LIST}", remote: "${JSON}" }',
        "operations:",
        '  "A.b": { cached: "${TTL}", retry: { maxRetries: "${N}" }, timed: "${OFF}" }',
        '  "A.c": { cached: { ttl: "${TTL}", namespace: "${N}" }, retry: "${N}" }',
      ].join("\n"),
    });
    const env = { ON: "yes", OFF: "off", N: "7", TTL: "5s", LIST: "a, b", JSON: '{ "poolSize": 9 }' };
    const config = await load({ cwd, env });
    expect(config.section("cache")).toMatchObject({
      adaptive: true,
      maxEntries: 7,
      sizes: [7, 2],
      limits: { a: 7 },
      tags: ["a", "b"],
      remote: { poolSize: 9 },
    });
    expect(config.operation("A.b").advice).toEqual({
      cached: { ttl: 5_000 },
      retry: { maxRetries: 7 },
      timed: false,
    });
    expect(config.operation("A.c").advice).toEqual({
      cached: { ttl: 5_000, namespace: "7" },
      retry: { maxRetries: 7 },
    });
    // Keys are never references.
    expect(config.get("plugins")).toMatchObject({ other: false, "./${N}.js": true });
  });

  it("chooses plugins, the application and the environment", async () => {
    const cwd = project({
      ".mlmcprc.yaml":
        "plugins: ['${PLUGIN}']\napp: ./${APP:-app}.js\nsystem: { environment: '${STAGE:-development}' }\nprofiles: { staging: { cache: { store: staged } } }",
    });
    const sources = await readSources({ cwd, env: { PLUGIN: "@acme/audit", STAGE: "staging" } });
    expect(sources.plugins.map(({ name }) => name)).toEqual(["@acme/audit"]);
    expect([sources.app, sources.environment]).toEqual([join(cwd, "app.js"), "staging"]);
    expect((await load({ cwd, env: { PLUGIN: "x", STAGE: "staging" } })).get("cache.store")).toBe("staged");
  });

  it("is not one in code, where a template literal does the same", async () => {
    expect((await load({ config: { cache: { store: "${HOST}" } } })).get("cache.store")).toBe("${HOST}");
  });

  it("of a profile that is not active may lack its variable", async () => {
    const cwd = project({
      ".mlmcprc.yaml": "profiles: { production: { cache: { store: '${REDIS_URL}' } } }",
    });
    expect((await load({ cwd })).get("cache.store")).toBe("memory");
    const env = { MLMCP_SYSTEM_ENVIRONMENT: "production" };
    expect((await failure({ cwd, env })).message).toContain("the variable REDIS_URL is not set");
    expect((await load({ cwd, env: { ...env, REDIS_URL: "redis://h" } })).get("cache.store")).toBe(
      "redis://h",
    );
  });

  it("shows in the source of the value, also where it is only the default", async () => {
    const cwd = project({
      ".mlmcprc.yaml": "cache:\n  ttl: ${TTL:-5m}\n  store: ${HOST}:${PORT}/${HOST}\n  tags: ${LIST}\n",
    });
    const config = await load({ cwd, env: { ...hosts, LIST: "a,b" } });
    const shown = (path: string) => describeSource(config.explain(path).source);
    expect(shown("cache.ttl")).toBe(".mlmcprc.yaml:2 (${TTL})");
    expect(shown("cache.store")).toBe(".mlmcprc.yaml:3 (${HOST}, ${PORT})");
    expect(shown("cache.tags.1")).toBe(".mlmcprc.yaml:4 (${LIST})");
    expect(config.explain("cache.ttl").source).toEqual({
      kind: "file",
      name: join(cwd, ".mlmcprc.yaml"),
      line: 2,
      column: 3,
      references: ["${TTL}"],
    });
  });

  it("never changes the text around it, nor what its value holds", async () => {
    const value = fc.string({ minLength: 1 });
    const around = fc.string().filter((text) => !text.includes("$") && !/[{}]/.test(text));
    const cwd = project();
    await fc.assert(
      fc.asyncProperty(value, around, around, async (inside, before, after) => {
        const file = project({ "rc.json": JSON.stringify({ cache: { store: `${before}\${X}${after}` } }) });
        const config = await load({ cwd, configFile: join(file, "rc.json"), env: { X: inside } });
        expect(config.get("cache.store")).toBe(before + inside + after);
      }),
      { numRuns: 50 },
    );
  });
});

describe("a reference that is wrong", () => {
  it("names its place, and the variable that begins alike, but no value", async () => {
    const cwd = project({ ".mlmcprc.yaml": "cache:\n  store: ${REDIS_HOTS}\n  ttl: ${NOTHING_LIKE_IT}\n" });
    const error = await failure({ cwd, env: { REDIS_HOST: "hunter2", NOTHING: "hunter2" } });
    const file = join(cwd, ".mlmcprc.yaml");
    expect(error.context.issues).toEqual([
      {
        path: "cache.store",
        message: "the variable REDIS_HOTS is not set. Set it, or write ${REDIS_HOTS:-default}",
        suggestion: "${REDIS_HOST}",
        source: { kind: "file", name: file, line: 2, column: 3 },
      },
      {
        path: "cache.ttl",
        message: "the variable NOTHING_LIKE_IT is not set. Set it, or write ${NOTHING_LIKE_IT:-default}",
        source: { kind: "file", name: file, line: 3, column: 3 },
      },
    ]);
    expect(error.message).not.toContain("hunter2");
  });

  it.each([
    ["${}", "expected the name of a variable"],
    ["${1X}", "expected the name of a variable"],
    ["${A B}", "expected the name of a variable"],
    ["${X-5m}", "expected the name of a variable"],
    ["${user.name}", "write `$${` for a `${` that refers to nothing"],
    ["${X:-${Y}}", "the default of ${X} cannot refer to another variable"],
    ["${constructor}", "the variable constructor is not set"],
    ["${__proto__}", "the variable __proto__ is not set"],
  ])("%s: %s", async (text, expected) => {
    await expect(store(text)).rejects.toThrow(expected);
  });

  it("gives what it stands for to the schema, which complains of that", async () => {
    const cwd = project({ ".mlmcprc.yaml": "cache:\n  ttl: ${TTL}\n" });
    const { message } = await failure({ cwd, env: { TTL: "soon" } });
    expect(message).toMatch(/cache\.ttl: expected a duration.*received "soon" \(.*\.mlmcprc\.yaml:2:3\)/);
  });
});
