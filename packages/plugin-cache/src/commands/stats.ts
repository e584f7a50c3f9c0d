import type { Command, PluginKernel } from "@mlmcp/core";
import { formatBytes, formatShare, formatTime } from "../advice/units.js";
import { CacheManager } from "../cache-manager.js";
import { KernelCache } from "../kernel/kernel-cache.js";
import { counted } from "./counted.js";
import { printable } from "./printable.js";
import { storeOf } from "./store-access.js";
import { reportOperation } from "../statistics/report.js";
import type { CachedOperationStatistics, CacheStatistics } from "../statistics/summary.js";

/** What the store has of one operation. */
interface Stored {
  /** That have not expired. */
  readonly entries: number;
  readonly expired: number;
  readonly bytes: number;
}

interface Stats extends CacheStatistics {
  /** By operation; missing where the store cannot list its entries. */
  readonly stored?: Readonly<Record<string, Stored>>;
}

export const stats: Command = {
  name: "cache stats",
  description:
    "Entries, hits, misses and time saved, by operation, of all processes on the store within a day.",
  async run({ kernel }): Promise<Stats> {
    await storeOf(kernel);
    const { processes, ...shared } = await kernel.resolve(CacheManager).stats({ scope: "shared" });
    const stored = await measureStore(kernel);
    // That of the command itself has only looked.
    const told = { ...shared, processes: processes - 1 };
    return stored ? { ...told, stored } : told;
  },
  present({ operations, stored: listed, store, processes, ...all }: Stats) {
    const stored = listed ?? {};
    const none: CachedOperationStatistics = { ...all, ...noNumbers };
    const names = new Set([...Object.keys(operations), ...Object.keys(stored)]);
    const said = processes > 0 ? "as each said last:" : "nobody has said anything yet: each does";
    const who = counted(processes, "process", "processes");
    return [
      ...Array.from(names, (name) => row(name, operations[name] ?? none, stored[name])),
      row(`total (${store}${listed ? `, ${who}*` : ""})`, all, sum(stored)),
      // In a store that cannot list its entries nobody can say anything.
      ...(listed ? [{ operation: `* ${said} once a minute while it runs, and at its end` }] : []),
    ];
  },
};

async function measureStore(kernel: PluginKernel): Promise<Record<string, Stored> | undefined> {
  const { store } = kernel.resolve(KernelCache).cache;
  if (!store?.entries) return undefined;
  const stored: Record<string, Stored> = {};
  const now = Date.now();
  for await (const { operation, bytes, expires } of store.entries()) {
    if (operation === reportOperation) continue;
    const before = stored[operation] ?? { entries: 0, expired: 0, bytes: 0 };
    const isExpired = expires <= now;
    stored[operation] = {
      entries: before.entries + (isExpired ? 0 : 1),
      expired: before.expired + (isExpired ? 1 : 0),
      bytes: before.bytes + bytes,
    };
  }
  return stored;
}

const noNumbers = {
  hits: 0,
  misses: 0,
  hitRate: 0,
  staleHits: 0,
  sets: 0,
  refreshes: 0,
  savedMs: 0,
  errors: 0,
  entries: 0,
  expired: 0,
  bytes: 0,
  evictions: 0,
};

function row(operation: string, counts: CachedOperationStatistics, stored: Stored | undefined): object {
  const { hits, misses, hitRate, staleHits, evictions, refreshes, errors, savedMs, ttl } = counts;
  return {
    operation: printable(operation),
    ttl: ttl === undefined ? "" : formatTime(ttl),
    entries: stored?.entries ?? counts.entries,
    expired: stored?.expired ?? counts.expired,
    size: formatBytes(stored?.bytes ?? counts.bytes),
    hits,
    misses,
    "hit rate": formatShare(hitRate),
    stale: staleHits,
    evictions,
    refreshes,
    errors,
    saved: formatTime(savedMs),
  };
}

function sum(stored: Readonly<Record<string, Stored>>): Stored | undefined {
  const all = Object.values(stored);
  if (all.length === 0) return undefined;
  return all.reduce((total, one) => ({
    entries: total.entries + one.entries,
    expired: total.expired + one.expired,
    bytes: total.bytes + one.bytes,
  }));
}
