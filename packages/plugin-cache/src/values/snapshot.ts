import { types } from "node:util";
import { copyTable, isArrowTable } from "./arrow.js";
import { bareError, errorOf } from "./bare-errors.js";
import { classOf, type CacheableClass } from "./classes.js";
import { describe, describePath, isStandardError, kindOf, type Kind } from "./kinds.js";

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
  /** Whether it holds Arrow tables, for which the library must be loaded. */
  readonly tables?: true;
  /** Whether it is known to be small, and to come back from JSON as it was. */
  readonly isSmallJson?: boolean;
}

/**
 * Up to so many parts JSON takes less than `node:v8`, of which each value needs a serializer that the
 * collector has to take down; of numbers with fractions and of long texts it takes more.
 */
const maxJsonParts = 32;
/** Characters of a text that count as one more part. */
const usualText = 64;

/** Says which part of a value cannot be kept. */
export class UnstorableError extends Error {
  override readonly name = "UnstorableError";
  constructor(
    readonly path: readonly (string | number)[],
    readonly found: string,
    options?: ErrorOptions,
  ) {
    super(`the value${path.length > 0 ? `'s ${describePath(path)}` : ""} is ${found}`, options);
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
  tables: boolean;
  /** How many parts it has, long texts counted as several; infinite where JSON would lose something. */
  jsonParts: number;
  /** Gives another object in place of a copy; `undefined` leaves it to the walk. It registers what it gives in `seen`. */
  readonly replace?: (value: object, kind: Kind, walk: Walk) => object | undefined;
}

export function startWalk(replace?: Walk["replace"]): Walk {
  return { seen: new Map(), path: [], shared: false, marked: false, tables: false, jsonParts: 0, replace };
}

/**
 * Copies a value so that its owner can go on changing it. What comes back is of the same types:
 * plain objects (also without a prototype), arrays with their holes, Date, Map, Set, RegExp, typed
 * arrays, ArrayBuffer, DataView, Buffer, URL, URLSearchParams, errors with their own properties,
 * BigInt, `undefined`, NaN, -0, cycles, Arrow tables and the instances of registered classes.
 * Accessors are read once; properties that are not enumerable do not travel, nor do those that a
 * typed array or a Buffer has beside its elements.
 *
 * @throws UnstorableError for functions, symbols, shared memory, instances of other classes and
 * the like.
 */
export function takeSnapshot(value: unknown): Snapshot {
  const walk = startWalk();
  const copy = copyValue(value, walk);
  const isSmallJson = !walk.shared && !walk.marked && walk.jsonParts <= maxJsonParts;
  if (typeof copy !== "object" || copy === null)
    return { value: copy, shape: "atom", marked: false, isSmallJson };
  const shape = walk.shared ? "graph" : "tree";
  return { value: copy, shape, marked: walk.marked, isSmallJson, ...(walk.tables && { tables: true }) };
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
    if (walk) check(value, walk);
    return value;
  }
  if (walk) {
    const known = walk.seen.get(value);
    if (known !== undefined) {
      if (known === unmade) throw refuse(walk, `a cycle through ${describe(value)}`);
      walk.shared = true;
      return known;
    }
  }
  const kind = kindOf(value);
  if (walk) walk.jsonParts += kind === "plain" || kind === "array" ? 1 : Infinity;
  return walk?.replace?.(value, kind, walk) ?? copyObject(value, kind, walk);
}

/** @throws UnstorableError for functions and symbols */
function check(value: unknown, walk: Walk): void {
  switch (typeof value) {
    case "function":
    case "symbol":
      throw refuse(walk, describe(value));
    case "string":
      walk.jsonParts += 1 + value.length / usualText;
      break;
    case "number":
      walk.jsonParts += Number.isFinite(value) && !Object.is(value, -0) ? 1 : Infinity;
      break;
    case "bigint":
    case "undefined":
      walk.jsonParts = Infinity;
      break;
    default:
      walk.jsonParts++;
  }
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
        copy.set(copyChild(index, key, walk), copyChild(index++, item, walk));
      }
      return copy;
    }
    case "set": {
      refuseProperties(value, walk);
      const copy = keep(value, new Set(), walk);
      let index = 0;
      for (const item of value as Set<unknown>) copy.add(copyChild(index++, item, walk));
      return copy;
    }
    case "error":
    case "other": {
      mark(walk);
      const known = classOf(value);
      if (known && !known.byProperties) return copyInstance(value, known, walk);
      if (kind === "error") return copyError(value as Error, walk);
      if (!isArrowTable(value)) throw refuse(walk, describe(value));
      if (walk) walk.tables = true;
      return keep(value, copyTable(value), walk);
    }
    default:
      return keep(value, copyLeaf(value, kind, walk), walk);
  }
}

