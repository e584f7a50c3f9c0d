import { copyPlain, isPlainObject, setOwn, type PlainObject } from "./plain.js";

/**
 * A new object of both: plain objects are merged deeply, everything else of `over` (lists too)
 * takes the place of what `base` has. Shares no plain object or list with either, and changes
 * neither.
 *
 * ```ts
 * mergePlain({ io: { a: 1, b: [1] } }, { io: { b: [2] } }); // { io: { a: 1, b: [2] } }
 * ```
 */
export function mergePlain(base: object, over: object): PlainObject {
  const merged = copyPlain(base) as PlainObject;
  for (const [key, value] of Object.entries(copyPlain(over))) {
    // `hasOwn`: a key such as `toString` must not meet what every object inherits.
    const present = Object.hasOwn(merged, key) ? merged[key] : undefined;
    setOwn(merged, key, isPlainObject(present) && isPlainObject(value) ? mergePlain(present, value) : value);
  }
  return merged;
}
