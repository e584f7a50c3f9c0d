import type { Store, StoredEntry } from "../store.js";

/** Something that a store is to take. */
export type Write =
  | { readonly kind: "set"; readonly key: string; readonly entry: StoredEntry }
  | { readonly kind: "delete"; readonly key: string }
  | { readonly kind: "version"; readonly name: string; readonly version: string }
  | { readonly kind: "clear" };

export type WriteKind = Write["kind"];

/** The order in which a store is told what it has missed: what is outdated before what is new. */
export const replayOrder: readonly WriteKind[] = ["clear", "delete", "version", "set"];

/** What a newer write takes the place of. */
export function idOf(write: Write): string {
  switch (write.kind) {
    case "set":
    case "delete":
      return entryId(write.key);
    case "version":
      return versionId(write.name);
    case "clear":
      return "clear";
  }
}

export function entryId(key: string): string {
  return `entry:${key}`;
}

export function versionId(name: string): string {
  return `version:${name}`;
}

/** Whether it keeps what no method's call has made. */
export function isByHand(write: Write): write is Extract<Write, { kind: "set" }> {
  return write.kind === "set" && write.entry.fence === undefined;
}

/** Bytes that it holds while it waits. */
export function bytesOf(write: Write): number {
  return write.kind === "set" ? write.entry.bytes.byteLength : 0;
}

export function perform(write: Write, store: Store): Promise<unknown> {
  switch (write.kind) {
    case "set":
      return store.set(write.key, write.entry);
    case "delete":
      return store.delete(write.key);
    case "version":
      return store.setVersion(write.name, write.version);
    case "clear":
      return store.clear();
  }
}
