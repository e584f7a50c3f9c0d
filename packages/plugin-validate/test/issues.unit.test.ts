import { describe, expect, it } from "vitest";
import { issuesOf, summaryOf } from "../src/issues.js";
import { SchemaCompiler, type Schema } from "../src/schemas.js";

function issues(schema: Schema, value: unknown, root = "value") {
  const check = new SchemaCompiler().compile(schema);
  return check(value) ? [] : issuesOf(check.errors ?? [], value, { root });
}
const one = (schema: Schema, value: unknown) => {
  const [first, ...more] = issues(schema, value);
  expect(more).toEqual([]);
  return first!;
};

describe("issues", () => {
  it("say where, what, what was expected and what was received, all at once", () => {
    const schema = {
      type: "object",
      additionalProperties: false,
      required: ["airport"],
      properties: {
        airport: { type: "string" },
        order: { enum: ["asc", "desc"] },
        rows: {
          type: "array",
          items: { type: "object", properties: { "delay (min)": { type: "number", minimum: 0 } } },
        },
      },
    };
    expect(issues(schema, { order: "up", rows: [{}, { "delay (min)": -5 }], extra: 1 }, "args[0]")).toEqual([
      {
        path: "args[0].airport",
        message: "is required",
        keyword: "required",
        expected: "a value",
        received: "undefined",
      },
      {
        path: "args[0].extra",
        message: "is not a known property",
        keyword: "additionalProperties",
        expected: "nothing",
        received: "1",
      },
      {
        path: "args[0].order",
        message: 'must be one of "asc", "desc"',
        keyword: "enum",
        expected: 'one of "asc", "desc"',
        received: '"up"',
      },
      {
        path: 'args[0].rows[1]["delay (min)"]',
        message: "must be >= 0",
        keyword: "minimum",
        expected: ">= 0",
        received: "-5",
      },
    ]);
  });

  it.each<[Schema, unknown, string, string]>([
    [{ type: ["string", "null"] }, 1, "must be string or null", "string or null"],
    [{ const: "v1" }, "v2", 'must be "v1"', '"v1"'],
    [false, 1, "must be left out", "nothing"],
    [{ type: "string", format: "email" }, "x", 'must match format "email"', 'format "email"'],
    [{ type: "array", maxItems: 1 }, [1, 2], "must NOT have more than 1 items", "NOT have more than 1 items"],
  ])("of %j about %j read: %s", (schema, value, message, expected) => {
    expect(one(schema, value)).toMatchObject({ message, expected });
  });

  it.each<[unknown, string]>([
    [undefined, "undefined"],
    [true, "true"],
    [Number.NaN, "NaN"],
    [-0, "-0"],
    ["short", '"short"'],
    ["x".repeat(41), "a text of 41 characters"],
    [10n ** 60n, `${"1".padEnd(39, "0")}…n`],
    [Symbol("s"), "a symbol"],
    [() => 1, "a function"],
    [[1, 2, 3], "an array of 3"],
    [{ a: 1, b: 2 }, "an object with 2 properties"],
    [new Map(), "a Map"],
    [new Date(Number.NaN), "a Date"],
    [new Uint8Array(3), "a Uint8Array"],
  ])("describe %o as %s", (value, received) => {
    expect(one({ type: "null" }, value).received).toBe(received);
  });

  it("never show the content of a container, a long text or a secret", () => {
    const secret = "hunter2";
    const schema = {
      type: "object",
      properties: Object.fromEntries(
        ["password", "apiKey", "API-KEY", "accessToken", "clientSecret"].map((key) => [
          key,
          { type: "string", minLength: 10 },
        ]),
      ),
    };
    const values = Object.fromEntries(Object.keys(schema.properties).map((key) => [key, secret]));
    const found = issues(schema, values);
    expect(found).toHaveLength(5);
    expect(JSON.stringify(found)).not.toContain(secret);
    expect(found[0]!.received).toBe("[redacted]");
    expect(JSON.stringify(issues({ type: "string" }, { password: secret, deep: [secret] }))).not.toContain(
      secret,
    );
  });

  it("redact what a schema calls secret, and long names that end like one", () => {
    const secret = "hunter2";
    const found = [
      one({ type: "string", minLength: 10, writeOnly: true }, secret),
      one({ type: "string", minLength: 10, format: "password" }, secret),
      one(
        { type: "object", additionalProperties: { type: "number" } },
        { [`${"x".repeat(60)}Password`]: secret },
      ),
      one(
        { type: "object", properties: { tokens: { type: "array", items: { type: "number" } } } },
        { tokens: [secret] },
      ),
    ];
    expect(found.map(({ received }) => received)).toEqual(Array.from({ length: 4 }, () => "[redacted]"));
    expect(one({ type: "object", required: ["password"] }, {}).received).toBe("undefined");
  });

  it("stay few and short under input that is made to be many or long", () => {
    expect(
      issues(
        { type: "array", items: { type: "string" } },
        Array.from({ length: 10_000 }, (_, index) => index),
      ),
    ).toHaveLength(100);
    const [issue] = issues({ type: "object", additionalProperties: false }, { ["k".repeat(100_000)]: 1 });
    expect(issue!.path.length).toBeLessThan(100);
    expect(issues({ enum: ["x".repeat(1_000)] }, 1)[0]!.message.length).toBeLessThan(100);
    const deep = Array.from({ length: 500 }).reduce<unknown>((inner) => ({ nested: inner }), "x");
    const found = one({ type: "object", properties: { nested: { $ref: "#" } } }, deep);
    expect(found.path).toMatch(/^value….*\.nested$/);
    expect(found.path.length).toBeLessThan(300);
  });

  it("name properties by their wrong names", () => {
    expect(one({ type: "object", propertyNames: { maxLength: 3 } }, { long_one: 1 })).toMatchObject({
      path: "value.long_one",
      message: "has a name that must NOT have more than 3 characters",
    });
  });

  it("are made of values that cannot be read too", () => {
    const trap = Object.defineProperty({}, "trap", {
      enumerable: true,
      get: () => {
        throw new Error("hands off");
      },
    });
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    expect(one({ type: "object", properties: { trap: { type: "string" } } }, trap)).toMatchObject({
      path: "value",
      message: "cannot be read: hands off",
      received: "an object with 1 properties",
    });
    expect(one({ type: "object", required: ["a"] }, proxy)).toMatchObject({
      received: "an unreadable object",
    });
    const touchy = new Proxy(
      {},
      {
        has: () => true,
        getOwnPropertyDescriptor: () => {
          throw new Error("no");
        },
      },
    );
    expect(
      issuesOf(
        [{ keyword: "type", instancePath: "/a", schemaPath: "", params: { type: "string" } }],
        touchy,
        { root: "value" },
      ),
    ).toMatchObject([{ path: "value.a", received: "undefined" }]);
  });

  it("are summed up in one line, with the rest counted", () => {
    const found = issues({ type: "array", items: { type: "string" } }, [1, 2, 3, 4, 5, 6, 7]);
    expect(summaryOf(found.slice(0, 1))).toBe("value[0] must be string (received 1)");
    expect(summaryOf(found)).toMatch(/value\[4\] must be string \(received 5\); and 2 more$/);
  });
});
