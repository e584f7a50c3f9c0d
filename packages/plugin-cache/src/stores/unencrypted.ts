import type { EntryInfo, Store } from "./store.js";
import { isUnencrypted } from "../values/entry-codec.js";

/** How many entries are looked at, and how many bytes of them are read at most. */
const [looked, maxBytes] = [100, 4 * 1024 * 1024];

/**
 * Whether a store holds entries that are not encrypted, by a look at the first ones that it lists.
 * Names are hashes, so those are any: where many are not encrypted, as when a key has just been
 * set, some of them are among these. `false` where the store cannot list.
 *
 * @throws the store's error
 */
export async function holdsUnencrypted(store: Store): Promise<boolean> {
  const infos: EntryInfo[] = [];
  for await (const info of store.entries?.() ?? []) if (infos.push(info) === looked) break;
  let bytes = 0;
  for (const info of infos.toSorted((a, b) => a.bytes - b.bytes)) {
    bytes += info.bytes;
    // However large the smallest is, it is looked at.
    if (bytes > maxBytes && bytes > info.bytes) break;
    const entry = await store.get(info.key);
    if (entry && isUnencrypted(entry.bytes)) return true;
  }
  return false;
}
