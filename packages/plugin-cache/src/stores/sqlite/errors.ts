/** Another connection holds what the statement needs: it may succeed a moment later. */
export function isBusy(error: unknown): boolean {
  const code = codeOf(error);
  return code === "SQLITE_BUSY" || code === "SQLITE_LOCKED";
}

/** The file's content is not what this package wrote, or no longer. */
export function isDamage(error: unknown): boolean {
  const code = codeOf(error);
  if (code === "SQLITE_CORRUPT" || code === "SQLITE_NOTADB" || code === NOT_OURS) return true;
  // A file that was emptied under a connection is a valid one without tables.
  return code === "SQLITE_ERROR" && /no such (table|column|index)|malformed/.test(messageOf(error));
}

const unwritable = new Set([
  "SQLITE_FULL",
  "SQLITE_READONLY",
  "SQLITE_IOERR",
  "SQLITE_CANTOPEN",
  "SQLITE_PERM",
  "SQLITE_AUTH",
]);

/** The disk does not take it: full, read-only, out of reach. Trying again at once does not help. */
export function isUnwritable(error: unknown): boolean {
  return unwritable.has(codeOf(error) ?? "");
}

const NOT_OURS = "MLMCP_CACHE_FILE_FOREIGN";

/** Something stands where the cache file should be that is not ours to move or to write to. `mend` says what to do. */
export class OccupiedPathError extends Error {
  readonly code = "MLMCP_CACHE_FILE_OCCUPIED";
  readonly mend = "Give the cache a file of its own: set `cache.store` to another path.";
}

/** A file that is no cache. */
export class ForeignFileError extends Error {
  readonly code = NOT_OURS;

  constructor() {
    super("it is not a cache of @mlmcp/plugin-cache");
  }
}

export function codeOf(error: unknown): string | undefined {
  const { code } = (error ?? {}) as { code?: unknown };
  return typeof code === "string" ? code : undefined;
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Tells an operator what has to be mended; the cache goes on without. */
export function warn(message: string): void {
  process.emitWarning(message, { code: "MLMCP_CACHE_STORE" });
}
