import { createHash } from "node:crypto";
import { classOf } from "../values/classes.js";
import { describe, describePath, kindOf } from "../values/kinds.js";

/**
 * Gives the instances of a class an identity, so that they can be arguments of cached methods:
 * whatever the method of this name returns takes the instance's place in the key, together with
 * the name of its class.
 *
 * ```ts
 * class Customer {
 *   constructor(readonly id: string) {}
 *   [cacheKey]() {
 *     return this.id;
 *   }
 * }
 * ```
 */
export const cacheKey: unique symbol = Symbol.for("@mlmcp/plugin-cache/key") as never;

/** Says which part of a value cannot be part of a key. */
export class NotAKeyError extends Error {
  override readonly name = "NotAKeyError";
  constructor(
    /** From the value given down to the part, the value's own position first. */
    readonly path: readonly (string | number)[],
    /** `the function "onDone"`, `an instance of Session`. */
    readonly found: string,
  ) {
    super(`${describePath(path) || "the value"} is ${found}`);
  }
}

/** Texts and buffers beyond this many characters or bytes are named by their SHA-256, so that keys stay small. */
const longestLiteral = 512;
/** Deeper than any argument that a person wrote, and far from the end of the stack. */
const deepest = 500;

/**
 * One text for each value: equal values have equal texts, different values different ones.
 *
 * The order of an object's keys, a Map's entries and a Set's members does not matter; of an
 * array's items it does. `0` and `-0`, `null` and `undefined`, a property that is `undefined`
 * and one that is not there, a hole and `undefined`, a Buffer and a Uint8Array, a plain object
 * and one without a prototype are all different. An object that contains itself is told by how
 * far up it stands. Instances are their {@link cacheKey}, or else what `cacheable` says they are
 * made of.
 *
 * @throws NotAKeyError for functions, symbols and instances of other classes.
 */
export function canonical(value: unknown): string {
  return encode(value, undefined);
}

/** Stands before where the next search of a RegExp begins. */
const positionMark = ":\u0000";
const positions = new RegExp(`${positionMark}[^;]*;`, "g");

/**
 * Whether two texts are those of the same values, if one overlooks where the next search of a RegExp
 * begins: whoever uses one moves that.
 */
export function isSameUsed(one: string, other: string): boolean {
  return one === other || one.replace(positions, "") === other.replace(positions, "");
}

/**
 * One text for each list of arguments, after a prefix. Arguments are told apart as
 * {@link canonical} tells values, and so are `f(1)` and `f(1, undefined)`. Nothing stands between
 * them: what is short stays below the length from which V8 makes ropes of concatenated texts,
 * which are slow to look up.
 */
export function canonicalArguments(prefix: string, args: readonly unknown[]): string {
  let text = prefix;
  for (let position = 0; position < args.length; position++) {
    const argument = args[position];
    text +=
      typeof argument === "object" ? encode(argument, new Trail(position)) : encodeAt(argument, position);
  }
  return text;
}

function encodeAt(argument: unknown, position: number): string {
  if (typeof argument === "function" || typeof argument === "symbol")
    throw new NotAKeyError([position], describe(argument));
  return encode(argument, undefined);
}

/** The way from the value given to the part that is being encoded. */
class Trail {
  readonly path: (string | number)[] = [];
  readonly objects: object[] = [];

  constructor(position?: number) {
    if (position !== undefined) this.path.push(position);
  }

  enter(value: object): void {
    if (this.objects.push(value) > deepest) throw this.refuse(`nested more than ${deepest} levels deep`);
  }

  child(key: string | number, value: unknown): string {
    this.path.push(key);
    const text = encode(value, this);
    this.path.pop();
    return text;
  }

  refuse(found: string): NotAKeyError {
    return new NotAKeyError([...this.path], found);
  }
}

// Every form says by its first character what it is, and by its length or its last where it
// ends; that makes the text of a sequence unambiguous without separators.
function encode(value: unknown, trail: Trail | undefined): string {
  switch (typeof value) {
    case "string":
      return value.length > longestLiteral
        ? `S${value.length}:${sha256(value)}`
        : `s${value.length}:${value}`;
    case "number":
      return value === 0 && 1 / value < 0 ? "n-0;" : `n${value};`;
    case "boolean":
      return value ? "t" : "f";
    case "undefined":
      return "u";
    case "bigint":
      return `i${value};`;
    case "object":
      return value === null ? "0" : encodeObject(value, trail ?? new Trail());
    default:
      throw (trail ?? new Trail()).refuse(describe(value));
  }
}

function encodeObject(value: object, trail: Trail): string {
  const above = trail.objects.lastIndexOf(value);
  if (above >= 0) {
    // Its parts do not tell which instance it is.
    if (declaresIdentity(value) || kindOf(value) === "other")
      throw trail.refuse(`a cycle through ${describe(value)}`);
    return `^${trail.objects.length - above};`;
  }
  trail.enter(value);
  const text = encodeKind(value, trail);
  trail.objects.pop();
  return text;
}

