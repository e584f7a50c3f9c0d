import type { Cache } from "./cache.js";
import type { Owner } from "./plan.js";

/** What is to be outdated together. */
export interface Invalidation {
  readonly everything?: boolean;
  /** Ids of operations, all of whose results are meant. */
  readonly operations?: readonly string[];
  readonly tags?: readonly string[];
  /** The texts of keys. */
  readonly entries?: readonly string[];
}

/** Does all of it, also where a part fails; what fails is told to the owner, and nothing is thrown. */
export async function invalidate(
  cache: Cache,
  { everything = false, operations = [], tags = [], entries = [] }: Invalidation,
  owner: Owner,
): Promise<void> {
  await Promise.allSettled([
    ...(everything ? [cache.clear(owner)] : []),
    ...operations.map((operation) => cache.invalidateOperation(operation, owner)),
    ...(tags.length > 0 ? [cache.invalidateTags(tags, owner)] : []),
    ...entries.map((text) => cache.delete(text, owner)),
  ]);
}
