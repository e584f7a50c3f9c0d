import { inspect, isDeepStrictEqual } from "node:util";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { cacheKey, canonical, canonicalArguments, NotAKeyError } from "../../src/keys/canonical.js";
import { cacheable } from "../../src/values/classes.js";
import { comparable, lookalike, storable } from "../values/values.js";

class Loop {
  [cacheKey](): unknown {
    return { of: this };
  }
}

const withHole = (length: number): unknown[] => Object.assign([], { length });

describe("canonical text", () => {
  it("is equal exactly where the values are, in a million pairs that are easily taken for each other", () => {
    const { pairs, equal } = compareAll(lookalike, 30, 260);
    expect(pairs).toBeGreaterThan(1_000_000);
    expect(equal).toBeGreaterThan(1_000);
  });

  it("is equal exactly where the values are, in arbitrary pairs", () => {
    expect(compareAll(comparable, 5, 300).pairs).toBeGreaterThan(200_000);
  });

  it("does not depend on the order of keys, entries and members", () => {
    fc.assert(
      fc.property(storable, (value) => canonical(value) === canonical(reversed(value))),
      { numRuns: 10_000 },
    );
  });

  it("tells sequences of arguments apart where the values side by side are the same", () => {
    fc.assert(
      fc.property(
        fc.array(lookalike, { maxLength: 3 }),
        fc.array(lookalike, { maxLength: 3 }),
        (left, right) => {
          return (
            (canonicalArguments("", left) === canonicalArguments("", right)) ===
            isDeepStrictEqual(left, right)
          );
        },
      ),
      { numRuns: 10_000 },
    );
    expect(canonicalArguments("", ["ab", "c"])).not.toBe(canonicalArguments("", ["a", "bc"]));
    expect(canonicalArguments("", [1])).not.toBe(canonicalArguments("", [1, undefined]));
    expect(canonicalArguments("", [])).not.toBe(canonicalArguments("", [undefined]));
  });

  it.each<[string, unknown, unknown]>([
    ["0 and -0", 0, -0],
    ["a missing property and one that is undefined", {}, { a: undefined }],
    ["a hole and undefined", withHole(1), [undefined]],
    ["null and undefined", null, undefined],
    ["a number and its BigInt", 1, 1n],
    ["a number and its text", 1, "1"],
    ["a Date and its time", new Date(5), 5],
    ["a Date and one that is invalid", new Date(5), new Date(NaN)],
    ["a Buffer and a Uint8Array", Buffer.from("a"), new TextEncoder().encode("a")],
    ["a Float32Array and a Float64Array", new Float32Array(2), new Float64Array(1)],
    ["an ArrayBuffer and a DataView of it", new ArrayBuffer(2), new DataView(new ArrayBuffer(2))],
    ["a Map and the object of its entries", new Map([["a", 1]]), { a: 1 }],
    ["a Set and the array of its members", new Set([1]), [1]],
    ["an object with and without a prototype", {}, Object.create(null)],
    ["URLs", new URL("https://a.b/?x=1"), new URL("https://a.b/?x=2")],
    ["a URL and its text", new URL("https://a.b/"), "https://a.b/"],
    ["search parameters", new URLSearchParams("a=1"), new URLSearchParams("a=2")],
    ["expressions by flags", /a/g, /a/i],
    ["long texts by their last character", `${"x".repeat(5000)}y`, `${"x".repeat(5000)}z`],
    ["long texts by lone surrogates", `${"x".repeat(5000)}\ud800`, `${"x".repeat(5000)}\ud801`],
    ["large buffers by one byte", Buffer.alloc(5000), Buffer.alloc(5000).fill(1, 4999)],
    ["a long text and a buffer of it", "x".repeat(5000), Buffer.from("x".repeat(5000))],
  ])("tells apart %s", (_, left, right) => {
    expect(canonical(left)).not.toBe(canonical(right));
    expect(canonical([left])).not.toBe(canonical([right]));
  });

  it("stays short however long a text or a buffer is", () => {
    expect(canonical(["x".repeat(1e6), Buffer.alloc(1e6)]).length).toBeLessThan(200);
  });

  it("reads objects of another realm as its own", () => {
    const foreign: unknown = runInNewContext(
      "({ b: [1, new Date(3)], a: new Map([['k', new Set([2n])]]), r: /x/g, u: new Uint8Array(2) })",
    );
    const own = { a: new Map([["k", new Set([2n])]]), b: [1, new Date(3)], r: /x/g, u: new Uint8Array(2) };
    expect(canonical(foreign)).toBe(canonical(own));
  });

  it("takes the dates of a clock that a test has put in place", () => {
    const real = canonical(new Date(5));
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    expect(canonical(new Date(5))).toBe(real);
  });

  it("takes the identity that a class declares, together with the class's name", () => {
    class Customer {
      name = "changes";
      constructor(readonly id: string) {}
      [cacheKey](): unknown {
        return this.id;
      }
    }
    class Supplier extends Customer {}
    const first = new Customer("7");
    const second = Object.assign(new Customer("7"), { name: "other" });
    expect(canonical({ of: first })).toBe(canonical({ of: second }));
    expect(canonical(first)).not.toBe(canonical(new Customer("8")));
    expect(canonical(first)).not.toBe(canonical(new Supplier("7")));
    expect(canonical(first)).not.toBe(canonical("7"));
  });

  let deep: unknown = 1;
  for (let level = 0; level < 600; level++) deep = [deep];
  it.each<[string, unknown, (string | number)[], string]>([
    ["a function", { on: [0, () => 1] }, [0, "on", 1], 'the function "anonymous"'],
    ["a function that is an argument", () => 1, [0], 'the function "anonymous"'],
    ["a symbol", Symbol("s"), [0], "the symbol Symbol(s)"],
    ["a symbol key", { [Symbol("s")]: 1 }, [0], "an object with the symbol key Symbol(s)"],
    ["an instance of a class", { by: new (class Session {})() }, [0, "by"], "an instance of Session"],
    ["an instance of a subclass of Map", new (class Index extends Map {})(), [0], "an instance of Index"],
    [
      "an abort signal",
      { signal: new AbortController().signal },
      [0, "signal"],
      "an instance of AbortSignal",
    ],
    ["a WeakMap", new Map([["w", new WeakMap()]]), [0, 0], "an instance of WeakMap"],
    ["an error", new Error("x"), [0], "an instance of Error"],
    ["a boxed primitive", new String("x"), [0], "an instance of String"],
    [
      "a Set with properties",
      Object.assign(new Set(), { x: 1 }),
      [0],
      "an instance of Set with properties of its own",
    ],
    ["an array with properties", /b/.exec("b"), [0], "an array with properties beside its items"],
    ["an instance whose key holds itself", new Loop(), [0, "of"], "a cycle through an instance of Loop"],
    ["a Blob", [new Blob(["x"])], [0, 0], "an instance of Blob"],
    [
      "an array with holes and properties",
      Object.assign([], { 2: 1, x: 1 }),
      [0],
      "an array with properties beside its items",
    ],
  ])("refuses %s and says where it stands", (_, value, path, found) => {
    const attempt = (): unknown => canonicalArguments("", [value]);
    expect(attempt).toThrow(NotAKeyError);
    expect(attempt).toThrow(expect.objectContaining({ path, found }));
  });

  it("tells objects that contain themselves by their form", () => {
    const make = (name: string, into: "list" | "map"): object => {
      const up: unknown[] = [];
      const value = { name, list: up, map: new Map<string, unknown>() };
      if (into === "list") up.push(value, up);
      else value.map.set("up", value);
      return value;
    };
    expect(canonical(make("a", "list"))).toBe(canonical(make("a", "list")));
    expect(canonical(make("a", "map"))).toBe(canonical(make("a", "map")));
    expect(canonical(make("a", "list"))).not.toBe(canonical(make("b", "list")));
    expect(canonical(make("a", "list"))).not.toBe(canonical(make("a", "map")));
    const itself: unknown[] = [];
    itself.push(itself);
    const outer: unknown[] = [[]];
    (outer[0] as unknown[]).push(outer);
    expect(canonical(itself)).not.toBe(canonical(outer));
    expect(canonical([itself])).not.toBe(canonical(["^1;"]));
  });

  it("takes an array of 2^32 - 1 places in no time, and tells where its items stand", () => {
    const far = (index: number): unknown[] => {
      const sparse: unknown[] = [];
      sparse.length = 2 ** 32 - 1;
      sparse[index] = "x";
      return sparse;
    };
    expect(canonical(far(2 ** 31)).length).toBeLessThan(60);
    expect(canonical(far(2 ** 31))).not.toBe(canonical(far(2 ** 31 + 1)));
  });

  it("takes the instances of a registered class for what they are made of", () => {
    class Price {
      readonly #cents: bigint;
      constructor(
        cents: bigint,
        readonly label = "",
      ) {
        this.#cents = cents;
      }
      static {
        cacheable(Price, {
          id: "test/Price",
          encode: (price) => price.#cents,
          decode: (cents) => new Price(cents),
        });
      }
    }
    expect(canonical([new Price(1n, "one")])).toBe(canonical([new Price(1n)]));
    expect(canonical(new Price(1n))).not.toBe(canonical(new Price(2n)));
    expect(canonical(new Price(1n))).not.toBe(canonical(1n));
  });

  it("refuses what is nested too deep instead of running out of stack", () => {
    expect(() => canonical(deep)).toThrow("nested more than 500 levels deep");
  });

  it("takes an object that stands in two places for two equal ones", () => {
    const shared = { x: 1 };
    expect(canonical([shared, shared])).toBe(canonical([{ x: 1 }, { x: 1 }]));
  });
});

