import { crc32 } from "node:zlib";
import { deserializeSnapshot, serializeSnapshot } from "./codec.js";
import { compress, decompress } from "./compression.js";
import { decrypt, encrypt, type KeyRing } from "./encryption.js";
import type { Entry, EntryCodec, EntryHead } from "./entry.js";
import { UnencryptedError, UnreadableError } from "./marks.js";

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
  return {
    async seal(key, entry) {
      const head = Buffer.from(JSON.stringify(headOf(entry)));
      const value = await serializeSnapshot(entry.snapshot);
      const compressed = value.length > compressOver ? await compress(value) : undefined;
      const lengths = Buffer.allocUnsafe(lengthBytes);
      lengths.writeUInt32LE(head.length, 0);
      lengths.writeUInt32LE(value.length, 4);
      const content = [lengths, head, compressed ?? value];
      const prefix = Buffer.alloc(prefixBytes);
      prefix[0] = format;
      prefix[1] = (compressed ? isCompressed : 0) | (keys ? isEncrypted : 0);
      const bytes = Buffer.concat(
        keys
          ? [prefix, encrypt(Buffer.concat(content), keys.current, contextOf(key, prefix))]
          : [prefix, ...content],
      );
      bytes.writeUInt32LE(checksum(bytes), 2);
      return bytes;
    },
    async open(key, bytes) {
      const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      if (buffer.length < prefixBytes || buffer[0] !== format)
        throw new UnreadableError("the entry has another format");
      if (checksum(buffer) !== buffer.readUInt32LE(2)) throw new UnreadableError("the entry is damaged");
      try {
        return await readContent(contentOf(key, buffer, keys), buffer[1]!);
      } catch (error) {
        if (error instanceof UnreadableError) throw error;
        // The checksum is right: somebody made it so.
        throw new UnreadableError("the entry does not hold what its format says", { cause: error });
      }
    },
  };
}

/** Of everything but itself. */
function checksum(bytes: Buffer): number {
  return crc32(bytes.subarray(prefixBytes), crc32(bytes.subarray(0, 2)));
}

/** What encrypted bytes are bound to: the name they stand under, and what is said about them outside. */
function contextOf(key: string, prefix: Buffer): Buffer {
  return Buffer.concat([prefix.subarray(0, 2), Buffer.from(key)]);
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
  return decrypt(content, keys, contextOf(key, bytes));
}

async function readContent(content: Buffer, flags: number): Promise<Entry> {
  const end = lengthBytes + content.readUInt32LE(0);
  const length = content.readUInt32LE(4);
  const head = readHead(content.toString("utf8", lengthBytes, end));
  const rest = content.subarray(end);
  const value = (flags & isCompressed) === 0 ? rest : await decompress(rest, length);
  if (value.length !== length) throw new RangeError(`${value.length} bytes in place of ${length}`);
  return { snapshot: await deserializeSnapshot(value), ...head };
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

/** @throws RangeError for what no entry was sealed with: types are not to be relied on, since anybody may write to a store */
function readHead(text: string): EntryHead {
  const fields = JSON.parse(text) as unknown;
  if (!isHead(fields)) throw new RangeError("the head is none of an entry");
  const [operation, created, freshUntil, expires, cost, versions, thrown, etag] = fields;
  return {
    operation,
    created,
    freshUntil,
    expires,
    cost,
    versions,
    ...(thrown === 1 && { thrown: true }),
    ...(etag !== undefined && { etag }),
  };
}

function isHead(fields: unknown): fields is HeadFields {
  if (!Array.isArray(fields)) return false;
  const [operation, created, freshUntil, expires, cost, versions, thrown, etag] = fields as unknown[];
  return (
    typeof operation === "string" &&
    [created, freshUntil, expires, cost].every(Number.isFinite) &&
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
