import { describe, expect, it } from "vitest";
import { closed } from "../src/closed.js";

const object = { type: "object", properties: { a: { type: "string" } } };
const shut = { ...object, additionalProperties: false };

describe("closing a schema", () => {
  it.each([
    ["an object", object, shut],
    ["items", { items: object }, { items: shut }],
    ["items of a tuple", { items: [object, true] }, { items: [shut, true] }],
    [
      "properties",
      { additionalProperties: true, properties: { b: object } },
      { additionalProperties: true, properties: { b: shut } },
    ],
    ["values of a map", { additionalProperties: object }, { additionalProperties: shut }],
    ["named patterns", { patternProperties: { "^x": object } }, { patternProperties: { "^x": shut } }],
    ["parts inside what is combined", { allOf: [{ items: object }] }, { allOf: [{ items: shut }] }],
  ])("shuts %s", (_, schema, expected) => {
    expect(closed(schema)).toEqual(expected);
  });

  it.each([
    ["what says so itself", { ...object, additionalProperties: true }],
    ["what says it with unevaluatedProperties", { ...object, unevaluatedProperties: { type: "number" } }],
    ["an object that lists nothing", { type: "object" }],
    ["an object that combines", { ...object, allOf: [object] }],
    ["branches", { anyOf: [object, { type: "null" }] }],
    // oxlint-disable-next-line unicorn/no-thenable -- a keyword of JSON Schema
    ["conditions", { if: object, then: object, else: object, not: object }],
    ["dependent schemas", { dependentSchemas: { a: object } }],
    ["an object beside a reference", { ...object, $ref: "#/definitions/b" }],
    ["definitions, which may be combined", { definitions: { b: object }, $defs: { c: object } }],
    ["true and false", true],
  ])("leaves open %s", (_, schema) => {
    expect(closed(schema)).toEqual(schema);
  });

  it("does not change the schema that it is given", () => {
    const schema = Object.freeze({
      ...object,
      properties: Object.freeze({ b: Object.freeze({ ...object }) }),
    });
    expect(closed(schema)).not.toEqual(schema);
  });
});
