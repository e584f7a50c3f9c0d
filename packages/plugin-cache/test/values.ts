import fc from "fast-check";

const views = fc.oneof(
  fc.uint8Array({ maxLength: 12 }),
  fc.int16Array({ maxLength: 6 }),
  fc.float32Array({ maxLength: 6 }),
  fc.float64Array({ maxLength: 6 }),
  fc.bigInt64Array({ maxLength: 4 }),
  fc.uint8Array({ maxLength: 12 }).map((bytes) => Buffer.from(bytes)),
  fc.uint8Array({ maxLength: 12 }).map((bytes) => new DataView(bytes.slice().buffer)),
  fc.uint8Array({ maxLength: 12 }).map((bytes) => bytes.slice().buffer),
);

/** Lone surrogates, `__proto__`, the mark that the codec uses, and plain words. */
const text = fc.oneof(
  fc.string({ maxLength: 6 }),
  fc.string({ unit: "binary", maxLength: 4 }),
  fc.constantFrom("__proto__", "constructor", "length", "\u0000mlmcp", "\ud800", "a", "b", ""),
);

const atoms = fc.oneof(
  text,
  fc.integer(),
  fc.double(),
  fc.constantFrom(0, -0, NaN, Infinity, -Infinity, 2 ** 53),
  fc.boolean(),
  fc.constantFrom(null, undefined),
  fc.bigInt(),
  fc.date({ noInvalidDate: false }),
  fc.constantFrom(() => /a\/b/giu, () => /x/).map((make) => make()),
  fc.webUrl().map((url) => new URL(url)),
  fc.array(fc.tuple(text, text), { maxLength: 2 }).map((pairs) => new URLSearchParams(pairs)),
  views,
);

const hole = Symbol("hole");

/** Values of every type that keys and the codec know, nested. */
export const storable: fc.Arbitrary<unknown> = fc.letrec<{ value: unknown }>((tie) => {
  const value = tie("value");
  const properties = fc.array(fc.tuple(text, value), { maxLength: 4 });
  return {
    value: fc.oneof(
      { depthSize: "small", withCrossShrink: true },
      atoms,
      fc.array(value, { maxLength: 4 }),
      fc.array(fc.option(value, { nil: hole }), { maxLength: 4 }).map(withHoles),
      properties.map((entries) => Object.fromEntries(entries)),
      properties.map((entries) => withoutPrototype(entries)),
      fc.array(fc.tuple(value, value), { maxLength: 3 }).map((entries) => new Map(entries)),
      fc.array(value, { maxLength: 3 }).map((items) => new Set(items)),
    ),
  };
}).value;

function withHoles(items: unknown[]): unknown[] {
  const sparse: unknown[] = [];
  sparse.length = items.length;
  items.forEach((item, index) => {
    if (item !== hole) sparse[index] = item;
  });
  return sparse;
}

function withoutPrototype(entries: [string, unknown][]): object {
  const object = Object.create(null) as object;
  for (const [key, value] of entries) {
    Object.defineProperty(object, key, { value, enumerable: true, writable: true, configurable: true });
  }
  return object;
}
