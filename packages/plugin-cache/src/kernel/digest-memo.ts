import type { Cache } from "../engine/cache.js";
import { canonical } from "../keys/canonical.js";
import type { DigestMemo } from "../keys/files.js";
import { keyspace } from "../keys/key.js";
import type { Observer, Owner } from "../engine/plan.js";

/** Long after the last change of most files that are read again and again. */
const ttl = 30 * 24 * 60 * 60 * 1_000;
const operation = "(files)";

/** Keeps the digests of large files as entries of the cache itself, so that they outlive the process. */
export function createDigestMemo(cache: Cache, failed: Observer["failed"]): DigestMemo {
  const space = cache.spaceOf(keyspace(operation));
  const textOf = (state: readonly string[]): string => space + canonical(state);
  // Nobody asked for these entries: they are no hits and no misses.
  const nothing = (): void => undefined;
  const observer = { hit: nothing, stale: nothing, miss: nothing, set: nothing, refreshed: nothing, failed };
  const owner: Owner = { operation, observer };
  return {
    async get(state) {
      try {
        const found = await cache.find(textOf(state), owner);
        return typeof found === "string" ? found : undefined;
      } catch (error) {
        failed("files", error);
        return undefined;
      }
    },
    set(state, digest) {
      cache
        .set(textOf(state), digest, { owner, timing: { ttl } })
        .catch((error: unknown) => failed("files", error));
    },
  };
}