/** Each of so many generated values against all others of its round. */
function compareAll(
  values: fc.Arbitrary<unknown>,
  rounds: number,
  size: number,
): { pairs: number; equal: number } {
  let pairs = 0;
  let equal = 0;
  const several = fc.array(values, { minLength: size, maxLength: size });
  const compare = (all: readonly unknown[]): void => {
    const texts = all.map((value) => canonical(value));
    for (let left = 0; left < size; left++) {
      for (let right = 0; right <= left; right++) {
        const same = isDeepStrictEqual(all[left], all[right]);
        pairs++;
        if (same && left !== right) equal++;
        if ((texts[left] === texts[right]) !== same)
          throw new Error(
            `${inspect(all[left])} and ${inspect(all[right])}: ${texts[left]}, ${texts[right]}`,
          );
      }
    }
  };
  fc.assert(fc.property(several, compare), { numRuns: rounds, endOnFailure: true });
  return { pairs, equal };
}

/** The same value with everything that has no order the other way round. */
function reversed(value: unknown): unknown {
  if (Array.isArray(value)) {
    const copy: unknown[] = [];
    copy.length = value.length;
    for (const index of Object.keys(value)) copy[Number(index)] = reversed(value[Number(index)]);
    return copy;
  }
  if (value instanceof Map)
    return new Map([...value].reverse().map(([key, item]) => [reversed(key), reversed(item)]));
  if (value instanceof Set) return new Set([...value].reverse().map(reversed));
  if (typeof value !== "object" || value === null) return value;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== null && prototype !== Object.prototype) return value;
  const copy = Object.create(prototype as object | null) as object;
  for (const [key, item] of Object.entries(value).reverse()) {
    Object.defineProperty(copy, key, {
      value: reversed(item),
      enumerable: true,
      writable: true,
      configurable: true,
    });
  }
  return copy;
}
