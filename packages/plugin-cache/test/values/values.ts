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
  fc.date({ noInvalidDate: true }),
  fc
    .constantFrom(
      () => /a\/b/giu,
      () => /x/,
    )
    .map((make) => make()),
  views,
);

/** Deep equality does not look into them. */
const urls = fc.oneof(
  fc.webUrl().map((url) => new URL(url)),
  fc.array(fc.tuple(text, text), { maxLength: 2 }).map((pairs) => new URLSearchParams(pairs)),
);

/** Few values that are easily taken for each other, so that equal pairs and near misses are frequent. */
const confusing = fc
  .constantFrom(
    () => 1,
    () => 1n,
    () => "1",
    () => true,
    () => "",
    () => null,
    () => undefined,
    () => 0,
    () => -0,
    () => NaN,
    () => "n1;",
    () => "a1[",
    () => new Date(1),
    () => /1/,
    () => new Uint8Array([1]),
    () => Buffer.from([1]),
    () => new Int8Array([1]),
    () => new Uint8Array([1]).buffer,
  )
  .map((make) => make());

const hole = Symbol("hole");

function nested(
  leaves: fc.Arbitrary<unknown>,
  words: fc.Arbitrary<string>,
  most: number,
): fc.Arbitrary<unknown> {
  return fc.letrec<{ value: unknown }>((tie) => {
    const value = tie("value");
    const properties = fc.array(fc.tuple(words, value), { maxLength: most });
    return {
      value: fc.oneof(
        { depthSize: "small", withCrossShrink: true },
        leaves,
        fc.array(fc.option(value, { nil: hole, freq: 9 }), { maxLength: most }).map(withHoles),
        properties.map((entries) => Object.fromEntries(entries)),
        properties.map((entries) => withoutPrototype(entries)),
        fc.array(fc.tuple(value, value), { maxLength: most }).map((entries) => new Map(entries)),
        fc.array(value, { maxLength: most }).map((items) => new Set(items)),
      ),
    };
  }).value;
}

/** Values of every type that keys and the codec know, nested. */
export const storable = nested(fc.oneof({ arbitrary: atoms, weight: 9 }, urls), text, 4);

/** The same in small. */
export const storableInSmall = nested(fc.oneof({ arbitrary: atoms, weight: 9 }, urls), text, 2);

/** Values that deep equality compares rightly. */
export const comparable = nested(atoms, text, 4);

/** Pairs of these are often equal and oftener nearly so. */
export const lookalike = nested(confusing, fc.constantFrom("a", "b", "1", "__proto__"), 2);

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
