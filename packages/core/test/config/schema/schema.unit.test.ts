import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkSchema, type JsonSchema } from "../../../src/config/schema/schema.js";

const cache: JsonSchema = {
  type: "object",
  properties: {
    ttl: { duration: true, default: "1h", minimum: 1, description: "How long." },
    maxBytes: { size: true, maximum: 1024 ** 3 },
    store: { type: "string", default: "memory" },
    mode: { enum: ["strict", "lenient"], default: "strict" },
    key: { typeof: "function" },
    io: {
      type: "object",
      default: {},
      properties: { maxConcurrent: { type: "integer", minimum: 1, default: 10 } },
    },
    breaker: {
      default: false,
      anyOf: [
        { const: false },
        {
          type: "object",
          properties: {
            failureThreshold: { type: "integer", default: 3 },
            resetAfter: { duration: true, default: "5m" },
          },
        },
      ],
    },
    labels: { type: "object", additionalProperties: { type: "string" } },
    http: {
      type: "object",
      properties: { port: { type: "integer" }, host: { type: "string", default: "127.0.0.1" } },
    },
    rules: {
      type: "array",
      items: { type: "object", properties: { after: { duration: true, default: "1s" } } },
    },
  },
};

const issues = (value: unknown, schema = cache) => checkSchema(schema, value).issues;

