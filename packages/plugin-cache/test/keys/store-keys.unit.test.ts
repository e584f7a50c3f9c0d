import { createHash, createHmac, createSecretKey } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createStoreKeys } from "../../src/keys/store-keys.js";

const secret = createSecretKey(Buffer.from("0123456789abcdef0123456789abcdef"));
const other = createSecretKey(Buffer.from("1123456789abcdef0123456789abcdef"));

describe("the names of entries in a store", () => {
  it("are SHA-256, or HMAC-SHA256 where there is a secret", () => {
    const text = "s7:Reportsn1;ü";
    expect(createStoreKeys()(text)).toBe(createHash("sha256").update(text).digest("base64url"));
    expect(createStoreKeys(secret)(text)).toBe(createHmac("sha256", secret).update(text).digest("base64url"));
    expect(createStoreKeys(secret)(text)).not.toBe(createStoreKeys(other)(text));
  });

  it("are different for different texts, lone surrogates included", () => {
    const texts = fc.string({ unit: "binary", maxLength: 5 });
    const surrogates = fc.array(fc.integer({ min: 0xd7fe, max: 0xe001 }), { maxLength: 4 });
    const odd = surrogates.map((units) => String.fromCharCode(...units));
    for (const nameOf of [createStoreKeys(), createStoreKeys(secret)]) {
      fc.assert(
        fc.property(fc.oneof(texts, odd), fc.oneof(texts, odd), (left, right) => {
          return (nameOf(left) === nameOf(right)) === (left === right);
        }),
        { numRuns: 5_000 },
      );
      // The same bytes, one as UTF-16 and the other as UTF-8.
      const wide = "\ud8a4\u4141";
      const narrow = Buffer.from([0xff, ...Buffer.from(wide, "utf16le")]).toString("utf8");
      expect(nameOf(wide)).not.toBe(nameOf(narrow));
    }
  });
});