function encodeKind(value: object, trail: Trail): string {
  switch (kindOf(value)) {
    case "plain":
      return declaresIdentity(value)
        ? encodeIdentity(value, trail)
        : encodeProperties("o", value as Record<string, unknown>, trail);
    case "null-prototype":
      return encodeProperties("p", value as Record<string, unknown>, trail);
    case "array":
      return encodeArray(value as unknown[], trail);
    case "date":
      refuseProperties(value, trail);
      return `d${(value as Date).getTime()};`;
    case "map":
      refuseProperties(value, trail);
      return unordered(
        "m",
        Array.from(
          value as Map<unknown, unknown>,
          ([key, item], index) => trail.child(index, key) + trail.child(index, item),
        ),
      );
    case "set":
      refuseProperties(value, trail);
      return unordered(
        "e",
        Array.from(value as Set<unknown>, (item, index) => trail.child(index, item)),
      );
    case "regexp": {
      refuseProperties(value, trail);
      const { source, flags, lastIndex } = value as RegExp;
      return `r${encode(source, trail)}${flags}${positionMark}${lastIndex};`;
    }
    case "view": {
      const view = value as NodeJS.ArrayBufferView;
      return encodeBytes(view.constructor.name, bytesIn(value, view, trail));
    }
    case "array-buffer":
      return encodeBytes("ArrayBuffer", bytesIn(value, { buffer: value as ArrayBuffer }, trail));
    case "url":
      return `l${encode((value as URL).href, trail)}`;
    case "search-params":
      return `q${encode((value as URLSearchParams).toString(), trail)}`;
    default:
      return encodeInstance(value, trail);
  }
}

function encodeInstance(value: object, trail: Trail): string {
  if (declaresIdentity(value)) return encodeIdentity(value, trail);
  const known = classOf(value);
  if (!known || known.byProperties) throw trail.refuse(describe(value));
  return `C${encode(known.id, trail)}${encode(known.encode(value), trail)}`;
}

type Identified = { [cacheKey](): unknown };

function declaresIdentity(value: object): value is Identified {
  return typeof (value as Partial<Identified>)[cacheKey] === "function";
}

function encodeIdentity(value: Identified, trail: Trail): string {
  return `c${encode(value.constructor?.name, trail)}${encode(value[cacheKey](), trail)}`;
}

function encodeProperties(tag: string, value: Record<string, unknown>, trail: Trail): string {
  refuseSymbols(value, trail);
  const keys = Object.keys(value).sort();
  let text = `${tag}${keys.length}{`;
  for (const key of keys) text += encode(key, trail) + trail.child(key, value[key]);
  return text;
}

function encodeArray(value: unknown[], trail: Trail): string {
  refuseSymbols(value, trail);
  let text = `a${value.length}[`;
  for (let index = 0; index < value.length; index++) {
    const item = value[index];
    if (item === undefined && !(index in value)) return text + encodeSparse(value, index, trail);
    text += trail.child(index, item);
  }
  if (Object.keys(value).length !== value.length) throw trail.refuse(beside);
  return text;
}

const beside = "an array with properties beside its items";

/** The rest of an array from its first hole on: one with a length of 2^32 may have no item. */
function encodeSparse(value: unknown[], start: number, trail: Trail): string {
  let text = "";
  let next = start;
  for (const key of Object.keys(value).slice(start)) {
    const index = Number(key);
    if (String(index >>> 0) !== key) throw trail.refuse(beside);
    if (index > next) text += `h${index - next};`;
    text += trail.child(index, value[index]);
    next = index + 1;
  }
  return next < value.length ? `${text}h${value.length - next};` : text;
}

function unordered(tag: string, items: string[]): string {
  return `${tag}${items.length}<${items.sort().join("")}`;
}

interface Bytes {
  readonly buffer: ArrayBufferLike;
  readonly byteOffset?: number;
  readonly byteLength?: number;
}

function bytesIn(value: object, bytes: Bytes, trail: Trail): Uint8Array {
  try {
    const { buffer, byteOffset, byteLength } = bytes;
    return new Uint8Array(buffer, byteOffset, byteLength);
  } catch {
    // Before Node 21 nothing else tells. A DataView does not even say where its bytes began.
    throw trail.refuse(`${describe(value)} whose bytes were transferred, so that it has none any more`);
  }
}

function encodeBytes(name: string, bytes: Uint8Array): string {
  const content = bytes.byteLength > longestLiteral ? sha256(bytes) : Buffer.from(bytes).toString("latin1");
  return `b${name}${bytes.byteLength}:${content}`;
}

function refuseProperties(value: object, trail: Trail): void {
  if (Object.keys(value).length > 0) throw trail.refuse(`${describe(value)} with properties of its own`);
}

function refuseSymbols(value: object, trail: Trail): void {
  const [symbol] = Object.getOwnPropertySymbols(value);
  if (symbol !== undefined && symbol !== cacheKey)
    throw trail.refuse(`an object with the symbol key ${String(symbol)}`);
}

function sha256(content: string | Uint8Array): string {
  // UTF-16, since UTF-8 would make all lone surrogates one character.
  return createHash("sha256")
    .update(typeof content === "string" ? Buffer.from(content, "utf16le") : content)
    .digest("base64url");
}
