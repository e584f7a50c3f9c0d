import { deserialize, serialize } from "node:v8";
import { loadArrow } from "./arrow.js";
import { lift, lower, UnreadableError } from "./marks.js";
import { copyValue, startWalk, takeSnapshot, UnstorableError, type Snapshot } from "./snapshot.js";

const isTree = 1;
const isMarked = 2;
const hasTables = 4;

/**
 * A snapshot as bytes: flags and what `node:v8` writes. Of the libraries measured, msgpackr loses
 * -0, holes, lone surrogates and functions without a word, and devalue holds the event loop some
 * 20 times longer on rows and typed arrays; what v8 itself would lose (URL, errors' properties,
 * objects without a prototype, instances) stands in the bytes as marked plain objects.
 *
 * @throws UnstorableError for a value that is shared as it is and cannot be stored, for an error
 * of a class that is not registered, and for Arrow tables where the library is missing.
 */
export async function serializeSnapshot(given: Snapshot): Promise<Buffer> {
  const snapshot = given.shape === "shared" ? takeSnapshot(given.value) : given;
  if (snapshot.tables) {
    await loadArrow().catch(({ message, cause }: Error) => {
      throw new UnstorableError([], `an Arrow table, or holds one, and ${message}`, { cause });
    });
  }
  const body = serialize(snapshot.marked ? copyValue(snapshot.value, startWalk(lower)) : snapshot.value);
  const flags =
    (snapshot.shape === "graph" ? 0 : isTree) |
    (snapshot.marked ? isMarked : 0) |
    (snapshot.tables ? hasTables : 0);
  return Buffer.concat([Buffer.of(flags), body]);
}

/**
 * The snapshot that {@link serializeSnapshot} was given.
 *
 * @throws UnreadableError for what a newer Node.js wrote than this one can read, for instances of
 * a class that is not registered here, and for Arrow tables where the library is missing.
 */
export async function deserializeSnapshot(bytes: Buffer): Promise<Snapshot> {
  const flags = bytes[0]!;
  if ((flags & hasTables) !== 0) {
    await loadArrow().catch(({ message, cause }: Error) => {
      throw new UnreadableError(`the entry holds an Arrow table, and ${message}`, { cause });
    });
  }
  let value: unknown;
  try {
    value = deserialize(bytes.subarray(1));
  } catch (cause) {
    throw new UnreadableError("the entry was written by a version of Node.js that this one cannot read", {
      cause,
    });
  }
  if (typeof value !== "object" || value === null) return { value, shape: "atom", marked: false };
  const shape = (flags & isTree) === 0 ? "graph" : "tree";
  if ((flags & isMarked) === 0) return { value, shape, marked: false };
  const walk = startWalk(lift);
  try {
    const lifted = copyValue(value, walk);
    return { value: lifted, shape, marked: true, ...(walk.tables && { tables: true }) };
  } catch (error) {
    if (error instanceof UnreadableError) throw error;
    throw new UnreadableError(`the entry cannot be made a value again (${String(error)})`, { cause: error });
  }
}
