import { inspect } from "node:util";
import fc from "fast-check";
import { describe, expect, it, onTestFinished } from "vitest";
import { resolveConfig } from "../../../src/config/load.js";
import { deepFreeze } from "../../../src/config/plain.js";
import { redact, secretsWithin } from "../../../src/config/secrets/redaction.js";
import { readSources } from "../../../src/config/sources/sources.js";
import type { ConfigurationError } from "../../../src/errors/index.js";
import { failure, load, project, warningsDuring } from "../project.js";

describe("redact", () => {
  it.each([
    "password",
    "dbPassword",
    "DB_PASSWORD",
    "passwordHash",
    "passphrase",
    "secret",
    "clientSecret",
    "secrets",
    "token",
    "accessToken",
    "auth_token",
    "auth-token",
    "apiKey",
    "api_key",
    "APIKey",
    "apikey",
    "openaiApiKey",
    "encryptionKey",
    "encryption_key",
    "credential",
    "awsCredentials",
    "privateKey",
    "secretAccessKey",
    "signingKey",
    "authorization",
    "sessionCookie",
    "sessionId",
    "jwt",
    "dbpassword",
    "authtoken",
  ])("hides a text that is named %s", (key) => {
    expect(redact({ [key]: "hunter2", other: 1 }, [])).toEqual({ [key]: "[secret]", other: 1 });
    expect(redact("hunter2", ["a", key])).toBe("[secret]");
    expect(redact({ [key]: ["hunter2", "x"] }, [])).toEqual({ [key]: ["[secret]", "[secret]"] });
  });

  it.each([
    ["tokenizer", "bpe"],
    ["keyboard", "x"],
    ["secretary", "x"],
    ["passwordless", "x"],
    ["key", "x"],
    ["publicKey", "x"],
    ["maxTokens", 100],
    ["opinion", "x"],
    ["passes", "x"],
    ["passwordMinLength", 8],
    ["secret", true],
    ["tokens", {}],
    ["credentials", { user: "x" }],
  ])("shows %s: %j", (key, value) => {
    const shown = { [key]: value };
    expect(redact(shown, [])).toBe(shown);
  });

  it("hides a number that is named like one secret", () => {
    expect(redact({ password: 4711, pin: { apiKey: 1 } }, [])).toEqual({
      password: "[secret]",
      pin: { apiKey: "[secret]" },
    });
  });

  it.each([
    ["redis://app:hunter2@host:6379/0", "redis://app:[secret]@host:6379/0"],
    ["redis://:hunter2@host", "redis://:[secret]@host"],
    ["postgres://u:p@ss:w/rd@host/db", "postgres://u:[secret]@host/db"],
    ["mongodb+srv://u:hunter2@a,b/x?retry=true", "mongodb+srv://u:[secret]@a,b/x?retry=true"],
    ["see https://u:hunter2@host for more", "see https://u:[secret]@host for more"],
    ["libsql://host/db?authToken=hunter2&x=1", "libsql://host/db?authToken=[secret]&x=1"],
    ["https://host/?a=1&api_key=hunter2", "https://host/?a=1&api_key=[secret]"],
    ["Server=x;Password=hunter2;Port=1", "Server=x;Password=[secret];Port=1"],
    ["host=h password=hunter2 user=u", "host=h password=[secret] user=u"],
    ["host=h password='hunter 2' user=u", "host=h password=[secret] user=u"],
    ["Server=x; Password=hunter2 and 3;Port=1", "Server=x; Password=[secret];Port=1"],
    ['Password="hunter;2";Port=1', "Password=[secret];Port=1"],
    ["AccountName=a;AccountKey=hunter2==;x=1", "AccountName=a;AccountKey=[secret];x=1"],
    ["a\n-----BEGIN RSA PRIVATE KEY-----\nhunter2\n-----END RSA PRIVATE KEY-----\n", "a\n[secret]\n"],
    ["-----BEGIN PRIVATE KEY-----\nhunter2", "[secret]"],
    ["redis://u:1234/x@host", "redis://u:[secret]@host"],
    ["redis://u:1234/x y@host:6379/0", "redis://u:[secret]@host:6379/0"],
    ["redis://u:1234 x@host", "redis://u:[secret]@host"],
    ["redis://u:1234?x@host", "redis://u:[secret]@host"],
    ["redis://u:1234#x@host", "redis://u:[secret]@host"],
    ["redis://u@x:hunter2@host", "redis://u@x:[secret]@host"],
    ["redis://u/x:hunter2@host", "redis://u/x:[secret]@host"],
    ["redis://u#x:hunter2@host", "redis://u#x:[secret]@host"],
    ["redis://h:6379/0 or redis://u:hunter2@host", "redis://h:[secret]@host"],
    // What might be a port as well as the beginning of a password is not shown.
    ["https://host:8080/@scope/x", "https://host:[secret]@scope/x"],
    ["Bearer hunter2-9f8e7d", "Bearer [secret]"],
    ["authorization: Basic aHVudGVyMjpodW50ZXIy==, x", "authorization: Basic [secret], x"],
    ["https://host/#access_token=hunter2&state=1", "https://host/#access_token=[secret]&state=1"],
    [
      "https://host/?sessionId=hunter2&pin=4711&spin=1",
      "https://host/?sessionId=[secret]&pin=[secret]&spin=1",
    ],
  ])("hides the password in %s", (text, expected) => {
    expect(redact(text, ["url"])).toBe(expected);
  });

  it.each([
    "redis://host:6379/0",
    "redis://app@host",
    "https://host:8080/x",
    "https://host/@scope/x",
    "redis://app@host:6379/0",
    "sqlite://C:/data/cache.db",
    "a:b@c",
    "user@host",
    "http://[::1]:80/",
    "Bearer authentication is used",
    "Basic v2 plan",
  ])("shows %s as it is", (text) => expect(redact(text, ["url"])).toBe(text));

  it("hides whatever stands at a secret place or below it, but not what is missing there", () => {
    const isSecret = (path: readonly (string | number)[]) => path.join(".") === "a.0";
    expect(redact({ a: [{ b: 1 }, 2] }, [], isSecret)).toEqual({ a: ["[secret]", 2] });
    expect(redact(1, ["a", 0, "b"], isSecret)).toBe("[secret]");
    expect(redact(undefined, ["a", 0], isSecret)).toBeUndefined();
  });

  it("hides what is secret in a URL, a Map and a Set, which code may give", () => {
    const url = new URL("https://u:hunter2@host/?token=hunter2&a=1");
    expect(redact(url, ["url"])).toBe("https://u:[secret]@host/?token=[secret]&a=1");
    expect(
      redact(
        new Map<unknown, unknown>([
          ["password", "hunter2"],
          ["url", url],
          [1, { token: "x" }],
        ]),
        [],
      ),
    ).toEqual({
      password: "[secret]",
      url: "https://u:[secret]@host/?token=[secret]&a=1",
      1: { token: "[secret]" },
    });
    expect(redact(new Map([[{ a: 1 }, url]]), [])).toEqual({ 0: expect.stringContaining("[secret]") });
    expect(redact(new Set(["a", "redis://:hunter2@h"]), [])).toEqual(["a", "redis://:[secret]@h"]);
    expect(redact({ tokens: new Set(["x"]) }, [])).toEqual({ tokens: ["[secret]"] });
    expect(redact(new Map([["a", new Map([["b", 1]])]]), [], (path) => path.join(".") === "a.b")).toEqual({
      a: { b: "[secret]" },
    });
    expect(redact({ encryptionKey: Buffer.from("hunter2") }, [])).toEqual({ encryptionKey: "[secret]" });
    const harmless = {
      urls: new Set([new URL("https://host/a")]),
      map: new Map([["a", new Date(0)]]),
      token: () => "hunter2",
      tokenExpiry: new Date(0),
    };
    expect(redact(harmless, [])).toBe(harmless);
    const circle = new Map<string, unknown>([["token", "x"]]);
    circle.set("self", circle);
    expect(redact(circle, [])).toEqual({ token: "[secret]", self: circle });
  });

  it("changes nothing that it is given, and takes no longer for texts that look like many URLs", () => {
    fc.assert(
      fc.property(fc.object({ key: fc.constantFrom("token", "a", "__proto__"), maxDepth: 3 }), (value) => {
        const before = structuredClone(value);
        redact(deepFreeze(value), []);
        expect(value).toEqual(before);
      }),
    );
    for (const part of [
      "a",
      "a://",
      "a://b:",
      "?a_",
      "://:",
      "@",
      "a=",
      "?token=",
      "a='",
      ";token=",
      "-----BEGIN PRIVATE KEY-----",
      "Bearer ",
      "Basic aaaaaaaa",
    ]) {
      const text = part.repeat(1_000_000 / part.length);
      expect(typeof redact(text, [])).toBe("string");
    }
  });
});

