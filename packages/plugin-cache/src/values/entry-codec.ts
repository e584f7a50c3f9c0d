import { crc32 } from "node:zlib";
import { deserializeSnapshot, serializeSnapshot } from "./codec.js";
import { compress, decompress } from "./compression.js";
import { decrypt, encrypt, type KeyRing } from "./encryption.js";
import type { Entry, EntryCodec, EntryHead } from "./entry.js";
import { UnencryptedError, UnreadableError } from "./marks.js";
import type { Snapshot } from "./snapshot.js";

export interface EntryCodecOptions {
  /** Values of more bytes than this are compressed. @default none is */
  readonly compressOver?: number | undefined;
  /** Encrypt entries; those that are not encrypted are then as good as missing. @default entries are not encrypted */
  readonly keys?: KeyRing | undefined;
}

// The format:
//
//   0   2, the number of the format
//   1   flags
//   2   CRC-32 of everything else
//   6   the content; encrypted: id of the key, nonce, encrypted content, tag
//
// The content: length of the head (4 bytes), length of the value (4 bytes), the head as JSON, the
// value, compressed or not. All numbers have their little end first.
const format = 2;
const prefixBytes = 6;
const lengthBytes = 8;
const isCompressed = 1;
const isEncrypted = 2;

/** Whether bytes are an entry that is not encrypted. */
export function isUnencrypted(bytes: Uint8Array): boolean {
  return bytes.length >= prefixBytes && bytes[0] === format && (bytes[1]! & isEncrypted) === 0;
}

/** Entries as bytes, with a checksum. */
export function createEntryCodec({ compressOver = Infinity, keys }: EntryCodecOptions = {}): EntryCodec {
  const finish = (key: string, entry: Entry, value: Buffer): Buffer | Promise<Buffer> =>
    value.length > compressOver
      ? compress(value).then((compressed) => write(key, entry, value.length, compressed ?? value, keys))
      : write(key, entry, value.length, value, keys);
  return {
    seal(key, entry) {
      const value = serializeSnapshot(entry.snapshot);
      return value instanceof Promise
        ? value.then((bytes) => finish(key, entry, bytes))
        : finish(key, entry, value);
    },
    open(key, bytes) {
      const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      if (buffer.length < prefixBytes || buffer[0] !== format)
        throw new UnreadableError("the entry has another format");
      if (checksum(buffer) !== buffer.readUInt32LE(2)) throw new UnreadableError("the entry is damaged");
      try {
        const entry = readContent(contentOf(key, buffer, keys), buffer[1]!);
        return entry instanceof Promise ? entry.catch(refuse) : entry;
      } catch (error) {
        return refuse(error);
      }
    },
  };
}

/** The checksum is right: somebody made it so. @throws UnreadableError */
function refuse(cause: unknown): never {
  if (cause instanceof UnreadableError) throw cause;
  throw new UnreadableError("the entry does not hold what its format says", { cause });
}

/** @param length of the value before it was compressed */
function write(key: string, entry: EntryHead, length: number, value: Buffer, keys?: KeyRing): Buffer {
  const head = JSON.stringify(headOf(entry));
  const headLength = Buffer.byteLength(head);
  const flags = (value.length === length ? 0 : isCompressed) | (keys ? isEncrypted : 0);
  const before = keys ? 0 : prefixBytes;
  const content = Buffer.allocUnsafe(before + lengthBytes + headLength + value.length);
  content.writeUInt32LE(headLength, before);
  content.writeUInt32LE(length, before + 4);
  content.write(head, before + lengthBytes);
  value.copy(content, before + lengthBytes + headLength);
  const bytes = keys
    ? Buffer.concat([Buffer.alloc(prefixBytes), encrypt(content, keys.current, contextOf(key, flags))])
    : content;
  bytes[0] = format;
  bytes[1] = flags;
  bytes.writeUInt32LE(checksum(bytes), 2);
  return bytes;
}

/** Of everything but itself. */
function checksum(bytes: Buffer): number {
  return crc32(bytes.subarray(prefixBytes), checksumOfFlags(bytes[1]!));
}

