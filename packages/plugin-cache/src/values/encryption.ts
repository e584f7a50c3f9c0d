import {
  createCipheriv,
  createDecipheriv,
  createSecretKey,
  hkdfSync,
  randomFillSync,
  scrypt,
  type KeyObject,
} from "node:crypto";
import { promisify } from "node:util";
import { UnreadableError } from "./marks.js";

const stretch = promisify<string, string, number, object, Buffer>(scrypt);

/**
 * A secret may be a phrase that can be guessed: each guess shall cost some 70 ms and 32 MB. The salt
 * is the same everywhere, since all who share a store must come to the same keys.
 */
const effort = { N: 2 ** 15, r: 8, p: 1, maxmem: 64 * 2 ** 20 };
const everywhere = "@mlmcp/plugin-cache/1";

export const keyIdBytes = 4;
export const tagBytes = 16;
const nonceBytes = 12;

/** What one secret is stretched to. */
export class SecretKey {
  /** Tells with which key something was encrypted; nothing can be told from it. */
  readonly id: Buffer;
  /** For entries. */
  readonly entries: KeyObject;
  readonly #stretched: Buffer;

  private constructor(stretched: Buffer) {
    this.#stretched = stretched;
    this.id = this.derive("id", "", keyIdBytes).export();
    this.entries = this.derive("entries");
  }

  static async of(secret: string): Promise<SecretKey> {
    return new SecretKey(await stretch(secret, everywhere, 32, effort));
  }

  /** A key for another purpose, by HKDF-SHA256. @param salt makes it another one for each use */
  derive(purpose: string, salt: Uint8Array | string = "", length = 32): KeyObject {
    return createSecretKey(Buffer.from(hkdfSync("sha256", this.#stretched, salt, purpose, length)));
  }
}

/** The keys of a rotation: the first one encrypts, all decrypt. */
export class KeyRing {
  private constructor(readonly keys: readonly [SecretKey, ...SecretKey[]]) {}

  /** @param secrets the one that encrypts first. */
  static async of(secrets: readonly [string, ...string[]]): Promise<KeyRing> {
    const [first, ...others] = secrets;
    return new KeyRing([
      await SecretKey.of(first),
      ...(await Promise.all(others.map((other) => SecretKey.of(other)))),
    ]);
  }

  get current(): SecretKey {
    return this.keys[0];
  }

  /** The one that names entries in the store: the oldest, so that they are found while the keys rotate. */
  get oldest(): SecretKey {
    return this.keys.at(-1)!;
  }

  /** @throws UnreadableError where no key has the id. */
  find(id: Uint8Array): SecretKey {
    const found = this.keys.find((key) => key.id.equals(id));
    if (found) return found;
    throw new UnreadableError("the entry is encrypted with a key that `cache.encryptionKey` does not have");
  }
}

/**
 * AES-256-GCM: the key's id, a random nonce, the encrypted bytes, the tag. A random nonce is good
 * for 2^32 entries under one key.
 *
 * @param context what must be the same for {@link decrypt}, such as the name that the bytes are stored under.
 */
export function encrypt(plain: Uint8Array, { id, entries }: SecretKey, context: Uint8Array): Buffer {
  const nonce = randomFillSync(Buffer.allocUnsafe(nonceBytes));
  const cipher = createCipheriv("aes-256-gcm", entries, nonce).setAAD(context);
  return Buffer.concat([id, nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
}

/** @throws UnreadableError where the key is not known, the bytes were altered or the context is another. */
export function decrypt(bytes: Buffer, ring: KeyRing, context: Uint8Array): Buffer {
  const start = keyIdBytes + nonceBytes;
  if (bytes.length < start + tagBytes) throw new UnreadableError("the entry is cut off");
  const { entries } = ring.find(bytes.subarray(0, keyIdBytes));
  const decipher = createDecipheriv("aes-256-gcm", entries, bytes.subarray(keyIdBytes, start))
    .setAAD(context)
    .setAuthTag(bytes.subarray(-tagBytes));
  const plain = decipher.update(bytes.subarray(start, -tagBytes));
  try {
    return Buffer.concat([plain, decipher.final()]);
  } catch (cause) {
    throw new UnreadableError("the entry was altered or stands under another key than its own", { cause });
  }
}
