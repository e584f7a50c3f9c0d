import type { Snapshot } from "./snapshot.js";

/** What is known of a value that is kept, in every tier. */
export interface EntryHead {
  /** The id of the operation whose result it is. */
  readonly operation: string;
  /** When the method was called that made it. Milliseconds since the epoch. */
  readonly created: number;
  /** Until when it is fresh; after that it is stale, good only where fresh data cannot be had. */
  readonly freshUntil: number;
  /** When it is dropped: `freshUntil` and the grace. */
  readonly expires: number;
  /** How long the method took. Milliseconds. */
  readonly cost: number;
  /** The versions of its tags when the method was called; outdated as soon as one of them has another. */
  readonly versions: Readonly<Record<string, string>>;
  /** Whether the value is what the method threw. */
  readonly thrown?: true;
  /** What the method gave for telling whether the value changed. */
  readonly etag?: string;
}

/** A value that is kept. */
export interface Entry extends EntryHead {
  readonly snapshot: Snapshot;
}

/** Turns entries into bytes for a store and back. */
export interface EntryCodec {
  /**
   * @param key of the entry in the store; bytes under another key are refused where they are encrypted
   * @returns a promise only where a value is compressed or a library loaded
   * @throws UnstorableError for a value that is shared as it is and cannot be stored
   */
  seal(key: string, entry: Entry): Uint8Array | Promise<Uint8Array>;
  /**
   * @returns a promise only where a value is decompressed or a library loaded
   * @throws UnreadableError for bytes that are damaged, of another format, or encrypted with a key that is not known
   */
  open(key: string, bytes: Uint8Array): Entry | Promise<Entry>;
}
