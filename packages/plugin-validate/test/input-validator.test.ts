import { ConfigurationError, ValidationError } from "@mlmcp/core";
import { InputValidator, type ParameterRange, type ParameterType } from "@mlmcp/plugin-validate";
import { describe, expect, it } from "vitest";

const validator = new InputValidator();

describe("InputValidator.validateParameter", () => {
  it.each<[unknown, ParameterType, ParameterRange?]>([
    [5, "integer", { min: 5, max: 5 }],
    [0.5, "number"],
    [-0, "number", { min: 0 }],
    ["abc", "string", { min: 3, max: 3 }],
    ["👍👍", "string", { max: 2 }],
    [false, "boolean"],
    [[1, 2], "array", { min: 2 }],
    [{ a: 1 }, "object", { max: 1 }],
  ])("accepts %j as %s %j", (value, type, range) => {
    expect(validator.validateParameter("p", value, type, range)).toEqual({ ok: true, value, issues: [] });
  });

  it.each<[unknown, ParameterType, ParameterRange | undefined, string]>([
    [undefined, "string", undefined, "is required"],
    [null, "object", undefined, "must be object"],
    ["5", "number", undefined, "must be number"],
    [Number.NaN, "number", undefined, "must be number"],
    [Infinity, "number", undefined, "must be number"],
    [1.5, "integer", undefined, "must be integer"],
    [[], "object", undefined, "must be object"],
    [4, "number", { min: 5 }, "must be >= 5"],
    [6, "integer", { max: 5 }, "must be <= 5"],
    ["ab", "string", { min: 3 }, "must have at least 3 characters"],
    [[1, 2], "array", { max: 1 }, "must have at most 1 items"],
    [{}, "object", { min: 1 }, "must have at least 1 properties"],
  ])("refuses %j as %s %j: %s", (value, type, range, message) => {
    const answer = validator.validateParameter("limit", value, type, range);
    expect(answer.ok).toBe(false);
    expect(answer.issues).toMatchObject([{ path: "limit", message }]);
  });

  it.each<[ParameterType, ParameterRange]>([
    ["decimal" as ParameterType, {}],
    ["toString" as ParameterType, {}],
    ["boolean", { min: 1 }],
    ["number", { min: 2, max: 1 }],
    ["number", { min: Number.NaN }],
  ])("says that asking for %s %j makes no sense", (type, range) => {
    expect(() => validator.validateParameter("p", 1, type, range)).toThrow(ConfigurationError);
  });

  it("never shows a secret", () => {
    expect(
      validator.validateParameter("apiToken", "hunter2", "string", { min: 20 }).issues[0]!.received,
    ).toBe("[redacted]");
  });

  it("has a twin that returns the value or throws", () => {
    const port: number = validator.assertParameter("port", 80, "integer", { min: 1 });
    expect(port).toBe(80);
    expect(() => validator.assertParameter("port", 0, "integer", { min: 1 })).toThrow(
      "port must be >= 1 (received 0)",
    );
  });
});

describe("InputValidator.validate", () => {
  const schema = {
    type: "object",
    required: ["limit"],
    properties: { limit: { type: "integer", minimum: 1 } },
  };

  it("answers with the value or with everything that is wrong", () => {
    const value = { limit: 3 };
    expect(validator.validate(schema, value)).toEqual({ ok: true, value, issues: [] });
    expect(
      validator
        .validate(schema, { limit: 0.5 }, { name: "body" })
        .issues.map(({ path, keyword }) => `${path} ${keyword}`),
    ).toEqual(["body.limit type", "body.limit minimum"]);
  });

  it("converts a copy where it is asked to, and gives the given value back where that does not help", () => {
    const value = { limit: "3" };
    expect(validator.validate(schema, value).ok).toBe(false);
    expect(validator.validate(schema, value, { coerce: true })).toMatchObject({
      ok: true,
      value: { limit: 3 },
    });
    expect(value).toEqual({ limit: "3" });
    const negative = { limit: "-3" };
    const answer = validator.validate(schema, negative, { coerce: true });
    expect(answer).toMatchObject({
      ok: false,
      issues: [{ path: "value.limit", keyword: "minimum", received: "-3" }],
    });
    expect(answer.value).toBe(negative);
  });

  it("has a twin that returns the value or throws all issues", () => {
    expect(validator.assert<{ limit: number }>(schema, { limit: 3 }).limit).toBe(3);
    const failing = () => validator.assert(schema, {});
    expect(failing).toThrow(ValidationError);
    expect(failing).toThrow("The input is not valid: value.limit is required (received undefined)");
  });
});
