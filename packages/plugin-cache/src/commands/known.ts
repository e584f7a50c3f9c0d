import { ConfigurationError, nearest, type PluginKernel } from "@mlmcp/core";
import { byHand } from "../operations/call-keys.js";
import { CachedOperations } from "../operations/cached-operations.js";
import { printable } from "./printable.js";
import type { Store } from "../stores/store.js";

/** Ids of the operations under `@cached`, for completion. */
export function cachedOperations(kernel: PluginKernel): string[] {
  return kernel
    .resolve(CachedOperations)
    .list()
    .map(({ info }) => info.id);
}

/** Tags that the operations under `@cached` name of themselves, for completion; others are known call by call. */
export function cachedTags(kernel: PluginKernel): string[] {
  const all = kernel.resolve(CachedOperations).list();
  const named = all.flatMap(({ options: { tags } }) => (typeof tags === "object" ? tags : []));
  return [...new Set(named)];
}

/**
 * Refuses an operation that neither the application knows nor the store. A store that cannot list
 * may know any.
 *
 * @throws ConfigurationError (`MLMCP_CACHE_OPERATION`), with the nearest
 */
export async function checkOperation(kernel: PluginKernel, store: Store, operation: string): Promise<void> {
  const ofApplication = [byHand, ...kernel.operations.list().map(({ id }) => id)];
  if (ofApplication.includes(operation) || !store.entries) return;
  for await (const _ of store.entries({ operation })) return;
  const stored = (await store.count())?.keys() ?? [];
  const meant = nearest(operation, [...ofApplication, ...stored]);
  throw new ConfigurationError(
    `There is no operation "${printable(operation)}", in the application or in ${store.name}. ${meant ? `Did you mean "${printable(meant)}"?` : "`mlmcp cache stats` names those that have entries."}`,
    { code: "MLMCP_CACHE_OPERATION", context: { operation } },
  );
}
