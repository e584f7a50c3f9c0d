import type { CacheEntry } from "../engine/entries.js";

/**
 * `outdated`: one of its tags was invalidated. `error`: a fresh one that holds what the method
 * threw. `unencrypted`: written without a key where there is one now. `unreadable`: damaged, or
 * written with another key, class or version.
 */
export type EntryState = "fresh" | "stale" | "expired" | "outdated" | "error" | "unencrypted" | "unreadable";

export function stateOf({ expires, details, unencrypted }: CacheEntry, now = Date.now()): EntryState {
  if (expires <= now) return "expired";
  if (unencrypted) return "unencrypted";
  if (!details) return "unreadable";
  if (details.outdated) return "outdated";
  if (details.freshUntil <= now) return "stale";
  return details.thrown ? "error" : "fresh";
}
