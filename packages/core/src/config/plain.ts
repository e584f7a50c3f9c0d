export type PlainObject = Record<string, unknown>;

/** An object as JSON has it; not a class instance, an array or a function. */
export function isPlainObject(value: unknown): value is PlainObject {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  // The second comparison admits objects of another realm, as test runners make them.
  return prototype === null || prototype === Object.prototype || Object.getPrototypeOf(prototype) === null;
}

/** Sets an own property, also where the key is `__proto__`. */
export function setOwn(target: PlainObject, key: string, value: unknown): void {
  Object.defineProperty(target, key, { value, writable: true, enumerable: true, configurable: true });
}

/** Thrown by {@link copyPlain}; names where the circle closes. */
export class CircularValueError extends Error {
  constructor(readonly path: readonly (string | number)[]) {
    super("the value contains itself");
  }
}

/**
 * A deep copy of plain objects and arrays. Functions, class instances and the like are kept by
 * reference; properties whose value is `undefined` are left out, so that they mean the default.
 */
export function copyPlain<T>(value: T): T {
  const within = new Set<object>();
  const path: (string | number)[] = [];
  const copy = (source: unknown): unknown => {
    if (!Array.isArray(source) && !isPlainObject(source)) return source;
    if (within.has(source)) throw new CircularValueError([...path]);
    within.add(source);
    const entries: Array<[string | number, unknown]> = Array.isArray(source)
      ? [...source.entries()]
      : Object.entries(source);
    const target: unknown[] & PlainObject = (Array.isArray(source) ? [] : {}) as unknown[] & PlainObject;
    for (const [key, child] of entries) {
      if (child === undefined && typeof key === "string") continue;
      path.push(key);
      setOwn(target, key as string, copy(child));
      path.pop();
    }
    within.delete(source);
    return target;
  };
  return copy(value) as T;
}

/** Freezes plain objects and arrays, deeply, in place. Only for values that nobody else owns. */
export function deepFreeze<T>(value: T): T {
  if ((Array.isArray(value) || isPlainObject(value)) && !Object.isFrozen(value)) {
    for (const child of Object.values(value)) deepFreeze(child);
    Object.freeze(value);
  }
  return value;
}

/** What stands at a path; `undefined` where nothing does. Own properties only. */
export function valueAt(value: unknown, path: readonly (string | number)[]): unknown {
  let current = value;
  for (const key of path) {
    if (typeof current !== "object" || current === null || !Object.hasOwn(current, key)) return undefined;
    current = (current as PlainObject)[key];
  }
  return current;
}
