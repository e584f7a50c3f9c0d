import { isDeepStrictEqual } from "node:util";
import { KeyRing } from "../values/encryption.js";

/** The keys of what `cache.encryptionKey` was last: stretching a secret takes some 70 ms, and it changes at a reload at most. */
export class LatestKeyRing {
  #secrets: readonly string[] = [];
  #ring: Promise<KeyRing> | undefined;

  async of(encryptionKey: string | readonly string[] | undefined): Promise<KeyRing | undefined> {
    if (encryptionKey === undefined) return undefined;
    const secrets = [encryptionKey].flat();
    if (!this.#ring || !isDeepStrictEqual(secrets, this.#secrets)) {
      this.#secrets = secrets;
      this.#ring = KeyRing.of(secrets as [string]);
    }
    return this.#ring;
  }
}
