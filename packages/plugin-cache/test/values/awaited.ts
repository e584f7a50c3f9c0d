import * as codec from "../../src/values/codec.js";
import { createEntryCodec as create, type EntryCodecOptions } from "../../src/values/entry-codec.js";
import type { Entry } from "../../src/values/entry.js";
import type { Snapshot } from "../../src/values/snapshot.js";

// What gives a promise only where it must, as one that always does.

export async function serializeSnapshot(snapshot: Snapshot) {
  return codec.serializeSnapshot(snapshot);
}

export async function deserializeSnapshot(bytes: Buffer) {
  return codec.deserializeSnapshot(bytes);
}

export function createEntryCodec(options?: EntryCodecOptions) {
  const { seal, open } = create(options);
  return {
    seal: async (key: string, entry: Entry) => seal(key, entry),
    open: async (key: string, bytes: Uint8Array) => open(key, bytes),
  };
}
