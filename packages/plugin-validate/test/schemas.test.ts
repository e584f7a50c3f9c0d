import { ConfigurationError } from "@mlmcp/core";
import { SchemaCompiler, type Schema } from "@mlmcp/plugin-validate";
import { describe, expect, it } from "vitest";

const accepts = (schema: Schema, value: unknown, strict = false) =>
  new SchemaCompiler({ strict }).compile(schema)(value);

describe("SchemaCompiler", () => {
  it("compiles a schema object once", () => {
    const compiler = new SchemaCompiler();
    const schema = { type: "string" };
    expect(compiler.compile(schema)).toBe(compiler.compile(schema));
    expect(compiler.compile({ type: "string" })).not.toBe(compiler.compile(schema));
  });

  it("reads formats, and both drafts", () => {
    expect(accepts({ type: "string", format: "email" }, "nobody")).toBe(false);
    expect(accepts({ type: "string", format: "email" }, "a@b.example")).toBe(true);
    const tuple = {
      $schema: "https://json-schema.org/draft/2020-12/schema",
      type: "array",
      prefixItems: [{ type: "string" }],
    };
    expect(accepts(tuple, [1])).toBe(false);
    expect(accepts(tuple, ["a"])).toBe(true);
    expect(accepts({ $schema: "http://json-schema.org/draft-07/schema#", type: "string" }, "a")).toBe(true);
  });

  it.each([false, true])("keeps schemas apart that share an $id, also inside (strict: %s)", (strict) => {
    const compiler = new SchemaCompiler({ strict });
    for (const $schema of [
      "http://json-schema.org/draft-07/schema#",
      "https://json-schema.org/draft/2020-12/schema",
    ]) {
      const schema = (type: string) => ({
        $schema,
        $id: "https://schemas.example/a.json",
        $ref: "b.json",
        $defs: { b: { $id: "b.json", type } },
      });
      const [text, number] = [compiler.compile(schema("string")), compiler.compile(schema("number"))];
      expect([text("x"), text(1), number("x"), number(1)]).toEqual([true, false, false, true]);
    }
  });

  it("follows references to the schema itself and to its definitions", () => {
    const tree = {
      type: "object",
      properties: { left: { $ref: "#" }, name: { $ref: "#/definitions/name" } },
      definitions: { name: { type: "string" } },
    };
    expect(accepts(tree, { left: { left: { name: "x" } } })).toBe(true);
    expect(accepts(tree, { left: { left: { name: 1 } } })).toBe(false);
  });

  it("does not take inherited names for properties", () => {
    expect(accepts({ type: "object", required: ["constructor", "__proto__", "toString"] }, {})).toBe(false);
    expect(accepts({ type: "object", required: ["__proto__"] }, JSON.parse('{"__proto__":1}'))).toBe(true);
    expect(accepts({ type: "object", properties: { toString: { type: "string" } } }, {})).toBe(true);
  });

  it("refuses NaN and infinities as numbers", () => {
    expect(
      [Number.NaN, Infinity, -Infinity, 0, -0].map((value) => accepts({ type: "number" }, value)),
    ).toEqual([false, false, false, true, true]);
  });

  it.each<[string, Schema, RegExp]>([
    ["an unknown type", { type: "strnig" }, /type must be JSONType/],
    ["a misspelt keyword", { type: "number", minimun: 1 }, /unknown keyword: "minimun"/],
    ["an unknown format", { type: "string", format: "emial" }, /unknown format "emial"/],
    ["a pattern that does not parse", { type: "string", pattern: "(" }, /Unterminated group/],
    ["a keyword of the wrong type", { type: "number", minimum: "1" }, /minimum value must be \["number"\]/],
    ["a reference to nothing", { $ref: "#/definitions/none" }, /can't resolve reference/],
    [
      "a draft that it does not know",
      { $schema: "http://json-schema.org/draft-04/schema#", type: "string" },
      /draft-04/,
    ],
    [
      "an asynchronous schema, whose promise would pass for true",
      { $async: true, type: "string" },
      /\$async/,
    ],
  ])("names %s, whose schema it is, and what to do", (_, schema, reason) => {
    const compile = () => new SchemaCompiler().compile(schema, "args[0] of @validated on Reports.run");
    expect(compile).toThrow(ConfigurationError);
    expect(compile).toThrow(reason);
    expect(compile).toThrow(/^args\[0\] of @validated on Reports\.run is not a usable JSON Schema: /);
  });

  describe("in strict mode", () => {
    it("closes objects that list properties", () => {
      const schema = { type: "object", properties: { a: { type: "string" } } };
      expect(accepts(schema, { a: "x", b: 1 })).toBe(true);
      expect(accepts(schema, { a: "x", b: 1 }, true)).toBe(false);
      expect(accepts(schema, { a: "x" }, true)).toBe(true);
    });

    it.each<[string, Schema]>([
      ["a rule without its type", { minimum: 1 }],
      ["a required property that is not listed", { type: "object", properties: {}, required: ["a"] }],
      ["an open tuple", { type: "array", items: [{ type: "string" }] }],
      ["what the meta-schema forbids", { type: "number", multipleOf: 0 }],
    ])("refuses %s", (_, schema) => {
      expect(() => new SchemaCompiler().compile(schema)).not.toThrow();
      expect(() => new SchemaCompiler({ strict: true }).compile(schema)).toThrow(ConfigurationError);
    });
  });

  it("calls a value that cannot be read wrong, whatever is the matter with it", () => {
    const check = new SchemaCompiler().compile({
      type: "object",
      properties: { next: { $ref: "#" }, trap: { type: "string" } },
    });
    const circle: { next?: object } = {};
    circle.next = circle;
    const trap = Object.defineProperty({}, "trap", {
      enumerable: true,
      get: () => {
        throw new Error("hands off");
      },
    });
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    expect([circle, trap, proxy].map((value) => check(value))).toEqual([false, false, false]);
    check(trap);
    expect(check.errors?.[0]?.message).toContain("hands off");
    expect(check({ trap: "ok" })).toBe(true);
  });
});
