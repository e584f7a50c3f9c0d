import { Ajv } from "ajv";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { convert } from "../src/conversion.js";

const ajv = new Ajv({ allErrors: true, strictTypes: false, allowUnionTypes: true });

function converted(schema: object, value: unknown): unknown {
  const check = ajv.compile(schema);
  return check(value) ? value : convert(value, check.errors ?? []);
}

describe("conversion", () => {
  it.each([
    ["number", "5", 5],
    ["number", " -1.5e3 ", -1_500],
    ["number", ".5", 0.5],
    ["integer", "42", 42],
    ["boolean", "true", true],
    ["boolean", "false", false],
    ["string", 5, "5"],
    ["string", false, "false"],
    [["integer", "null"], "7", 7],
    [["boolean", "number"], "7", 7],
  ])("to %s gives for %j the value %j", (type, value, expected) => {
    expect(converted({ type }, value)).toBe(expected);
  });

  it.each([
    ["number", "five"],
    ["number", ""],
    ["number", "0x10"],
    ["number", "Infinity"],
    ["number", "1e999"],
    ["number", "12 apples"],
    ["integer", "9007199254740993"],
    ["boolean", "yes"],
    ["boolean", 1],
    ["boolean", ""],
    ["number", true],
    ["number", null],
    ["string", null],
    ["string", Number.NaN],
    ["null", ""],
    ["array", "a"],
    ["object", "{}"],
  ])("to %s leaves %j as it is", (type, value) => {
    expect(converted({ type }, value)).toBe(value);
  });

  it("goes to any depth, and takes the first type of a union that fits", () => {
    const schema = {
      type: "object",
      properties: {
        rows: {
          type: "array",
          items: { type: "object", properties: { "a/b~c": { type: "number" }, on: { type: "boolean" } } },
        },
        either: { anyOf: [{ type: "number" }, { type: "boolean" }] },
      },
    };
    expect(
      converted(schema, { rows: [{ "a/b~c": "1", on: "true" }, { on: "no" }], either: "true", kept: "5" }),
    ).toEqual({
      rows: [{ "a/b~c": 1, on: true }, { on: "no" }],
      either: true,
      kept: "5",
    });
  });

  it("copies only the way to what it converts", () => {
    const schema = {
      type: "object",
      properties: { page: { type: "object", properties: { limit: { type: "number" } } } },
    };
    const value = { page: { limit: "5", marker: { deep: 1 } }, buffer: new Uint8Array(2), now: new Date(0) };
    const result = converted(schema, value) as typeof value;
    expect(result).not.toBe(value);
    expect(result.page).toEqual({ limit: 5, marker: { deep: 1 } });
    expect(result.page.marker).toBe(value.page.marker);
    expect(result.buffer).toBe(value.buffer);
    expect(result.now).toBe(value.now);
  });

  it("never changes what it is given, at any depth", () => {
    const leaf = fc.oneof(fc.constantFrom("1", "true", "x"), fc.integer(), fc.boolean());
    const tree = fc.letrec((tie) => ({
      node: fc.oneof(
        { depthSize: "small" },
        leaf,
        fc.array(tie("node"), { maxLength: 4 }),
        fc.dictionary(fc.string(), tie("node"), { maxKeys: 4 }),
      ),
    })).node;
    const schema = {
      $ref: "#/definitions/node",
      definitions: {
        node: {
          type: ["number", "object", "array"],
          additionalProperties: { $ref: "#/definitions/node" },
          items: { $ref: "#/definitions/node" },
        },
      },
    };
    const check = ajv.compile(schema);
    fc.assert(
      fc.property(tree, (value) => {
        const before = structuredClone(value);
        if (!check(value)) convert(value, check.errors ?? []);
        expect(value).toEqual(before);
      }),
      { numRuns: 500 },
    );
  });

  it("does not enter objects of a class", () => {
    class Page {
      limit = "5";
    }
    const page = new Page();
    expect(converted({ type: "object", properties: { limit: { type: "number" } } }, page)).toBe(page);
    expect(page.limit).toBe("5");
  });

  it("keeps a prototype out of reach and missing where it was missing", () => {
    const schema = { type: "object", additionalProperties: { type: "number" } };
    const hostile = JSON.parse('{"__proto__": "1", "a": "2"}') as object;
    const result = converted(schema, hostile) as object;
    expect(Object.getPrototypeOf(result)).toBe(Object.prototype);
    expect(Object.getOwnPropertyDescriptor(result, "__proto__")?.value).toBe(1);
    const bare = Object.assign(Object.create(null) as object, { a: "2" });
    expect(Object.getPrototypeOf(converted(schema, bare))).toBeNull();
  });

  it("converts ten thousand items without copying the array ten thousand times", () => {
    const value = Array.from({ length: 10_000 }, (_, index) => String(index));
    const result = converted({ type: "array", items: { type: "number" } }, value) as number[];
    expect(result).toEqual(Array.from({ length: 10_000 }, (_, index) => index));
  });
});