/** How the checksum begins, by the flags: asking the library twice takes as long as it does for a kilobyte. */
const checksums = new Map<number, number>();

function checksumOfFlags(flags: number): number {
  let begun = checksums.get(flags);
  if (begun === undefined) checksums.set(flags, (begun = crc32(Buffer.of(format, flags))));
  return begun;
}

/** What encrypted bytes are bound to: the name they stand under, and what is said about them outside. */
function contextOf(key: string, flags: number): Buffer {
  return Buffer.concat([Buffer.of(format, flags), Buffer.from(key)]);
}

function contentOf(key: string, bytes: Buffer, keys: KeyRing | undefined): Buffer {
  const content = bytes.subarray(prefixBytes);
  const encrypted = (bytes[1]! & isEncrypted) !== 0;
  if (!keys) {
    if (encrypted) throw new UnreadableError("the entry is encrypted, and `cache.encryptionKey` is not set");
    return content;
  }
  // Whoever can write to the store could otherwise put entries of his own in place of encrypted ones.
  if (!encrypted) throw new UnencryptedError("the entry is not encrypted, and `cache.encryptionKey` is set");
  return decrypt(content, keys, contextOf(key, bytes[1]!));
}

function readContent(content: Buffer, flags: number): Entry | Promise<Entry> {
  const end = lengthBytes + content.readUInt32LE(0);
  const length = content.readUInt32LE(4);
  const head = readHead(content.toString("utf8", lengthBytes, end));
  const rest = content.subarray(end);
  if ((flags & isCompressed) !== 0)
    return decompress(rest, length).then((value) => readValue(head, value, length));
  return readValue(head, rest, length);
}

function readValue(head: HeadFields, value: Buffer, length: number): Entry | Promise<Entry> {
  if (value.length !== length) throw new RangeError(`${value.length} bytes in place of ${length}`);
  const snapshot = deserializeSnapshot(value);
  return snapshot instanceof Promise
    ? snapshot.then((loaded) => entryOf(head, loaded))
    : entryOf(head, snapshot);
}

type HeadFields = [
  operation: string,
  created: number,
  freshUntil: number,
  expires: number,
  cost: number,
  versions: EntryHead["versions"],
  thrown: 0 | 1,
  etag?: string,
];

function headOf(entry: EntryHead): HeadFields {
  const { operation, created, freshUntil, expires, cost, versions, thrown, etag } = entry;
  const fields: HeadFields = [operation, created, freshUntil, expires, cost, versions, thrown ? 1 : 0];
  if (etag !== undefined) fields.push(etag);
  return fields;
}

function entryOf(
  [operation, created, freshUntil, expires, cost, versions, thrown, etag]: HeadFields,
  snapshot: Snapshot,
): Entry {
  return {
    operation,
    created,
    freshUntil,
    expires,
    cost,
    versions,
    snapshot,
    ...(thrown === 1 && { thrown: true }),
    ...(etag !== undefined && { etag }),
  };
}

/** @throws RangeError for what no entry was sealed with: types are not to be relied on, since anybody may write to a store */
function readHead(text: string): HeadFields {
  const fields = JSON.parse(text) as unknown;
  if (!isHead(fields)) throw new RangeError("the head is none of an entry");
  return fields;
}

function isHead(fields: unknown): fields is HeadFields {
  if (!Array.isArray(fields)) return false;
  const [operation, created, freshUntil, expires, cost, versions, thrown, etag] = fields as unknown[];
  return (
    typeof operation === "string" &&
    Number.isFinite(created) &&
    Number.isFinite(freshUntil) &&
    Number.isFinite(expires) &&
    Number.isFinite(cost) &&
    (cost as number) >= 0 &&
    isVersions(versions) &&
    (thrown === 0 || thrown === 1) &&
    (etag === undefined || typeof etag === "string")
  );
}

function isVersions(versions: unknown): boolean {
  return (
    typeof versions === "object" &&
    versions !== null &&
    !Array.isArray(versions) &&
    Object.values(versions).every((version) => typeof version === "string")
  );
}
