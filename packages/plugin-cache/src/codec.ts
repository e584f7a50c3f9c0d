import { deserialize, serialize } from "node:v8";
import { crc32 } from "node:zlib";
import type { Kind } from "./kinds.js";
import {
  bareError,
  copyValue,
  keep,
  setOwn,
  startWalk,
  tag,
  takeSnapshot,
  type Snapshot,
  type Walk,
} from "./snapshot.js";

/** Says why stored bytes are no value: damaged, or written by a version that this one cannot read. */
export class UnreadableError extends Error {
  override readonly name = "UnreadableError";
}

const format = 1;
const headerBytes = 6;
const isTree = 1;
const isMarked = 2;

/**
 * A snapshot as bytes: a format number, flags, a CRC-32 and what `node:v8` writes. Of the
 * libraries measured, msgpackr loses -0, holes, lone surrogates and functions without a word,
 * and devalue holds the event loop some 20 times longer on rows and typed arrays; what v8 itself
 * would lose (URL, errors' properties, objects without a prototype) stands in the bytes as marked
 * plain objects.
 *
 * @throws UnstorableError for a value that is shared as it is and cannot be stored.
 */
export function encode(given: Snapshot): Buffer {
  const snapshot = given.shape === "shared" ? takeSnapshot(given.value) : given;
  const body = serialize(snapshot.marked ? copyValue(snapshot.value, startWalk(lower)) : snapshot.value);
  const header = Buffer.allocUnsafe(headerBytes);
  header[0] = format;
  const flags = (snapshot.shape === "graph" ? 0 : isTree) | (snapshot.marked ? isMarked : 0);
  header[1] = flags;
  // The sum starts from the flags, so that it covers them.
  header.writeUInt32LE(crc32(body, flags), 2);
  return Buffer.concat([header, body]);
}

/**
 * The snapshot that {@link encode} was given.
 *
 * @throws UnreadableError for bytes that are damaged or of another format, also where a newer
 * Node.js wrote them than this one can read.
 */
export function decode(bytes: Uint8Array): Snapshot {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (buffer.length <= headerBytes || buffer[0] !== format)
    throw new UnreadableError("the entry has another format");
  const flags = buffer[1]!;
  const body = buffer.subarray(headerBytes);
  if (crc32(body, flags) !== buffer.readUInt32LE(2)) throw new UnreadableError("the entry is damaged");
  let value: unknown;
  try {
    value = deserialize(body);
  } catch (error) {
    throw new UnreadableError("the entry is of another version of Node.js", { cause: error });
  }
  if (typeof value !== "object" || value === null) return { value, shape: "atom", marked: false };
  const marked = (flags & isMarked) !== 0;
  return {
    value: marked ? copyValue(value, startWalk(lift)) : value,
    shape: (flags & isTree) === 0 ? "graph" : "tree",
    marked,
  };
}

type Marked = { [tag]: [kind: Kind, ...parts: unknown[]] };

function lower(value: object, kind: Kind, walk: Walk): object | undefined {
  switch (kind) {
    case "plain":
      return Object.hasOwn(value, tag) ? lowerProperties(value, kind, walk) : undefined;
    case "null-prototype":
      return lowerProperties(value, kind, walk);
    case "error": {
      const mark: Marked = keep(value, { [tag]: [kind, value.constructor.name] }, walk);
      for (const key of Object.getOwnPropertyNames(value)) {
        const enumerable = Object.prototype.propertyIsEnumerable.call(value, key);
        mark[tag].push(key, enumerable, copyValue(value[key as keyof object], walk));
      }
      return mark;
    }
    case "regexp":
      return keep<Marked>(value, { [tag]: [kind, value, (value as RegExp).lastIndex] }, walk);
    case "url":
      return keep<Marked>(value, { [tag]: [kind, (value as URL).href] }, walk);
    case "search-params":
      return keep<Marked>(value, { [tag]: [kind, (value as URLSearchParams).toString()] }, walk);
    default:
      return undefined;
  }
}

function lowerProperties(value: object, kind: Kind, walk: Walk): Marked {
  const mark: Marked = keep(value, { [tag]: [kind] }, walk);
  for (const [key, item] of Object.entries(value)) mark[tag].push(key, copyValue(item, walk));
  return mark;
}

function lift(value: object, kind: Kind, walk: Walk): object | undefined {
  if (kind !== "plain" || !Object.hasOwn(value, tag)) return undefined;
  const [marked, ...parts] = (value as Marked)[tag];
  switch (marked) {
    case "error": {
      const error = keep(value, bareError(parts[0] as string), walk);
      for (let index = 1; index < parts.length; index += 3) {
        setOwn(error, parts[index] as string, copyValue(parts[index + 2], walk), parts[index + 1] as boolean);
      }
      return error;
    }
    case "regexp": {
      const { source, flags } = parts[0] as RegExp;
      return keep(value, Object.assign(new RegExp(source, flags), { lastIndex: parts[1] }), walk);
    }
    case "url":
      return keep(value, new URL(parts[0] as string), walk);
    case "search-params":
      return keep(value, new URLSearchParams(parts[0] as string), walk);
    default: {
      const object = keep(value, marked === "plain" ? {} : (Object.create(null) as object), walk);
      for (let index = 0; index < parts.length; index += 2) {
        setOwn(object, parts[index] as string, copyValue(parts[index + 1], walk));
      }
      return object;
    }
  }
}
