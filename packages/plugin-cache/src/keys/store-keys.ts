import { createHmac, hash, type KeyObject } from "node:crypto";

/**
 * Makes the names that stores know entries by: SHA-256 of the key's text, or HMAC-SHA256 where
 * there is a secret, so that nobody can find out by trying which arguments a name stands for.
 * Not remembered: looking a text up takes as long as hashing it.
 */
export function createStoreKeys(secret?: KeyObject): (text: string) => string {
  if (!secret) return (text) => hash("sha256", bytesOf(text), "base64url");
  return (text) => createHmac("sha256", secret).update(bytesOf(text)).digest("base64url");
}

/** In UTF-8 all lone surrogates would be one character; the first byte is one that UTF-8 does not have. */
function bytesOf(text: string): string | Buffer {
  return isWellFormed(text) ? text : Buffer.concat([Buffer.of(0xff), Buffer.from(text, "utf16le")]);
}

function isWellFormed(text: string): boolean {
  return (text as string & { isWellFormed(): boolean }).isWellFormed();
}
