import { ValidationError, type Command, type PluginKernel } from "@mlmcp/core";
import { CacheManager } from "../cache-manager.js";
import { KernelCache, sectionOf } from "../kernel/kernel-cache.js";
import { countedEntries } from "./counted.js";
import { cachedOperations, cachedTags, checkOperation } from "./known.js";
import { printable } from "./printable.js";
import type { Store } from "../stores/store.js";
import { checkListable, storeOf } from "./store-access.js";

export const clear: Command = {
  name: "cache clear",
  description: "Deletes every entry of the cache, or those of one operation or with certain tags.",
  destroys: "Cached results are deleted.",
  options: [
    { flags: "--operation <operation>", description: "only those of one operation; not beside --tag" },
    { flags: "--tag <tags...>", description: "only those that have one of these tags" },
    { flags: "--unencrypted", description: "only those that were written without cache.encryptionKey" },
  ],
  values: { operation: cachedOperations, tag: cachedTags },
  async run({ kernel, options }) {
    const from = await storeOf(kernel);
    const manager = kernel.resolve(CacheManager);
    const { cache, owner } = kernel.resolve(KernelCache);
    const operation = options["operation"] as string | undefined;
    const tags = options["tag"] as readonly string[] | undefined;
    if (options["unencrypted"] === true) {
      if (operation !== undefined || tags !== undefined)
        throw wrong("--unencrypted deletes those of all operations. Leave out --operation and --tag.");
      return `Deleted ${countedEntries(await clearUnencrypted(kernel, from))} without encryption from ${from.name}.`;
    }
    if (operation !== undefined && tags !== undefined)
      throw wrong("--operation and --tag each say by themselves what goes. Give one of them.");
    // Those first that are under way, and what other processes have in memory.
    if (operation !== undefined) {
      await checkOperation(kernel, from, operation);
      await cache.invalidateOperation(operation, owner);
      const gone = await cache.inventory.deleteOutdated({ operation }, owner);
      return printable(`Deleted ${countedEntries(gone)} of ${operation}.`);
    }
    if (tags !== undefined) {
      await manager.invalidateTags(tags);
      const gone = await cache.inventory.deleteOutdated({ tags }, owner);
      return printable(`Deleted ${countedEntries(gone)} ${tags.map((tag) => `tagged ${tag}`).join(" or ")}.`);
    }
    const { entries } = await manager.stats();
    await manager.clear();
    return `Deleted ${countedEntries(entries)} from ${from.name}.`;
  },
};

/** @throws ConfigurationError where the store cannot list its entries; ValidationError where none has to be encrypted */
async function clearUnencrypted(kernel: PluginKernel, store: Store): Promise<number> {
  checkListable(store);
  if (sectionOf(kernel.config).encryptionKey === undefined)
    throw wrong(
      "cache.encryptionKey is not set: no entry has to be encrypted. Set it, or leave out --unencrypted.",
    );
  const { cache, owner } = kernel.resolve(KernelCache);
  const gone = await cache.inventory.deleteUnencrypted(owner);
  await store.file?.shrink();
  return gone;
}

function wrong(problem: string): ValidationError {
  return new ValidationError(problem, { code: "MLMCP_CACHE_ARGUMENT" });
}
