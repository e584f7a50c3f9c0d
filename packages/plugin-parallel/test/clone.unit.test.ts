import { describe, expect, it } from "vitest";
import { findUnclonable } from "../src/clone.js";

const step = () => 1;

describe("findUnclonable", () => {
  it.each<[string, unknown, string, RegExp]>([
    ["a function", step, "", /^the function step$/],
    ["a symbol", Symbol("s"), "", /^a symbol$/],
    ["a promise in an array", [1, Promise.resolve()], "[1]", /^a Promise$/],
    ["a function in objects", { a: { "b-c": [{ run: step }] } }, '.a["b-c"][0].run', /run|step/],
    ["a value of a map", new Map([["key", { run: step }]]), '.get("key").run', /function/],
    ["a key of a map", new Map([[step, 1]]), ".(key of a Map)", /function/],
    ["a member of a set", new Set([new WeakMap()]), ".(member of a Set)", /^a WeakMap$/],
    ["a proxy", { a: new Proxy({}, {}) }, ".a", /^a Proxy$/],
  ])("finds %s", (_, value, path, what) => {
    const found = findUnclonable(value);
    expect(found?.path).toBe(path);
    expect(found?.what).toMatch(what);
  });

  it("finds nothing in data, also where that is a circle", () => {
    const circle: Record<string, unknown> = { bytes: new Uint8Array(4), map: new Map([[{}, new Date(0)]]) };
    circle["self"] = circle;
    expect(findUnclonable(circle)).toBeUndefined();
  });
});
