import { describe, expect, it } from "vitest";
import { fallbackProblem, type Fallback } from "../../../src/resilience/fallback/fallback.js";

const subject = { id: "Reports.load", methodName: "load", kind: "method", returns: "promise" } as const;

class Money {
  constructor(readonly amount: number) {}
}

describe("a value as a fallback", () => {
  it.each<[string, unknown]>([
    ["nothing", undefined],
    ["a primitive", 1n],
    ["plain data", { rows: [{ a: null, b: [undefined, "x"] }] }],
    ["dates, maps, sets and bytes", [new Date(0), new Map([["a", new Set([1])]]), new Uint8Array(2), /x/]],
  ])("may be %s, which comes back from a copy as it went in", (_, value) => {
    expect(fallbackProblem({ value }, subject)).toBeUndefined();
    expect(structuredClone(value)).toEqual(value);
  });

  it("may contain itself", () => {
    const value: { self?: unknown } = {};
    value.self = value;
    expect(fallbackProblem({ value }, subject)).toBeUndefined();
  });

  it.each<[string, unknown]>([
    ["an instance", new Money(1)],
    ["an instance deep inside", { prices: new Map([["LAX", [new Money(1)]]]) }],
    ["a function deep inside", [{ run: () => 1 }]],
    ["a symbol", Symbol("s")],
    ["a buffer, which would become mere bytes", Buffer.from("x")],
  ])("may not be %s, of which there is no copy", (_, value) => {
    expect(fallbackProblem({ value }, subject)).toMatch(/must be plain data/);
  });

  it("must be iterable where the method streams", () => {
    const streams = { ...subject, returns: "stream" };
    expect(fallbackProblem({ value: 7 }, streams)).toMatch(/must be iterable/);
    expect(fallbackProblem({ value: [7] }, streams)).toBeUndefined();
  });
});

describe("a method as a fallback", () => {
  it.each<[string, Fallback, string, RegExp | undefined]>([
    ["of a method is another method", "sample", "method", undefined],
    ["cannot be the method itself", "load", "method", /Name another method; .* `except: \["load"\]`/],
    ["cannot be named for a plain function", "sample", "function", /Give a function/],
  ])("%s", (_, fallback, kind, problem) => {
    const received = fallbackProblem(fallback, { ...subject, kind: kind as "method" });
    if (problem) expect(received).toMatch(problem);
    else expect(received).toBeUndefined();
  });
});
