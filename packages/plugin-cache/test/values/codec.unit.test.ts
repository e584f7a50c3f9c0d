import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { deserializeSnapshot, serializeSnapshot } from "./awaited.js";
import { copyOf, takeSnapshot, UnstorableError } from "../../src/values/snapshot.js";
import { storable, storableInSmall } from "./values.js";

const roundTrip = async (value: unknown): Promise<unknown> =>
  copyOf(await deserializeSnapshot(await serializeSnapshot(takeSnapshot(value))));

describe("codec", () => {
  it("gives back what it was given, in every generated value", async () => {
    const survives = async (value: unknown): Promise<boolean> =>
      isDeepStrictEqual(copyOf(takeSnapshot(value)), value) &&
      isDeepStrictEqual(await roundTrip(value), value);
    await fc.assert(fc.asyncProperty(storableInSmall, survives), { numRuns: 100_000 });
    await fc.assert(fc.asyncProperty(storable, survives), { numRuns: 5_000 });
  });

  it("keeps what deep equality does not tell apart", async () => {
    expect(Object.is(await roundTrip(-0), -0)).toBe(true);
    expect(Object.keys((await roundTrip({ a: undefined })) as object)).toEqual(["a"]);
    expect(((await roundTrip(new Date(NaN))) as Date).getTime()).toBeNaN();
    expect(((await roundTrip([new URL("https://a.b/?c=d#e")])) as [URL])[0].href).toBe("https://a.b/?c=d#e");
    expect(String(await roundTrip(new URLSearchParams("b=1&a=%20&b=2")))).toBe("b=1&a=+&b=2");
    expect(0 in ((await roundTrip(Object.assign([], { 1: "b" }))) as unknown[])).toBe(false);
    expect(((await roundTrip(Object.assign(["a"], { length: 3 }))) as unknown[]).length).toBe(3);
    expect(
      Buffer.isBuffer(
        (await roundTrip({ b: Buffer.from("x") })) && ((await roundTrip(Buffer.from("x"))) as Buffer),
      ),
    ).toBe(true);
    const expression = /a/g;
    expression.lastIndex = 3;
    expect(((await roundTrip([expression])) as [RegExp])[0].lastIndex).toBe(3);
    expect(Object.getPrototypeOf(await roundTrip(Object.create(null)))).toBe(null);
  });

  it.each<[what: string, value: unknown, isJson: boolean]>([
    ["a small object", { id: 7, name: "Ada", tags: ["a", null, true], rate: 0.1 }, true],
    ["a text", "grüße \ud800", true],
    ["null", null, true],
    ["a property that is called __proto__", JSON.parse('{"__proto__":{"a":1}}'), true],
    ["what looks like a mark", { "\u0000mlmcp": ["url", "https://a.b"] }, false],
    ["undefined", { a: undefined }, false],
    ["minus zero", [-0], false],
    ["what is no number", [NaN], false],
    ["a bigint", [1n], false],
    ["a hole", Object.assign([], { 1: "b" }), false],
    ["a date", { at: new Date(0) }, false],
    ["an object in two places", ((one) => [one, one])({}), false],
    ["many parts", Array(40).fill(1), false],
    ["a long text", "x".repeat(10_000), false],
  ])("writes %s as JSON only where that is small and loses nothing", async (_what, value, isJson) => {
    const bytes = await serializeSnapshot(takeSnapshot(value));
    // What `node:v8` writes begins with a byte that no text in UTF-8 has.
    expect(bytes[1] !== 0xff).toBe(isJson);
    expect(isDeepStrictEqual(await roundTrip(value), value)).toBe(true);
  });

  it("keeps standard errors with their class, message, stack, cause and own properties", async () => {
    const cause = new RangeError("inner");
    const error = Object.assign(new TypeError("outer", { cause }), { code: "E_OUTER" });
    const back = (await roundTrip({ error })) as { error: typeof error };
    expect(back.error).toBeInstanceOf(TypeError);
    expect(back.error.message).toBe("outer");
    expect(back.error.stack).toBe(error.stack);
    expect(back.error.code).toBe("E_OUTER");
    expect(back.error.cause).toBeInstanceOf(RangeError);
    expect(Object.keys(back.error)).toEqual(["code"]);
    const several = (await roundTrip(new AggregateError([new Error("a"), 2], "both"))) as AggregateError;
    expect(several.errors[0]).toBeInstanceOf(Error);
    expect(several.errors[1]).toBe(2);
  });

  it("keeps cycles and shared objects, through every container", async () => {
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
    for (const back of [copyOf(takeSnapshot(node)) as Node, (await roundTrip(node)) as Node]) {
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

  it("gives each view a buffer of its own that holds no more than it shows", async () => {
    const whole = new Float64Array([1, 2, 3, 4]);
    const [part, other] = (await roundTrip([whole.subarray(1, 3), whole])) as [Float64Array, Float64Array];
    expect([...part]).toEqual([2, 3]);
    expect(part.buffer.byteLength).toBe(16);
    expect(other.buffer).not.toBe(part.buffer);
  });

  it("keeps lone surrogates, and keys that mean something to objects", async () => {
    const odd = JSON.parse('{"__proto__":{"a":1},"constructor":"\\ud800","\\udfff":"\\u0000"}') as object;
    const back = await roundTrip(odd);
    expect(JSON.stringify(back)).toBe(JSON.stringify(odd));
    expect(Object.getPrototypeOf(back)).toBe(Object.prototype);
  });

  it("reads an accessor once and keeps what it gave", async () => {
    let reads = 0;
    const value = {
      get now() {
        return ++reads;
      },
    };
    const snapshot = takeSnapshot(value);
    expect(copyOf(snapshot)).toEqual({ now: 1 });
    expect(copyOf(await deserializeSnapshot(await serializeSnapshot(snapshot)))).toEqual({ now: 1 });
    expect(reads).toBe(1);
  });

  it("keeps an array of 2^32 - 1 places in no time, with what is in it", async () => {
    const sparse: unknown[] = [];
    sparse.length = 2 ** 32 - 1;
    sparse[2 ** 31] = "far";
    for (const back of [copyOf(takeSnapshot(sparse)) as unknown[], (await roundTrip(sparse)) as unknown[]]) {
      expect(back.length).toBe(2 ** 32 - 1);
      expect(Object.entries(back)).toEqual([["2147483648", "far"]]);
    }
  });

  it("keeps typed arrays of many megabytes", async () => {
    const large = new Float64Array(4_000_000).map((_, index) => index / 3);
    const back = (await roundTrip({ large })) as { large: Float64Array };
    expect(Buffer.compare(Buffer.from(back.large.buffer), Buffer.from(large.buffer))).toBe(0);
  });

  it("keeps the class of an application's errors in memory, and says why a store cannot", async () => {
    class NotFound extends Error {
      override readonly name = "NotFound";
      constructor(readonly id: string) {
        super(`no ${id}`, { cause: new RangeError("inner") });
      }
    }
    const error = new NotFound("x7");
    const snapshot = takeSnapshot({ failure: error });
    const { failure: copy } = copyOf(snapshot) as { failure: NotFound };
    expect(copy).not.toBe(error);
    expect(copy).toBeInstanceOf(NotFound);
    expect(copy).toMatchObject({ id: "x7", message: "no x7", name: "NotFound", stack: error.stack });
    expect(copy.cause).toBeInstanceOf(RangeError);
    expect(Object.keys(copy)).toEqual(Object.keys(error));
    const refusal = serializeSnapshot(snapshot);
    await expect(refusal).rejects.toThrow(UnstorableError);
    await expect(refusal).rejects.toThrow(
      "the value's .failure is an instance of NotFound, a class that must be registered with `cacheable` before stores can keep it",
    );
  });

  it("takes a class of the application for what it is, whatever it is called", async () => {
    const { TypeError: Own, Map: OwnMap } = {
      TypeError: class TypeError extends Error {},
      Map: class Map extends globalThis.Map {},
    };
    const copy = copyOf(takeSnapshot(new Own("mine")));
    expect(copy).toBeInstanceOf(Own);
    expect(() => takeSnapshot(new OwnMap())).toThrow("an instance of Map");
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
    ["a Blob", { file: new Blob(["x"]) }, ".file", "an instance of Blob"],
    ["a DOMException", [new DOMException("x", "AbortError")], "[0]", "an instance of DOMException"],
    ["shared memory", [new SharedArrayBuffer(2)], "[0]", "an instance of SharedArrayBuffer"],
    [
      "a view of shared memory",
      { v: new Uint8Array(new SharedArrayBuffer(2)) },
      ".v",
      "a view of a SharedArrayBuffer",
    ],
    [
      "a URL with properties",
      Object.assign(new URL("https://a.b/"), { tries: 1 }),
      "",
      "an instance of URL with properties of its own",
    ],
    [
      "a sparse array with properties",
      Object.assign([], { 3: 1, total: 2 }),
      "",
      "an array with properties beside its items",
    ],
    ["a boxed primitive", [new Number(1)], "[0]", "an instance of Number"],
    ["an array with properties", /b/.exec("abc"), "", "an array with properties beside its items"],
    [
      "a Date with properties",
      Object.assign(new Date(), { zone: "CET" }),
      "",
      "an instance of Date with properties of its own",
    ],
    [
      "a DataView with properties",
      [Object.assign(new DataView(new ArrayBuffer(2)), { unit: "mV" })],
      "[0]",
      "an instance of DataView with properties of its own",
    ],
    ["an object that only claims to be a Map", Object.create(Map.prototype), "", "an instance of Map"],
  ])("refuses %s and says where it stands", (_, value, path, found) => {
    expect(() => takeSnapshot(value)).toThrow(UnstorableError);
    expect(() => takeSnapshot(value)).toThrow(`the value${path === "" ? "" : `'s ${path}`} is ${found}`);
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
