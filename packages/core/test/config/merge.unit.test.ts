import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { mergePlain } from "../../src/config/merge.js";
import { deepFreeze, isPlainObject } from "../../src/config/plain.js";

/** Any JSON value, with keys that are apt to go wrong. */
const values = fc.object({
  key: fc.oneof(
    fc.constantFrom("a", "b", "__proto__", "constructor", "prototype", "toString", "hasOwnProperty"),
    fc.string(),
  ),
  maxDepth: 3,
});

describe("mergePlain", () => {
  it("merges objects deeply and replaces everything else", () => {
    const base = { io: { a: 1, list: [1, 2] }, ttl: 5, both: { x: 1 }, off: { y: 1 } };
    const over = { io: { list: [3] }, ttl: null, both: false, off: { z: 2 } };
    expect(mergePlain(base, over)).toEqual({
      io: { a: 1, list: [3] },
      ttl: null,
      both: false,
      off: { y: 1, z: 2 },
    });
  });

  it("keeps functions and instances by reference, and merges none of their properties", () => {
    const store = Object.assign(new Map(), { size2: 1 });
    const merged = mergePlain({ store: { kind: "memory" }, key: () => 1 }, { store });
    expect(merged["store"]).toBe(store);
  });

  it("changes neither side, whatever they hold", () => {
    fc.assert(
      fc.property(values, values, (base, over) => {
        const before = structuredClone([base, over]);
        mergePlain(deepFreeze(base), deepFreeze(over));
        expect([base, over]).toEqual(before);
      }),
    );
  });

  it("shares no object or list with either side", () => {
    const objectsOf = (value: unknown): object[] =>
      Array.isArray(value) || isPlainObject(value) ? [value, ...Object.values(value).flatMap(objectsOf)] : [];
    fc.assert(
      fc.property(values, values, (base, over) => {
        const given = new Set([...objectsOf(base), ...objectsOf(over)]);
        expect(objectsOf(mergePlain(base, over)).filter((object) => given.has(object))).toEqual([]);
      }),
    );
  });

  it("never touches what all objects inherit", () => {
    const polluted = JSON.parse(
      '{ "__proto__": { "admin": true }, "constructor": { "prototype": { "admin": true } } }',
    ) as object;
    const names = () => Reflect.ownKeys(Object.prototype);
    const before = names();
    fc.assert(
      fc.property(values, values, (base, over) => {
        mergePlain(mergePlain(base, polluted), over);
        mergePlain(polluted, mergePlain(over, base));
        expect(names()).toEqual(before);
      }),
    );
    expect(({} as { admin?: boolean }).admin).toBeUndefined();
    expect(Object.getPrototypeOf(mergePlain({}, polluted))).toBe(Object.prototype);
  });

  it("gives the upper side where both have a value that cannot be merged", () => {
    fc.assert(
      fc.property(values, values, (base, over) => {
        const merged = mergePlain(base, over);
        for (const [key, value] of Object.entries(over)) {
          if (value !== undefined && !isPlainObject(value))
            expect(Object.getOwnPropertyDescriptor(merged, key)?.value).toEqual(value);
        }
      }),
    );
  });
});
