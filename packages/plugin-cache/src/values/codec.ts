import { deserialize, serialize } from "node:v8";
import { loadArrow } from "./arrow.js";
import { lift, lower, UnreadableError } from "./marks.js";
import { copyValue, startWalk, takeSnapshot, UnstorableError, type Snapshot } from "./snapshot.js";

const isTree = 1;
const isMarked = 2;
const hasTables = 4;
const isJson = 8;

/**
 * A snapshot as bytes: flags, and what `node:v8` writes, or JSON where that does. Of the libraries
 * measured, msgpackr loses -0, holes, lone surrogates and functions without a word, and devalue holds
 * the event loop some 20 times longer on rows and typed arrays; what v8 itself would lose (URL, errors'
 * properties, objects without a prototype, instances) stands in the bytes as marked plain objects.
 *
 * @returns a promise only where a library has to be loaded
 * @throws UnstorableError for a value that is shared as it is and cannot be stored, for an error
 * of a class that is not registered, and for Arrow tables where the library is missing.
 */
export function serializeSnapshot(given: Snapshot): Buffer | Promise<Buffer> {
  const snapshot = given.shape === "shared" ? takeSnapshot(given.value) : given;
  if (snapshot.isSmallJson) return withFlags(isJson, JSON.stringify(snapshot.value));
  if (!snapshot.tables) return serializeLoaded(snapshot);
  return loadArrow().then(
    () => serializeLoaded(snapshot),
    ({ message, cause }: Error) => {
      throw new UnstorableError([], `an Arrow table, or holds one, and ${message}`, { cause });
    },
  );
}

function serializeLoaded(snapshot: Snapshot): Buffer {
  const body = serialize(snapshot.marked ? copyValue(snapshot.value, startWalk(lower)) : snapshot.value);
  const flags =
    (snapshot.shape === "graph" ? 0 : isTree) |
    (snapshot.marked ? isMarked : 0) |
    (snapshot.tables ? hasTables : 0);
  return Buffer.concat([Buffer.of(flags), body]);
}

function withFlags(flags: number, text: string): Buffer {
  const bytes = Buffer.allocUnsafe(1 + Buffer.byteLength(text));
  bytes[0] = flags;
  bytes.write(text, 1);
  return bytes;
}

/**
 * The snapshot that {@link serializeSnapshot} was given.
 *
 * @returns a promise only where a library has to be loaded
 * @throws UnreadableError for what a newer Node.js wrote than this one can read, for instances of
 * a class that is not registered here, and for Arrow tables where the library is missing.
 */
export function deserializeSnapshot(bytes: Buffer): Snapshot | Promise<Snapshot> {
  const flags = bytes[0]!;
  if ((flags & isJson) !== 0)
    return unmarked(JSON.parse(bytes.toString("utf8", 1)), { isTree: true, isSmallJson: true });
  if ((flags & hasTables) === 0) return deserializeLoaded(flags, bytes);
  return loadArrow().then(
    () => deserializeLoaded(flags, bytes),
    ({ message, cause }: Error) => {
      throw new UnreadableError(`the entry holds an Arrow table, and ${message}`, { cause });
    },
  );
}

function deserializeLoaded(flags: number, bytes: Buffer): Snapshot {
  let value: unknown;
  try {
    value = deserialize(bytes.subarray(1));
  } catch (cause) {
    throw new UnreadableError("the entry was written by a version of Node.js that this one cannot read", {
      cause,
    });
  }
  const isWholeTree = (flags & isTree) !== 0;
  if ((flags & isMarked) === 0) return unmarked(value, { isTree: isWholeTree, isSmallJson: false });
  const walk = startWalk(lift);
  try {
    const lifted = copyValue(value, walk);
    const shape = isWholeTree ? "tree" : "graph";
    return { value: lifted, shape, marked: true, isSmallJson: false, ...(walk.tables && { tables: true }) };
  } catch (error) {
    if (error instanceof UnreadableError) throw error;
    throw new UnreadableError(`the entry cannot be made a value again (${String(error)})`, { cause: error });
  }
}

function unmarked(value: unknown, about: { isTree: boolean; isSmallJson: boolean }): Snapshot {
  const isAtom = typeof value !== "object" || value === null;
  const shape = isAtom ? "atom" : about.isTree ? "tree" : "graph";
  return { value, shape, marked: false, isSmallJson: about.isSmallJson };
}
