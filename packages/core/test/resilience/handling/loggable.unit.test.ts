import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { loggable, withoutSecrets } from "../../../src/resilience/handling/loggable.js";

const secret = "[secret]";

describe("what goes into a log", () => {
  it.each<[string, unknown, unknown]>([
    ["plain data", { a: [1, "x", true, null], b: { c: 2 } }, { a: [1, "x", true, null], b: { c: 2 } }],
    ["numbers that JSON has not", [NaN, Infinity, 12n], ["NaN", "Infinity", "12"]],
    ["a symbol and a function", [Symbol("s"), function load() {}], ["Symbol(s)", "[function load]"]],
    ["a Date", [new Date(0), new Date(NaN)], ["1970-01-01T00:00:00.000Z", "Invalid Date"]],
    ["an error", { error: new TypeError("no") }, { error: { name: "TypeError", message: "no" } }],
    ["a Map and a Set", [new Map([["a", 1]]), new Set([1, 2])], [{ a: 1 }, [1, 2]]],
    ["bytes", new Uint8Array(3), "[Uint8Array of 3 bytes]"],
    [
      "Headers",
      new Headers({ accept: "x", authorization: "Bearer abcdefgh" }),
      { accept: "x", authorization: secret },
    ],
    ["undefined", undefined, undefined],
  ])("is %s as it can be written", (_, value, expected) => expect(loggable(value)).toEqual(expected));

  it("has no secrets, by their key", () => {
    const context = {
      password: "p",
      dbPassword: "p",
      "x-api-key": "k",
      AUTH_TOKEN: "t",
      Authorization: "Basic x",
      cookies: ["a"],
      nested: { clientSecret: { deep: "s" }, credentials: [1] },
      session: { sessionId: 7 },
      signingKey: "k",
      passwordHash: "h",
    };
    expect(loggable(context)).toEqual({
      password: secret,
      dbPassword: secret,
      "x-api-key": secret,
      AUTH_TOKEN: secret,
      Authorization: secret,
      cookies: secret,
      nested: { clientSecret: secret, credentials: secret },
      session: { sessionId: secret },
      signingKey: secret,
      passwordHash: secret,
    });
  });

  it("keeps what only sounds like a secret", () => {
    const context = {
      tokenizer: "bpe",
      maxTokens: 100,
      tokens: 5,
      passwordLength: 8,
      opinion: "x",
      secretary: "Ann",
      hasPassword: true,
      keyboard: "de",
      token: null,
    };
    expect(loggable(context)).toEqual(context);
  });

  it.each([
    ["postgres://app:hunter2@db:5432/x", `postgres://app:${secret}@db:5432/x`],
    ["redis://:hun@ter2@cache", `redis://:${secret}@cache`],
    ["GET /x?page=2&token=abc&size=3", `GET /x?page=2&token=${secret}&size=3`],
    ["Authorization: Bearer eyJhbGciOi.J9.x", `Authorization: Bearer ${secret}`],
    ['{"password":"p w","user":"u"}', `{"password":"${secret}","user":"u"}`],
    ["password=a;user=b", `password=${secret};user=b`],
    ["GET /x#access_token=abc&spin=1&pin=4711", `GET /x#access_token=${secret}&spin=1&pin=${secret}`],
    ["dbpassword=a signingKey=b maxTokens=5", `dbpassword=${secret} signingKey=${secret} maxTokens=5`],
    ['{"client_secret" : "a","opinion":"b"}', `{"client_secret" : "${secret}","opinion":"b"}`],
    ['Error: "password":"p"', `Error: "password":"${secret}"`],
    ['{"password":"p\\"w"}', `{"password":"${secret}"}`],
    ['body: "{\\"token\\":\\"abc\\",\\"page\\":2}"', `body: "{\\"token\\":\\"${secret}\\",\\"page\\":2}"`],
    ["{ user: 'u', apiKey: 'it\\'s', page: 2 }", `{ user: 'u', apiKey: '${secret}', page: 2 }`],
    ["{ 'x-api-key': \"k'k\" }", `{ 'x-api-key': "${secret}" }`],
    [`{ body: '{"password":"p"}' }`, `{ body: '{"password":"${secret}"}' }`],
    ['run="psql password=abc host=db"', `run="psql password=${secret} host=db"`],
    ["GET /x?back=/y?token=abc", `GET /x?back=/y?token=${secret}`],
    ["psql password='a b' dbname=c", `psql password=${secret} dbname=c`],
    ["fatal: https://ghp_abc@github.com/a/b.git", `fatal: https://${secret}@github.com/a/b.git`],
    ["ssh://git@github.com and https://x.example/@me", "ssh://git@github.com and https://x.example/@me"],
    ["Unexpected token '<' in JSON", "Unexpected token '<' in JSON"],
    ["TypeError: token: not a text", "TypeError: token: not a text"],
    ["http://localhost:3000/a@b", "http://localhost:3000/a@b"],
    ["the bearer of bad news", "the bearer of bad news"],
  ])("has no secrets within a text: %s", (text, expected) => {
    expect(withoutSecrets(text)).toBe(expected);
    expect(loggable([text])).toEqual([expected]);
  });

  it("ends, whatever is nested, circular, long or cannot be read", () => {
    const circle: Record<string, unknown> = { a: 1 };
    circle["self"] = circle;
    expect(loggable(circle)).toEqual({ a: 1, self: "[circular]" });
    const deep = { a: { b: { c: { d: { e: { f: { g: 1 } } } } } } };
    expect(JSON.stringify(loggable(deep))).toContain('"f":"[too deep]"');
    expect(loggable(Array.from({ length: 102 }, () => 0))).toHaveLength(101);
    expect((loggable("x".repeat(20_000)) as string).length).toBe(10_001);
    const shared = { once: 1 };
    expect(loggable([shared, shared])).toEqual([shared, shared]);
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    expect(loggable({ proxy })).toEqual({ proxy: expect.stringMatching(/^\[unreadable/) });
  });

  it("can be written as JSON whatever it was, and never changes it", () => {
    const anything = fc.anything({
      withBigInt: true,
      withDate: true,
      withMap: true,
      withSet: true,
      withNullPrototype: true,
      withSparseArray: true,
      withTypedArray: true,
    });
    fc.assert(
      fc.property(anything, (value) => {
        if (typeof value === "object" && value !== null && !ArrayBuffer.isView(value)) Object.freeze(value);
        expect(() => JSON.stringify({ value: loggable(value) })).not.toThrow();
      }),
      { numRuns: 1000 },
    );
  });

  it("is found without reading a long text again from each of its letters", () => {
    // A pattern that did would not be through before the test's time is.
    const hostile = [
      "a".repeat(200_000),
      "a://".repeat(50_000),
      "a://b:".repeat(30_000),
      '"'.repeat(100_000),
      "password".repeat(20_000),
      "keyboard: '".repeat(20_000),
      "keyboard='".repeat(20_000),
      '\\"keyboard\\":'.repeat(20_000),
      "\\".repeat(100_000),
      "a.".repeat(100_000),
      "a=".repeat(100_000),
      '"a" '.repeat(50_000),
      `"a"${" ".repeat(200_000)}`,
    ];
    for (const text of hostile) expect(withoutSecrets(text)).toHaveLength(text.length);
  });
});
