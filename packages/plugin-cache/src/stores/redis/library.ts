import type { RedisClientType } from "@keyv/redis";
import { loadOptional } from "../missing-package.js";
import { RefusedError } from "../refused-error.js";

export type Library = typeof import("@keyv/redis");
export type RedisClient = RedisClientType;

/**
 * Loads `@keyv/redis`, which only those need who name a Redis.
 *
 * @throws MissingPackageError
 */
export function loadLibrary(load: () => Promise<Library> = () => import("@keyv/redis")): Promise<Library> {
  return loadOptional("@keyv/redis", load);
}

/** How bulk strings are marked in the protocol, which is what the client's type mapping goes by. */
const bulkString = 36;

/** Has values given as bytes. */
export const asBytes = { [bulkString]: Buffer };

/** Replies that say that the server cannot serve now, and may later. */
const passing = new Set([
  "LOADING",
  "MASTERDOWN",
  "CLUSTERDOWN",
  "TRYAGAIN",
  "BUSY",
  "READONLY",
  "NOREPLICAS",
]);

/** The word that a reply begins with, where the server answered with an error; `undefined` for errors of the connection. */
export function replyKind(error: unknown): string | undefined {
  if (!(error instanceof Error) || "code" in error) return undefined;
  return /^([A-Z]{2,}) /.exec(error.message)?.[1];
}

/** What a command failed with, as guards know it. */
export function toStoreError(error: unknown, name: string): unknown {
  const kind = replyKind(error);
  if (kind === undefined || passing.has(kind)) return error;
  return new RefusedError(`${name} refuses: ${(error as Error).message}`, { cause: error });
}
