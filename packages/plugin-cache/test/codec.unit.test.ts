import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decode, encode, UnreadableError } from "../src/codec.js";
import { copyOf, takeSnapshot, UnstorableError } from "../src/snapshot.js";
import { storable, storableInSmall } from "./values.js";

const roundTrip = (value: unknown): unknown => copyOf(decode(encode(takeSnapshot(value))));

describe("codec", () => {
  it("gives back what it was given, in every generated value", () => {
    const survives = (value: unknown): boolean => {
      const snapshot = takeSnapshot(value);
      return (
        isDeepStrictEqual(copyOf(snapshot), value) &&
        isDeepStrictEqual(copyOf(decode(encode(snapshot))), value)
      );
    };
    fc.assert(fc.property(storableInSmall, survives), { numRuns: 100_000 });
    fc.assert(fc.property(storable, survives), { numRuns: 5_000 });
  }, 120_000);

  it("keeps what deep equality does not tell apart", () => {
    expect(Object.is(roundTrip(-0), -0)).toBe(true);
    expect(Object.keys(roundTrip({ a: undefined }) as object)).toEqual(["a"]);
    expect((roundTrip(new Date(NaN)) as Date).getTime()).toBeNaN();
    expect((roundTrip([new URL("https://a.b/?c=d#e")]) as [URL])[0].href).toBe("https://a.b/?c=d#e");
    expect(String(roundTrip(new URLSearchParams("b=1&a=%20&b=2")))).toBe("b=1&a=+&b=2");
    expect(0 in (roundTrip(Object.assign([], { 1: "b" })) as unknown[])).toBe(false);
    expect((roundTrip(Object.assign(["a"], { length: 3 })) as unknown[]).length).toBe(3);
    expect(
      Buffer.isBuffer(roundTrip({ b: Buffer.from("x") }) && (roundTrip(Buffer.from("x")) as Buffer)),
    ).toBe(true);
    const expression = /a/g;
    expression.lastIndex = 3;
    expect((roundTrip([expression]) as [RegExp])[0].lastIndex).toBe(3);
    expect(Object.getPrototypeOf(roundTrip(Object.create(null)))).toBe(null);
  });

  it("keeps standard errors with their class, message, stack, cause and own properties", () => {
    const cause = new RangeError("inner");
    const error = Object.assign(new TypeError("outer", { cause }), { code: "E_OUTER" });
    const back = roundTrip({ error }) as { error: typeof error };
    expect(back.error).toBeInstanceOf(TypeError);
    expect(back.error.message).toBe("outer");
    expect(back.error.stack).toBe(error.stack);
    expect(back.error.code).toBe("E_OUTER");
    expect(back.error.cause).toBeInstanceOf(RangeError);
    expect(Object.keys(back.error)).toEqual(["code"]);
    const several = roundTrip(new AggregateError([new Error("a"), 2], "both")) as AggregateError;
    expect(several.errors[0]).toBeInstanceOf(Error);
    expect(several.errors[1]).toBe(2);
  });

  it("keeps cycles and shared objects, through every container", () => {
    interface Node {
      self?: Node;
      map: Map<unknown, unknown>;
      set: Set<unknown>;
      list: unknown[];
      bare: { up?: Node };
      error: Error;
      url: URL;
      again: URL;
    }
    const url = new URL("https://example.org/");
    const bare = Object.assign(Object.create(null) as object, {}) as { up?: Node };
    const node: Node = {
      map: new Map(),
      set: new Set(),
      list: [],
      bare,
      error: new Error("e"),
      url,
      again: url,
    };
    node.self = node;
    node.map.set(node, node);
    node.set.add(node);
    node.list.push(node);
    node.bare.up = node;
    node.error.cause = node;
    for (const back of [copyOf(takeSnapshot(node)) as Node, roundTrip(node) as Node]) {
      expect(back).not.toBe(node);
      expect(back.self).toBe(back);
      expect(back.map.get(back)).toBe(back);
      expect(back.set.has(back)).toBe(true);
      expect(back.list[0]).toBe(back);
      expect(back.bare.up).toBe(back);
      expect(back.error.cause).toBe(back);
      expect(back.url).toBe(back.again);
      expect(back.url).not.toBe(url);
    }
  });

  it("gives each view a buffer of its own that holds no more than it shows", () => {
    const whole = new Float64Array([1, 2, 3, 4]);
    const [part, other] = roundTrip([whole.subarray(1, 3), whole]) as [Float64Array, Float64Array];
    expect([...part]).toEqual([2, 3]);
    expect(part.buffer.byteLength).toBe(16);
    expect(other.buffer).not.toBe(part.buffer);
  });

  it("lets nobody change what another gets", () => {
    fc.assert(
      fc.property(storable, (value) => {
        const snapshot = takeSnapshot(value);
        const first = copyOf(snapshot);
        spoil(first);
        spoil(value);
        return isDeepStrictEqual(copyOf(snapshot), snapshot.value);
      }),
      { numRuns: 2_000 },
    );
    const rows = [{ at: new Date(0), tags: new Set(["a"]) }];
    const snapshot = takeSnapshot(rows);
    const taken = copyOf(snapshot) as typeof rows;
    taken[0]!.at.setTime(9);
    taken[0]!.tags.add("b");
    taken.push(taken[0]!);
    rows[0]!.tags.clear();
    expect(copyOf(snapshot)).toEqual([{ at: new Date(0), tags: new Set(["a"]) }]);
  });

  it.each([
    ["a function", { on: { done: () => 1 } }, ".on.done", 'the function "done"'],
    ["a symbol", [Symbol("x")], "[0]", "the symbol Symbol(x)"],
    ["a symbol key", { a: { [Symbol("x")]: 1 } }, ".a", "an object with the symbol key Symbol(x)"],
    ["an instance of a class", { rows: [new (class Row {})()] }, ".rows[0]", "an instance of Row"],
    ["an instance of a subclass", new (class Money extends Map {})(), "", "an instance of Money"],
    ["a WeakMap", new Map([["w", new WeakMap()]]), "[0]", "an instance of WeakMap"],
    ["a promise", { "in time": Promise.resolve() }, '["in time"]', "an instance of Promise"],
    ["a boxed primitive", [new Number(1)], "[0]", "an instance of Number"],
    ["an array with properties", /b/.exec("abc"), "", "an array with properties beside its items"],
    [
      "a Date with properties",
      Object.assign(new Date(), { zone: "CET" }),
      "",
      "an instance of Date with properties of its own",
    ],
    ["an object that only claims to be a Map", Object.create(Map.prototype), "", "an instance of Map"],
  ])("refuses %s and says where it stands", (_, value, path, found) => {
    expect(() => takeSnapshot(value)).toThrow(UnstorableError);
    expect(() => takeSnapshot(value)).toThrow(`the value${path === "" ? "" : `'s ${path}`} is ${found}`);
  });

  it("tells damaged bytes and foreign formats from values, for every flipped bit", () => {
    const bytes = encode(takeSnapshot({ rows: [1, "two", new Date(3)], url: new URL("https://a.b/") }));
    for (let bit = 0; bit < 8 * bytes.length; bit++) {
      const damaged = Buffer.from(bytes);
      damaged[bit >> 3]! ^= 1 << (bit & 7);
      expect(() => decode(damaged)).toThrow(UnreadableError);
    }
    expect(() => decode(bytes.subarray(0, bytes.length - 1))).toThrow(UnreadableError);
    expect(() => decode(new Uint8Array())).toThrow(UnreadableError);
  });
});

/** Changes whatever can be changed at the top of a value. */
function spoil(value: unknown): void {
  if (typeof value !== "object" || value === null) return;
  if (value instanceof Map || value instanceof Set || value instanceof URLSearchParams) {
    for (const key of [...value.keys()]) value.delete(key as never);
  } else if (value instanceof Date) value.setTime(1);
  else if (value instanceof DataView)
    for (let at = 0; at < value.byteLength; at++) value.setUint8(at, 255 - value.getUint8(at));
  else if (ArrayBuffer.isView(value))
    new Uint8Array(value.buffer, value.byteOffset, value.byteLength).reverse();
  else if (value instanceof ArrayBuffer) new Uint8Array(value).fill(7);
  else if (value instanceof URL) value.hash = "#spoilt";
  else if (Array.isArray(value)) {
    value.forEach(spoil);
    value.push("spoilt");
  } else {
    Object.values(value).forEach(spoil);
    (value as Record<string, unknown>)["spoilt"] = true;
  }
}
