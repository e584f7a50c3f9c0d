import type { Command } from "@mlmcp/core";
import { CacheManager } from "./cache-manager.js";
import type { OperationStatistics } from "./statistics.js";

export const stats: Command = {
  name: "cache stats",
  description: "Entries, hits and misses of the cache, by operation.",
  async run({ kernel }) {
    const { operations, store, memory, ...all } = await kernel.resolve(CacheManager).stats();
    return [
      ...Object.entries(operations).map(([operation, counts]) => row(operation, counts)),
      row(`total (${store ?? `memory only, ${memory.entries} of ${memory.maxEntries}`})`, all),
    ];
  },
};

export const clear: Command = {
  name: "cache clear",
  description: "Deletes every entry of the cache, in memory and in the store.",
  destroys: "All cached results are deleted.",
  async run({ kernel }) {
    const manager = kernel.resolve(CacheManager);
    const { entries, store } = await manager.stats();
    await manager.clear();
    return `Deleted ${entries} entries from ${store ?? "memory"}.`;
  },
};

function row(operation: string, { entries, hits, misses, hitRate, errors }: OperationStatistics): object {
  return { operation, entries, hits, misses, "hit rate": Number(hitRate.toFixed(3)), errors };
}
