import { randomBytes } from "node:crypto";
import type { EntryHead } from "../values/entry.js";

/** Everything that the cache keeps has this tag. */
export const everything = "*";
/** Gets another version with every tag that does, before that tag: whether anything was invalidated meanwhile. */
export const anyTag = "any";
/** The version of what was never invalidated. */
export const firstVersion = "0";

const userPrefix = "tag:";

/** The tag of everything that one operation returned. */
export function operationTag(operation: string): string {
  return `op:${operation}`;
}

/** What stores call a tag of the application's. */
export function userTag(tag: string): string {
  return userPrefix + tag;
}

/** The application's tags among the versions of an entry. */
export function userTagsOf({ versions }: Pick<EntryHead, "versions">): string[] {
  return Object.keys(versions).flatMap((name) =>
    name.startsWith(userPrefix) ? [name.slice(userPrefix.length)] : [],
  );
}

/** All tags of an entry, those that every entry has included. */
export function namesOf({ operation, versions }: Pick<EntryHead, "operation" | "versions">): string[] {
  return [...new Set([everything, operationTag(operation), ...Object.keys(versions)])];
}

/** A version that no tag has ever had. */
export function newVersion(): string {
  return randomBytes(9).toString("base64url");
}