describe("checkSchema", () => {
  it("turns durations and sizes into numbers", () => {
    expect(checkSchema(cache, { ttl: "5m", maxBytes: "64MB" })).toEqual({
      value: { ttl: 300_000, maxBytes: 67_108_864 },
      issues: [],
    });
  });

  it("fills in defaults only where asked", () => {
    expect(checkSchema(cache, {}).value).toEqual({});
    expect(checkSchema(cache, {}, { defaults: true }).value).toEqual({
      ttl: 3_600_000,
      store: "memory",
      mode: "strict",
      io: { maxConcurrent: 10 },
      breaker: false,
    });
  });

  it("takes a property that is undefined as one that is missing", () => {
    expect(checkSchema(cache, { ttl: undefined, tll: undefined }, { defaults: true }).value).toMatchObject({
      ttl: 3_600_000,
    });
  });

  it("fills in a union's defaults where the value is an object", () => {
    expect(checkSchema(cache, { breaker: {} }, { defaults: true }).value).toMatchObject({
      breaker: { failureThreshold: 3, resetAfter: 300_000 },
    });
    expect(checkSchema(cache, { breaker: false }, { defaults: true }).value).toMatchObject({
      breaker: false,
    });
  });

  it("fills in defaults of list items, open objects and references", () => {
    const schema: JsonSchema = {
      $defs: { stop: { type: "object", properties: { after: { duration: true, default: "1s" } } } },
      type: "object",
      properties: {
        list: { type: "array", items: { $ref: "#/$defs/stop" } },
        one: { allOf: [{ $ref: "#/$defs/stop" }] },
      },
      additionalProperties: { $ref: "#/$defs/stop" },
    };
    const { value, issues: found } = checkSchema(
      schema,
      { list: [{}], one: {}, more: {} },
      { defaults: true },
    );
    expect(found).toEqual([]);
    expect(value).toEqual({ list: [{ after: 1_000 }], one: { after: 1_000 }, more: { after: 1_000 } });
  });

  it("gives each call defaults of its own", () => {
    const first = checkSchema<{ io: { maxConcurrent: number } }>(cache, {}, { defaults: true }).value;
    first.io.maxConcurrent = 99;
    expect(checkSchema(cache, {}, { defaults: true }).value).toMatchObject({ io: { maxConcurrent: 10 } });
  });

  it("leaves an object without a default out, with all that is in it", () => {
    expect(checkSchema(cache, {}, { defaults: true }).value).not.toHaveProperty("http");
    expect(checkSchema(cache, { http: {} }, { defaults: true }).value).toMatchObject({
      http: { host: "127.0.0.1" },
    });
  });

  it("converts a value that stands alone", () => {
    expect(checkSchema({ duration: true }, "5s")).toEqual({ value: 5_000, issues: [] });
    expect(checkSchema({ anyOf: [{ const: "stale" }, { duration: true }] }, "2s")).toEqual({
      value: 2_000,
      issues: [],
    });
  });

  it("checks bounds after converting", () => {
    expect(issues({ ttl: "0ms", maxBytes: "2GB" })).toEqual([
      { path: ["ttl"], message: "must be at least 1", received: "0ms" },
      { path: ["maxBytes"], message: "must be at most 1073741824", received: "2GB" },
    ]);
  });

  it("finds all that is wrong at once, with what was received", () => {
    expect(
      issues({ ttl: "soon", store: 5, io: { maxConcurrent: 1.5 }, mode: "strickt", key: "id", tll: 1 }),
    ).toEqual([
      { path: ["tll"], message: "unknown key", received: 1, suggestion: "ttl" },
      {
        path: ["ttl"],
        message: expect.stringContaining('expected a duration: milliseconds, or a text such as "250ms"'),
        received: "soon",
      },
      { path: ["store"], message: "expected a text", received: 5 },
      {
        path: ["mode"],
        message: 'expected one of "strict", "lenient"',
        received: "strickt",
        suggestion: "strict",
      },
      { path: ["key"], message: "expected a function, which only code can give", received: "id" },
      { path: ["io", "maxConcurrent"], message: "expected a whole number", received: 1.5 },
    ]);
  });

  it("closes every object whose schema has properties, and no other", () => {
    expect(issues({ io: { maxConcurent: 1 } })).toEqual([
      { path: ["io", "maxConcurent"], message: "unknown key", received: 1, suggestion: "maxConcurrent" },
    ]);
    expect(issues({ labels: { any: "thing" } })).toEqual([]);
    expect(issues({ labels: { any: 1 } })).toEqual([
      { path: ["labels", "any"], message: "expected a text", received: 1 },
    ]);
  });

  it("takes additionalProperties as written, and lets conditions see a part of the keys", () => {
    const open: JsonSchema = {
      type: "object",
      properties: { a: { type: "number" } },
      additionalProperties: true,
    };
    expect(issues({ a: 1, b: 2 }, open)).toEqual([]);
    const conditional: JsonSchema = {
      type: "object",
      properties: { kind: { type: "string" }, url: { type: "string" } },
      if: { properties: { kind: { const: "local" } } },
      else: { required: ["url"] },
    };
    expect(issues({ kind: "remote" }, conditional)).toEqual([{ path: ["url"], message: "is required" }]);
    expect(issues({ kind: "local" }, conditional)).toEqual([]);
  });

  it("tells of a union what was nearest to it", () => {
    expect(issues({ breaker: { failureTreshold: 2 } })).toEqual([
      {
        path: ["breaker", "failureTreshold"],
        message: "unknown key",
        received: 2,
        suggestion: "failureThreshold",
      },
    ]);
    expect(issues({ breaker: "yes" })).toEqual([
      { path: ["breaker"], message: "expected false, or an object", received: "yes" },
    ]);
  });

  it("tells with a bound of one branch which values others name", () => {
    const messages = (anyOf: readonly JsonSchema[], values: readonly unknown[]) =>
      values.map((value) => issues(value, { anyOf })[0]?.message);
    expect(messages([{ type: "integer", minimum: 1 }, { const: -1 }], [0, -2, 1.5])).toEqual([
      "must be at least 1, or -1",
      "must be at least 1, or -1",
      "expected a whole number, or -1",
    ]);
    const limit = [{ const: false }, { enum: ["auto", "all"] }, { type: "number", maximum: 9 }];
    expect(messages(limit, [10, "none"])).toEqual([
      'must be at most 9, or false, or one of "auto", "all"',
      'expected false, or one of "auto", "all", or a number',
    ]);
    const url = { type: "string", pattern: "^https:", title: "a URL", examples: ["https://x.org"] };
    expect(messages([url, { const: false }], ["x.org"])).toEqual([
      'expected a URL such as "https://x.org", or false',
    ]);
  });

  it("tells of each item of a list what was nearest to it", () => {
    const items: JsonSchema = {
      anyOf: [
        { type: "string", minLength: 3 },
        { type: "object", properties: { a: { type: "number" } } },
      ],
    };
    expect(issues(["a", { a: "x" }, 5, { b: 1 }], { type: "array", items })).toEqual([
      { path: [0], message: "must NOT have fewer than 3 characters", received: "a" },
      { path: [1, "a"], message: "expected a number", received: "x" },
      { path: [2], message: "expected a text, or an object", received: 5 },
      { path: [3, "b"], message: "unknown key", received: 1, suggestion: "a" },
    ]);
  });

  it("says how far a number or a text may go", () => {
    const schema: JsonSchema = {
      type: "object",
      properties: {
        a: { exclusiveMinimum: 0, exclusiveMaximum: 1 },
        b: { type: "string", minLength: 2 },
        c: { pattern: "^x" },
      },
    };
    const messages = [{ a: 0 }, { a: 1 }, { b: "b" }, { c: "y" }].map(
      (value) => issues(value, schema)[0]?.message,
    );
    expect(messages).toEqual([
      "must be more than 0",
      "must be less than 1",
      "must NOT have fewer than 2 characters",
      'must match pattern "^x"',
    ]);
  });

  it("gives examples in place of a pattern, beside the other kinds of text that a union takes", () => {
    const store = {
      title: "a URL",
      type: "string",
      pattern: "^(memory:|sqlite://.+)$",
      examples: ["sqlite://cache.db", "memory:"],
    };
    const share = { title: 'a share up to "100%"', type: "string", pattern: "^\\d+%$", examples: ["10%"] };
    const schema: JsonSchema = {
      type: "object",
      properties: {
        store: { anyOf: [store, { type: "object" }] },
        jitter: { anyOf: [{ duration: true }, share] },
      },
    };
    const message = (value: object) => issues(value, schema).map((issue) => issue.message);
    expect(message({ store: "sqlit://x" })).toEqual([
      'expected a URL such as "sqlite://cache.db", "memory:"',
    ]);
    expect(message({ store: 5 })).toEqual(["expected a text, or an object"]);
    expect(message({ jitter: "10 moons" })).toEqual([
      'expected a duration: milliseconds, or a text such as "250ms", "5s", "30m", "1h", "1d", or a share up to "100%" such as "10%"',
    ]);
  });

  it("names a function among the kinds only where nothing else would do", () => {
    const schema: JsonSchema = {
      type: "object",
      properties: { ttl: { anyOf: [{ duration: true }, { typeof: "function" }] } },
    };
    expect(issues({ ttl: "soon" }, schema)[0]?.message).toBe(
      'expected a duration: milliseconds, or a text such as "250ms", "5s", "30m", "1h", "1d"',
    );
    expect(issues({ ttl: {} }, schema)[0]?.message).not.toContain("function");
  });

  it("says what is wrong with a length or a size below 0", () => {
    const schema: JsonSchema = {
      type: "object",
      properties: {
        ttl: { anyOf: [{ duration: true }, { typeof: "function" }] },
        pause: { duration: true },
        room: { size: true },
      },
    };
    expect(issues({ ttl: -5 }, schema)).toEqual([
      { path: ["ttl"], message: "must be at least 0", received: -5 },
    ]);
    expect(issues({ pause: "-5m", room: -1 }, schema)).toEqual([
      { path: ["pause"], message: "must be at least 0", received: "-5m" },
      { path: ["room"], message: "must be at least 0", received: -1 },
    ]);
  });

  it("names a position in a list by its number", () => {
    expect(issues({ rules: [{}, { after: [] }] })).toEqual([
      { path: ["rules", 1, "after"], message: expect.stringContaining("a duration"), received: [] },
    ]);
  });

  it("knows only own keys", () => {
    const schema: JsonSchema = { type: "object", properties: { a: {} }, required: ["constructor"] };
    expect(issues({}, schema)).toEqual([{ path: ["constructor"], message: "is required" }]);
    expect(issues(JSON.parse('{ "__proto__": { "ttl": 1 } }'))).toEqual([
      { path: ["__proto__"], message: "unknown key", received: { ttl: 1 } },
    ]);
  });

  it("keeps functions and instances by reference", () => {
    const key = () => "k";
    const store = new Map([["a", 1]]);
    const schema: JsonSchema = {
      type: "object",
      properties: { key: { typeof: "function" }, store: { type: "object" } },
    };
    const { value } = checkSchema<{ key: unknown; store: unknown }>(schema, { key, store });
    expect(value.key).toBe(key);
    expect(value.store).toBe(store);
  });

  it("refuses a value that contains itself", () => {
    const value: Record<string, unknown> = { labels: {} };
    value["labels"] = { again: value };
    expect(issues(value)).toEqual([{ path: ["labels", "again"], message: "the value contains itself" }]);
  });

  describe("refuses a schema that is wrong itself", () => {
    const message = (schema: JsonSchema, of?: string): string => {
      try {
        checkSchema(schema, {}, of === undefined ? {} : { of });
      } catch (error) {
        if (error instanceof TypeError) return error.message;
      }
      throw new Error("The schema was taken.");
    };
    const wrong = { type: "number", minimun: 1 };

    it.each([
      [wrong, ': unknown keyword: "minimun"'],
      [{ properties: { wait: wrong } }, ' at properties.wait: unknown keyword: "minimun"'],
      [{ properties: { "a.b": { items: wrong } } }, ' at properties."a.b".items: unknown keyword: "minimun"'],
      [{ properties: { list: { anyOf: [{ type: "null" }, wrong] } } }, " at properties.list.anyOf.1: "],
      [
        { $defs: { io: wrong }, properties: { io: { $ref: "#/$defs/io" } } },
        ' at $defs.io: unknown keyword: "minimun"',
      ],
      [{ properties: { wait: { type: "strng" } } }, " at properties.wait: type must be JSONType"],
      [{ properties: { wait: { pattern: "(" } } }, " at properties.wait: Invalid regular expression"],
      [
        { $defs: { a: {} }, properties: { a: { $ref: "#/$defs/a" }, b: { $ref: "#/$defs/b" } } },
        " at properties.b: can't resolve reference #/$defs/b",
      ],
      [
        { properties: { wait: { duration: true, minimun: 1 } } },
        ' at properties.wait: unknown keyword: "min',
      ],
    ])("and says where: %j", (schema, expected) => {
      expect(message(schema)).toContain(`The JSON Schema is wrong${expected}`);
    });

    it("and says whose it is, but not all that is in it", () => {
      const schema = { description: "Long prose.", properties: { wait: wrong } };
      expect(message(schema, 'the section "lab"')).toBe(
        'The JSON Schema of the section "lab" is wrong at properties.wait: unknown keyword: "minimun". ' +
          "Correct it where it is defined.",
      );
      expect(message(schema, "@lab")).toMatch(/^The JSON Schema of @lab is wrong at /);
    });
  });

  it("never changes what it is given, whatever that is", () => {
    fc.assert(
      fc.property(
        fc.object({ key: fc.constantFrom("ttl", "store", "io", "breaker", "labels", "x", "maxConcurrent") }),
        (value) => {
          const before = structuredClone(value);
          checkSchema(cache, value, { defaults: true });
          expect(value).toEqual(before);
        },
      ),
    );
  });

  it("finds its own result right, and leaves it as it is", () => {
    const duration = fc.oneof(
      fc.nat(),
      fc.tuple(fc.nat(999), fc.constantFrom("ms", "s", "m", "h", "d")).map(([n, unit]) => `${n + 1}${unit}`),
    );
    const valid = fc.record(
      {
        ttl: duration.filter((value) => value !== 0),
        store: fc.string(),
        io: fc.record({ maxConcurrent: fc.integer({ min: 1 }) }, { requiredKeys: [] }),
        breaker: fc.oneof(fc.constant(false), fc.record({ resetAfter: duration }, { requiredKeys: [] })),
        labels: fc.dictionary(fc.string(), fc.string()),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(valid, (value) => {
        const once = checkSchema(cache, value, { defaults: true });
        expect(once.issues).toEqual([]);
        expect(checkSchema(cache, once.value, { defaults: true })).toEqual(once);
      }),
    );
  });
});

describe("the keyword check", () => {
  const even = (value: unknown) => ((value as number) % 2 === 0 ? undefined : "is odd. Write an even number");

  it("says what is wrong with a value that matches otherwise, and shows nothing of it", () => {
    const schema = { type: "object", properties: { count: { type: "integer", minimum: 2, check: even } } };
    expect(checkSchema(schema, { count: 4 })).toEqual({ value: { count: 4 }, issues: [] });
    expect(issues({ count: 3 }, schema)).toEqual([
      { path: ["count"], message: "is odd. Write an even number" },
    ]);
    expect(issues({ count: 1 }, schema)).toEqual([
      { path: ["count"], message: "must be at least 2", received: 1 },
    ]);
    expect(issues({ count: "x" }, schema)).toEqual([
      { path: ["count"], message: "expected a whole number", received: "x" },
    ]);
  });

  it("sees durations and sizes as numbers, and a whole object with its defaults", () => {
    const seen: unknown[] = [];
    const check = (value: unknown): string | undefined => {
      seen.push(value);
      const { least, most } = value as { least: number; most: number };
      return least > most ? "must not have least above most" : undefined;
    };
    const schema = {
      type: "object",
      properties: { least: { duration: true }, most: { duration: true, default: "1s" } },
      check,
    };
    expect(checkSchema(schema, { least: "1s" }, { defaults: true })).toEqual({
      value: { least: 1000, most: 1000 },
      issues: [],
    });
    expect(checkSchema(schema, { least: "2s" }, { defaults: true }).issues).toEqual([
      { path: [], message: "must not have least above most" },
    ]);
    expect(new Set(seen.map((one) => JSON.stringify(one)))).toEqual(
      new Set(['{"least":1000,"most":1000}', '{"least":2000,"most":1000}']),
    );
    expect(issues({ least: "2s", mots: 1 }, schema)).toEqual([
      { path: ["mots"], message: "unknown key", received: 1, suggestion: "most" },
    ]);
    expect(issues("5m", { duration: true, check: even })).toEqual([]);
    expect(issues("5ms", { duration: true, check: even })).toEqual([
      { path: [], message: "is odd. Write an even number" },
    ]);
  });

  it("holds in a branch of a union and beside a reference", () => {
    const union = { anyOf: [{ type: "integer", check: even }, { type: "object" }] };
    expect([2, {}].map((value) => issues(value, union))).toEqual([[], []]);
    expect(issues(3, union)).toEqual([{ path: [], message: "is odd. Write an even number" }]);
    expect(issues("x", union)).toMatchObject([{ message: "expected a whole number, or an object" }]);
    const referring = {
      $defs: { count: { type: "integer" } },
      type: "object",
      properties: { count: { $ref: "#/$defs/count", check: even } },
      check: (value: unknown) => ("count" in (value as object) ? undefined : "has no count"),
    };
    expect(issues({ count: 2 }, referring)).toEqual([]);
    expect(issues({ count: 3 }, referring)).toEqual([
      { path: ["count"], message: "is odd. Write an even number" },
    ]);
    expect(issues({}, referring)).toEqual([{ path: [], message: "has no count" }]);
  });

  it("must be a function", () => {
    const schema = { type: "object", properties: { count: { check: "even" } } };
    expect(() => checkSchema(schema, {})).toThrow(
      /is wrong at properties\.count: .*check.* must be a function/,
    );
  });
});
