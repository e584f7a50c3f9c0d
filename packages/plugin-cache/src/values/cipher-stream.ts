import { createCipheriv, createDecipheriv, randomBytes, type KeyObject } from "node:crypto";
import { Transform, type TransformCallback } from "node:stream";
import { keyIdBytes, tagBytes, type KeyRing } from "./encryption.js";
import { UnreadableError } from "./marks.js";

// The format, after STREAM (Hoang, Reyhanitabar, Rogaway, Vizár 2015), as age and Tink use it:
//
//   0   "MLMCPS1", the format's name
//   7   id of the secret key, 4 bytes
//   11  salt, 32 bytes
//   43  chunks of 64 KiB of plain text, the last one shorter or as long, each followed by its tag
//
// The key of a stream is HKDF-SHA256(secret key, salt, "stream" + context), so that nonces can count:
// number of the chunk as 11 bytes, big end first, and 1 for the last chunk, 0 for others. A chunk
// that is missing, doubled or in another place fails, and so does a stream that ends too early.
const magic = Buffer.from("MLMCPS1");
const saltBytes = 32;
const headerBytes = magic.length + keyIdBytes + saltBytes;
const chunkBytes = 64 * 1024;

/** What takes and gives whole chunks, one behind, since the last one is treated differently. */
abstract class ChunkStream extends Transform {
  #waiting: Buffer[] = [];
  #length = 0;
  #number = 0n;

  /** @param size of a chunk that comes in. */
  constructor(readonly size: number) {
    super();
  }

  /** @throws UnreadableError */
  protected abstract chunk(bytes: Buffer, nonce: Buffer): Buffer;

  protected accept(bytes: Buffer): void {
    this.#waiting.push(bytes);
    this.#length += bytes.length;
    // A full chunk may be the last one until there is more.
    while (this.#length > this.size) this.#emit(this.size, false);
  }

  protected finish(): void {
    this.#emit(this.#length, true);
  }

  #emit(size: number, isLast: boolean): void {
    const whole = this.#waiting.length === 1 ? this.#waiting[0]! : Buffer.concat(this.#waiting);
    const rest = whole.subarray(size);
    this.#waiting = [rest];
    this.#length = rest.length;
    const nonce = Buffer.alloc(12);
    nonce.writeBigUInt64BE(this.#number++, 3);
    nonce[11] = isLast ? 1 : 0;
    this.push(this.chunk(whole.subarray(0, size), nonce));
  }
}

class CipherStream extends ChunkStream {
  readonly #key: KeyObject;

  constructor(ring: KeyRing, context: string) {
    super(chunkBytes);
    const salt = randomBytes(saltBytes);
    this.#key = ring.current.derive(`stream ${context}`, salt);
    this.push(Buffer.concat([magic, ring.current.id, salt]));
  }

  override _transform(bytes: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    attempt(done, () => this.accept(bytes));
  }

  override _flush(done: TransformCallback): void {
    attempt(done, () => this.finish());
  }

  protected chunk(plain: Buffer, nonce: Buffer): Buffer {
    const cipher = createCipheriv("aes-256-gcm", this.#key, nonce);
    return Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
  }
}

class DecipherStream extends ChunkStream {
  readonly #ring: KeyRing;
  readonly #context: string;
  #header: Buffer = Buffer.alloc(0);
  #key: KeyObject | undefined;

  constructor(ring: KeyRing, context: string) {
    super(chunkBytes + tagBytes);
    this.#ring = ring;
    this.#context = context;
  }

  override _transform(bytes: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    attempt(done, () => this.accept(this.#key ? bytes : this.#readHeader(bytes)));
  }

  override _flush(done: TransformCallback): void {
    attempt(done, () => {
      if (!this.#key) throw new UnreadableError("the stream is not encrypted by this package, or cut off");
      this.finish();
    });
  }

  protected chunk(bytes: Buffer, nonce: Buffer): Buffer {
    if (bytes.length < tagBytes) throw new UnreadableError("the stream is cut off");
    const decipher = createDecipheriv("aes-256-gcm", this.#key!, nonce).setAuthTag(bytes.subarray(-tagBytes));
    const plain = decipher.update(bytes.subarray(0, -tagBytes));
    try {
      return Buffer.concat([plain, decipher.final()]);
    } catch (cause) {
      throw new UnreadableError("the stream was altered or cut off, or belongs elsewhere", { cause });
    }
  }

  /** What comes after the header, once it is whole. */
  #readHeader(bytes: Buffer): Buffer {
    const whole = (this.#header = Buffer.concat([this.#header, bytes]));
    if (whole.length < headerBytes) return Buffer.alloc(0);
    const id = magic.length + keyIdBytes;
    if (!whole.subarray(0, magic.length).equals(magic))
      throw new UnreadableError("the stream is not encrypted by this package");
    this.#key = this.#ring
      .find(whole.subarray(magic.length, id))
      .derive(`stream ${this.#context}`, whole.subarray(id, headerBytes));
    return whole.subarray(headerBytes);
  }
}

function attempt(done: TransformCallback, act: () => void): void {
  try {
    act();
  } catch (error) {
    done(error as Error);
    return;
  }
  done();
}

/**
 * Encrypts what flows through it with AES-256-GCM in chunks, for what is too large for memory.
 *
 * @param context what must be the same at {@link createDecipherStream}, such as the name of an artifact.
 */
export function createCipherStream(ring: KeyRing, context: string): Transform {
  return new CipherStream(ring, context);
}

/**
 * Decrypts what {@link createCipherStream} made; what comes out is what went in there, but an end
 * is to be trusted only when the stream ends without an error. Fails with UnreadableError for
 * bytes that were altered, left out, put elsewhere or cut off, for another context, and for a key
 * that is not known.
 */
export function createDecipherStream(ring: KeyRing, context: string): Transform {
  return new DecipherStream(ring, context);
}
