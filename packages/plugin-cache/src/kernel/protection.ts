import { createStoreKeys } from "../keys/store-keys.js";
import type { CacheSection } from "../options.js";
import type { Behind } from "../engine/store-tier.js";
import { SecretKey } from "../values/encryption.js";
import { createEntryCodec } from "../values/entry-codec.js";
import type { LatestKeyRing } from "./latest-key-ring.js";

export type ProtectionSettings = Partial<Pick<CacheSection, "compressOver" | "encryptionKey" | "keySecret">>;

/** How entries are written to a store: their bytes and their names, as the configuration asks. */
export async function protect(
  settings: ProtectionSettings,
  keyRing: LatestKeyRing,
): Promise<Required<Pick<Behind, "codec" | "digest">>> {
  const { compressOver, encryptionKey, keySecret } = settings;
  const keys = await keyRing.of(encryptionKey);
  const names = keySecret === undefined ? keys?.oldest : await SecretKey.of(keySecret);
  return {
    codec: createEntryCodec({ compressOver, keys }),
    digest: createStoreKeys(names?.derive("names")),
  };
}