describe("secretsWithin", () => {
  it.each([
    ["redis://u:p%40ss@host", ["p@ss"]],
    ["redis://a:one@h1,redis://b:two@h2", ["one", "two"]],
    ["postgres://u:p@ss:w/rd@host/db", ["p@ss:w/rd"]],
    ["https://h/?token=a&b=1#api_key=c", ["a", "c"]],
    ["redis://u:100%@host", ["100%"]],
    ["redis://host:6379/0", []],
    ["nothing", []],
  ])("finds them in %s", (text, expected) => {
    expect(secretsWithin(text)).toEqual(expect.arrayContaining(expected));
    if (expected.length === 0) expect(secretsWithin(text)).toEqual([]);
  });
});

describe("a secret", () => {
  /** Everything that a load shows of itself: the error where it fails, warnings, and all ways to look at what it gives. */
  async function shownBy(options: Parameters<typeof load>[0]): Promise<string> {
    const shown: unknown[] = [];
    const show = (value: unknown) =>
      shown.push(inspect(value, { depth: 20, showHidden: true }), JSON.stringify(value), String(value));
    const warnings = await warningsDuring(async () => {
      try {
        const config = await load(options);
        show(config);
        show(config.redacted());
        for (const section of ["cache", "operations", "plugins", "memory", "app"]) {
          show(config.redacted(section));
          show(config.explain(section));
        }
        for (const key of ["store", "encryptionKey", "pin", "tags", "tags.0", "remote", "remote.url"])
          show(config.explain(`cache.${key}`));
        show(config.explain('operations."A.b".cached.namespace'));
        show(config.operation("A.b").sources);
        show(config.operationIds);
      } catch (error) {
        show(error);
        show((error as { context: unknown }).context);
        show((error as Error).stack);
      }
    });
    return [...shown, inspect(warnings)].join("\n");
  }

  /** Recognisable, so that nothing else that is shown can be taken for it. */
  const secret = fc
    .string({ minLength: 1, maxLength: 30 })
    .map((text) => `hunter2${text.replaceAll(/[^!-~]/g, "x")}`);

  /** Ways to give a secret: rightly, and in every wrong way in which somebody might. */
  const ways: Record<string, (secret: string) => Parameters<typeof load>[0]> = {
    "in a file": (value) => ({ cwd: rc({ cache: { encryptionKey: value } }) }),
    "at a path whose schema says so": (value) => ({ config: { cache: { pin: value } } }),
    "where a map is wanted": (value) => ({ config: { memory: { io: { password: value } } } }),
    "by a mistyped key": (value) => ({ cwd: rc({ cache: { encryptionKye: value } }) }),
    "by a key of a mistyped section": (value) => ({
      cwd: rc({ cahce: { pin: value, encryptionKey: value } }),
    }),
    "in a list where a text is wanted": (value) => ({ config: { cache: { encryptionKey: [value] } } }),
    "in a map where a text is wanted": (value) => ({
      config: { cache: { encryptionKey: { value: value } } },
    }),
    "in a URL": (value) => ({
      config: { cache: { remote: { url: `redis://u:${encodeURIComponent(value)}@h/` } } },
    }),
    "in a URL where a number is wanted": (value) => ({
      config: { cache: { maxEntries: `redis://u:${encodeURIComponent(value)}@h` } },
    }),
    "in a variable": (value) => ({ env: { MLMCP_CACHE_ENCRYPTION_KEY: value } }),
    "in a variable for a number": (value) => ({ env: { MLMCP_CACHE_PIN: value } }),
    "in a variable for a whole object": (value) => ({
      env: {
        MLMCP_CACHE_REMOTE: JSON.stringify({ token: value }),
        MLMCP_OPERATIONS: `{"A.b":{"password":"${value}`,
      },
    }),
    "in a variable that nobody knows": (value) => ({ env: { MLMCP_CACHE_PASSWORD: value } }),
    "in the file of a variable": (value) => ({ env: { MLMCP_CACHE_STORE_FILE: file(value) } }),
    "in the file of a variable for a number": (value) => ({
      env: { MLMCP_CACHE_MAX_ENTRIES_FILE: file(value) },
    }),
    "by reference": (value) => ({ ...referring(value), cwd: rc({ cache: { store: "secret://vault/x" } }) }),
    "by reference, in a list": (value) => ({
      ...referring(value),
      config: { cache: { tags: ["secret://vault/x"] } },
    }),
    "by reference, for a number": (value) => ({
      ...referring(value),
      config: { cache: { maxEntries: "secret://vault/x" } },
    }),
    "by reference, in an operation": (value) => ({
      ...referring(value),
      config: { operations: { "A.b": { cached: { namespace: "secret://vault/x" } } } },
    }),
    "by reference, for an option that is none": (value) => ({
      ...referring(value),
      config: { operations: { "A.b": { retry: "secret://vault/x" } } },
    }),
    "in a variable that is referred to": (value) => ({
      cwd: rc({ cache: { encryptionKey: "${KEY}", store: "redis://u:${KEY_IN_URL}@h" } }),
      env: { KEY: value, KEY_IN_URL: encodeURIComponent(value) },
    }),
    "beside a reference that is wrong": (value) => ({
      cwd: rc({ cache: { store: "${KEY_OF_NOBODY}" } }),
      env: { KEY_OF_NOBODY_ELSE: value, KEY: value },
    }),
    "in options of a plugin": (value) => ({
      cwd: rc({
        plugins: { "@mlmcp/plugin-cache": { encryptionKey: value, pin: value }, other: { token: value } },
      }),
    }),
    "in the text of a file that is none": (value) => ({
      cwd: project({ ".mlmcprc": JSON.stringify(value) }),
    }),
    "in a file with a syntax error": (value) => ({
      cwd: project({ ".mlmcprc.json": `{ "cache": { "encryptionKey": ${value} ` }),
    }),
    "at run time": (value) => ({ runtime: { cache: { encryptionKey: value, pin: value } } }),
  };

  const rc = (value: object) => project({ ".mlmcprc.json": JSON.stringify(value) });
  const file = (content: string) => `${project({ secret: content })}/secret`;
  const referring = (value: string) => ({
    secretResolvers: [{ provider: "vault", resolve: () => Promise.resolve(value) }],
  });

  it.each(Object.entries(ways))("never shows when it is given %s", async (_, give) => {
    const listener = () => undefined;
    process.on("warning", listener);
    onTestFinished(() => void process.off("warning", listener));
    await fc.assert(
      fc.asyncProperty(secret, async (value) => {
        const shown = await shownBy(give(value));
        expect(shown).not.toContain(value);
        expect(shown).not.toContain(encodeURIComponent(value));
        expect(shown.replaceAll("MLMCP", "")).not.toContain("hunter2");
      }),
      { numRuns: 20 },
    );
  });

  it("is given to the application all the same", async () => {
    const config = await load({ config: { cache: { encryptionKey: "hunter2", pin: 4711 } } });
    expect([config.get("cache.encryptionKey"), config.section<object>("cache")]).toMatchObject([
      "hunter2",
      { encryptionKey: "hunter2", pin: 4711 },
    ]);
    expect(config.redacted("cache")).toMatchObject({ encryptionKey: "[secret]", pin: "[secret]" });
    expect(config.redacted("cache.pin")).toBe("[secret]");
    expect(config.explain("cache")).toMatchObject({ secret: true, overrode: [] });
    expect(config.explain("cache.ttl").secret).toBe(false);
    expect(config.redacted("nowhere")).toBeUndefined();
  });

  it("is hidden in a text that stands where a list or a map of secrets is wanted", async () => {
    const text = { type: "string", secret: true };
    const schema = {
      type: "object",
      properties: {
        keys: { type: "array", items: text },
        tenants: { type: "object", additionalProperties: { $ref: "#/$defs/tenant" } },
        tags: { type: "array", items: { type: "string" } },
      },
      $defs: { tenant: { anyOf: [text, { type: "object", properties: { key: text } }] } },
    };
    const env = {
      MLMCP_ML_KEYS: '["hunter2", ',
      MLMCP_ML_TENANTS: '{"acme":{"key":"hunter2"',
      MLMCP_ML_TAGS: '["a", ',
    };
    const sources = await readSources({ cwd: project(), env });
    const loading = resolveConfig(sources, { sections: [{ name: "ml", schema, plugin: "ml" }], advice: [] });
    const { message, context } = (await loading.catch((error: unknown) => error)) as ConfigurationError;
    expect(message + JSON.stringify(context)).not.toContain("hunter2");
    expect(message).toMatch(/ml\.keys: expected a list, received "\[secret\]"/);
    expect(message).toMatch(/ml\.tags: expected a list, received "\[\\"a\\", "/);
  });

  it("is hidden in what was received, and in the nearest valid key's place", async () => {
    const cwd = rc({ cache: { pin: "hunter2", encryptionKye: "hunter2", tll: 5 } });
    const { message, context } = await failure({ cwd });
    const received = Object.fromEntries(context.issues.map((issue) => [issue["path"], issue["received"]]));
    expect(received).toEqual({ "cache.pin": "[secret]", "cache.encryptionKye": "[secret]", "cache.tll": 5 });
    expect(message).toContain('received "[secret]"');
  });
});
