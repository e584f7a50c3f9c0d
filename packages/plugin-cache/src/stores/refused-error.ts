/**
 * A store that works will not do what it was asked, such as take an entry that is too large. It
 * is no sign of an outage, and trying again does not help.
 */
export class RefusedError extends Error {
  override readonly name = "RefusedError";
  readonly code = "MLMCP_CACHE_STORE_REFUSED";
}