function copyLeaf(value: object, kind: Kind, walk: Walk | undefined): object {
  // Of a typed array each index is a property: listing them takes a hundred times as long as the copy.
  if (!types.isTypedArray(value)) refuseProperties(value, walk);
  switch (kind) {
    case "date":
      return new Date((value as Date).getTime());
    case "regexp": {
      const copy = new RegExp((value as RegExp).source, (value as RegExp).flags);
      copy.lastIndex = (value as RegExp).lastIndex;
      if (copy.lastIndex !== 0) mark(walk);
      return copy;
    }
    case "view":
      // node:v8 lets the views of one value share a buffer.
      mark(walk);
      return copyView(value as NodeJS.ArrayBufferView, walk);
    case "array-buffer":
      return (value as ArrayBuffer).slice(0);
    case "url":
      mark(walk);
      return new URL((value as URL).href);
    default:
      mark(walk);
      return new URLSearchParams(value as URLSearchParams);
  }
}

/** Stands for the copy of an instance while its parts are copied: it exists only once all are there. */
const unmade = Symbol("unmade");

/** Made anew of copies of its parts. */
function copyInstance(
  value: object,
  { encode, decode, Class }: CacheableClass,
  walk: Walk | undefined,
): object {
  walk?.seen.set(value, unmade);
  const copy = decode(copyValue(encode(value), walk));
  if (Object.getPrototypeOf(copy) !== Class.prototype)
    throw refuse(walk, `${describe(value)}, for which \`decode\` gives ${describe(copy)}`);
  return keep(value, copy, walk);
}

/** Only the bytes that the view shows, in a buffer of its own. */
function copyView(view: NodeJS.ArrayBufferView, walk: Walk | undefined): NodeJS.ArrayBufferView {
  if (types.isSharedArrayBuffer(view.buffer)) throw refuse(walk, "a view of a SharedArrayBuffer");
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
  for (let index = 0; index < length; index++) {
    const item = value[index];
    if (item === undefined && !(index in value)) return copySparse(value, copy, walk);
    copy[index] = typeof item === "object" || walk ? copyChild(index, item, walk) : item;
  }
  if (walk && Object.keys(value).length !== length) throw refuse(walk, beside);
  return copy;
}

const beside = "an array with properties beside its items";

/** By the items that are there: one with a length of 2^32 may have none. */
function copySparse(value: unknown[], copy: unknown[], walk: Walk | undefined): unknown[] {
  copy.length = value.length;
  if (walk) walk.jsonParts = Infinity;
  for (const key of Object.keys(value)) {
    const index = Number(key);
    if (String(index >>> 0) !== key) throw refuse(walk, beside);
    copy[index] = copyChild(index, value[index], walk);
  }
  return copy;
}

/** The enumerable properties of one object, copied to another. */
function copyProperties<T extends object>(from: object, to: T, walk: Walk | undefined): T {
  if (walk) refuseSymbols(from, walk);
  const source = from as Record<string, unknown>;
  const target = to as Record<string, unknown>;
  for (const key of Object.keys(from)) {
    const item = source[key];
    const copy = typeof item === "object" || walk ? copyChild(key, item, walk) : item;
    if (key === "__proto__") setOwn(target, key, copy);
    else target[key] = copy;
  }
  return to;
}

/** Message, stack and cause do not enumerate, and are what an error is about. */
function copyError(value: Error, walk: Walk | undefined): Error {
  if (walk) refuseSymbols(value, walk);
  const bare = isStandardError(value)
    ? bareError(value.constructor.name)
    : errorOf(Object.getPrototypeOf(value) as object);
  const copy = keep(value, bare, walk);
  for (const key of Object.getOwnPropertyNames(value)) {
    const enumerable = Object.prototype.propertyIsEnumerable.call(value, key);
    setOwn(copy, key, copyChild(key, value[key as keyof Error], walk), enumerable);
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

/** A part of what is being copied. */
export function copyChild(key: string | number, value: unknown, walk: Walk | undefined): unknown {
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

function refuse(walk: Walk | undefined, found: string): UnstorableError {
  return new UnstorableError([...(walk?.path ?? [])], found);
}
