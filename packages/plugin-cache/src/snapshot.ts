import { describe, describePath, kindOf, type Kind } from "./kinds.js";

/**
 * A value that nobody but the cache can reach. Every taker gets a copy of it, so that none can
 * change what another gets.
 */
export interface Snapshot {
  readonly value: unknown;
  /**
   * `atom`: a primitive, which needs no copy. `tree`: nothing in it is reachable in two ways, so
   * that copying needs no memory of what it has seen. `shared`: given out as it is.
   */
  readonly shape: "atom" | "tree" | "graph" | "shared";
  /** Whether it holds what `node:v8` alone does not bring back as it was. */
  readonly marked: boolean;
}

/** Says which part of a value cannot be kept. */
export class UnstorableError extends Error {
  override readonly name = "UnstorableError";
  constructor(
    readonly path: readonly (string | number)[],
    readonly found: string,
  ) {
    super(`the value${path.length > 0 ? `'s ${describePath(path)}` : ""} is ${found}`);
  }
}

/** In what is encoded, the only key of a plain object that stands for something else. */
export const tag = "\u0000mlmcp";

/** What one walk over a value remembers. */
export interface Walk {
  /** The copy of each object that was met; its presence also asks for the checks that a known value does not need. */
  readonly seen: Map<object, unknown>;
  readonly path: (string | number)[];
  shared: boolean;
  marked: boolean;
  /** Gives another object in place of a copy; `undefined` leaves it to the walk. It registers what it gives in `seen`. */
  readonly replace?: (value: object, kind: Kind, walk: Walk) => object | undefined;
}

export function startWalk(replace?: Walk["replace"]): Walk {
  return { seen: new Map(), path: [], shared: false, marked: false, replace };
}

/**
 * Copies a value so that its owner can go on changing it. What comes back is of the same types:
 * plain objects (also without a prototype), arrays with their holes, Date, Map, Set, RegExp, typed
 * arrays, ArrayBuffer, DataView, Buffer, URL, URLSearchParams, the standard errors with their own
 * properties, BigInt, `undefined`, NaN, -0 and cycles. Accessors are read once; properties that
 * are not enumerable do not travel.
 *
 * @throws UnstorableError for functions, symbols, instances of other classes and the like.
 */
export function takeSnapshot(value: unknown): Snapshot {
  const walk = startWalk();
  const copy = copyValue(value, walk);
  if (typeof copy !== "object" || copy === null) return { value: copy, shape: "atom", marked: false };
  return { value: copy, shape: walk.shared ? "graph" : "tree", marked: walk.marked };
}

/** The value itself, for takers who promised not to change it. */
export function shareAsIs(value: unknown): Snapshot {
  return { value, shape: "shared", marked: false };
}

/** What one taker gets. */
export function copyOf(snapshot: Snapshot): unknown {
  switch (snapshot.shape) {
    case "atom":
    case "shared":
      return snapshot.value;
    case "tree":
      return copyValue(snapshot.value, undefined);
    case "graph":
      return copyValue(snapshot.value, startWalk());
  }
}

/** Copies without checks and without memory where no walk is given: for the trees of snapshots. */
export function copyValue(value: unknown, walk: Walk | undefined): unknown {
  if (typeof value !== "object" || value === null) {
    if (walk && (typeof value === "function" || typeof value === "symbol"))
      throw refuse(walk, describe(value));
    return value;
  }
  if (walk) {
    const known = walk.seen.get(value);
    if (known !== undefined) {
      walk.shared = true;
      return known;
    }
  }
  const kind = kindOf(value);
  return walk?.replace?.(value, kind, walk) ?? copyObject(value, kind, walk);
}

function copyObject(value: object, kind: Kind, walk: Walk | undefined): object {
  switch (kind) {
    case "plain":
      if (walk && Object.hasOwn(value, tag)) mark(walk);
      return copyProperties(value, keep(value, {}, walk), walk);
    case "null-prototype":
      mark(walk);
      return copyProperties(value, keep(value, Object.create(null) as object, walk), walk);
    case "array":
      return copyArray(value as unknown[], walk);
    case "map": {
      refuseProperties(value, walk);
      const copy = keep(value, new Map(), walk);
      let index = 0;
      for (const [key, item] of value as Map<unknown, unknown>) {
        copy.set(child(index, key, walk), child(index++, item, walk));
      }
      return copy;
    }
    case "set": {
      refuseProperties(value, walk);
      const copy = keep(value, new Set(), walk);
      let index = 0;
      for (const item of value as Set<unknown>) copy.add(child(index++, item, walk));
      return copy;
    }
    case "error":
      mark(walk);
      return copyError(value as Error, walk);
    default:
      return keep(value, copyLeaf(value, kind, walk), walk);
  }
}

function copyLeaf(value: object, kind: Kind, walk: Walk | undefined): object {
  switch (kind) {
    case "date":
      refuseProperties(value, walk);
      return new Date((value as Date).getTime());
    case "regexp": {
      refuseProperties(value, walk);
      const copy = new RegExp((value as RegExp).source, (value as RegExp).flags);
      copy.lastIndex = (value as RegExp).lastIndex;
      if (copy.lastIndex !== 0) mark(walk);
      return copy;
    }
    case "view":
      // node:v8 lets the views of one value share a buffer.
      mark(walk);
      return copyView(value as NodeJS.ArrayBufferView);
    case "array-buffer":
      return (value as ArrayBuffer).slice(0);
    case "url":
      mark(walk);
      return new URL((value as URL).href);
    case "search-params":
      mark(walk);
      return new URLSearchParams(value as URLSearchParams);
    default:
      throw walk ? refuse(walk, describe(value)) : new UnstorableError([], describe(value));
  }
}

/** Only the bytes that the view shows, in a buffer of its own. */
function copyView(view: NodeJS.ArrayBufferView): NodeJS.ArrayBufferView {
  if (Buffer.isBuffer(view)) {
    const copy = Buffer.allocUnsafeSlow(view.byteLength);
    view.copy(copy);
    return copy;
  }
  const bytes = new Uint8Array(view.byteLength);
  bytes.set(new Uint8Array(view.buffer, view.byteOffset, view.byteLength));
  const View = view.constructor as new (buffer: ArrayBuffer) => NodeJS.ArrayBufferView;
  return new View(bytes.buffer);
}

function copyArray(value: unknown[], walk: Walk | undefined): unknown[] {
  const { length } = value;
  const copy = keep<unknown[]>(value, [], walk);
  let present = 0;
  for (let index = 0; index < length; index++) {
    const item = value[index];
    if (item === undefined && !(index in value)) {
      copy.length = index + 1;
      continue;
    }
    present++;
    copy[index] = typeof item === "object" || walk ? child(index, item, walk) : item;
  }
  if (walk && Object.keys(value).length !== present)
    throw refuse(walk, "an array with properties beside its items");
  return copy;
}

/** The enumerable properties of one object, copied to another. */
function copyProperties<T extends object>(from: object, to: T, walk: Walk | undefined): T {
  if (walk) refuseSymbols(from, walk);
  const source = from as Record<string, unknown>;
  const target = to as Record<string, unknown>;
  for (const key of Object.keys(from)) {
    const item = source[key];
    const copy = typeof item === "object" || walk ? child(key, item, walk) : item;
    if (key === "__proto__") setOwn(target, key, copy);
    else target[key] = copy;
  }
  return to;
}

/** An error of a standard class, without anything of its own yet. */
export function bareError(className: string): Error {
  const error = className === "AggregateError" ? new AggregateError([]) : new (standardError(className))();
  for (const key of Object.getOwnPropertyNames(error)) Reflect.deleteProperty(error, key);
  return error;
}

function standardError(className: string): ErrorConstructor {
  return Object.hasOwn(errors, className) ? errors[className as keyof typeof errors] : Error;
}

const errors = { TypeError, RangeError, SyntaxError, ReferenceError, EvalError, URIError };

/** Message, stack and cause do not enumerate, and are what an error is about. */
function copyError(value: Error, walk: Walk | undefined): Error {
  if (walk) refuseSymbols(value, walk);
  const copy = keep(value, bareError(value.constructor.name), walk);
  for (const key of Object.getOwnPropertyNames(value)) {
    const enumerable = Object.prototype.propertyIsEnumerable.call(value, key);
    setOwn(copy, key, child(key, value[key as keyof Error], walk), enumerable);
  }
  return copy;
}

/** Defines a property also where assigning would do something else: `__proto__`, `stack`. */
export function setOwn(target: object, key: string, value: unknown, enumerable = true): void {
  Object.defineProperty(target, key, { value, writable: true, enumerable, configurable: true });
}

/** Remembers the copy before it is filled, so that a cycle ends in it. */
export function keep<T extends object>(value: object, copy: T, walk: Walk | undefined): T {
  walk?.seen.set(value, copy);
  return copy;
}

function child(key: string | number, value: unknown, walk: Walk | undefined): unknown {
  if (!walk) return copyValue(value, undefined);
  walk.path.push(key);
  const copy = copyValue(value, walk);
  walk.path.pop();
  return copy;
}

function mark(walk: Walk | undefined): void {
  if (walk) walk.marked = true;
}

function refuseSymbols(value: object, walk: Walk): void {
  const [symbol] = Object.getOwnPropertySymbols(value);
  if (symbol !== undefined) throw refuse(walk, `an object with the symbol key ${String(symbol)}`);
}

function refuseProperties(value: object, walk: Walk | undefined): void {
  if (walk && Object.keys(value).length > 0)
    throw refuse(walk, `${describe(value)} with properties of its own`);
}

function refuse(walk: Walk, found: string): UnstorableError {
  return new UnstorableError([...walk.path], found);
}
