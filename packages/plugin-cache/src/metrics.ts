import type { Metric, MetricSample, PluginKernel } from "@mlmcp/core";
import { KernelCache } from "./kernel/kernel-cache.js";
import type { MemoryLosses, RegionStatistics } from "./memory/memory-tier.js";
import { byHand } from "./operations/call-keys.js";
import type { StoreStatus } from "./stores/guard/guarded-store.js";

/** What a cache holds and has lost. What happens in calls, such as hits and misses, is told by events. */
export const metrics: readonly Metric[] = [
  ofMemory("entries", "Entries in memory, also expired ones that nobody has asked for since.", "entries"),
  ofMemory("bytes", "Bytes of the entries in memory, estimated.", "bytes"),
  ofMemory("max_entries", "Entries that memory may hold at present.", "maxEntries"),
  ofMemory("max_bytes", "Bytes that memory may hold, where they are bounded.", "maxBytes"),
  ofLosses("evictions", "Entries that had to make room in memory.", "evictions"),
  ofLosses(
    "refused",
    "Results that memory did not take, since one alone is larger than all may be together.",
    "refused",
  ),
  {
    name: "mlmcp_cache_saved_seconds_total",
    help: "Time that callers were spared: what the results of all hits took to make.",
    type: "counter",
    read: (kernel) =>
      byOperation(kernel.resolve(KernelCache).cache.counters, ({ savedMs }) => savedMs / 1_000),
  },
  ofStore(
    "store_up",
    "gauge",
    "Whether the store is in use: 0 while it is cut off or cannot be opened.",
    ({ state }) => (state === "up" ? 1 : 0),
  ),
  ofStore(
    "outages_total",
    "counter",
    "Times that the store was cut off, since it did not answer.",
    (_, { outages }) => outages.begun,
  ),
  ofStore(
    "recoveries_total",
    "counter",
    "Times that the store was there again, and had what it missed.",
    (_, { outages }) => outages.ended,
  ),
  ofStore(
    "store_waiting_writes",
    "gauge",
    "Writes that the store has not taken yet.",
    ({ waitingWrites }) => waitingWrites,
  ),
  ofStore(
    "store_lost_writes_total",
    "counter",
    "Writes that were given up, besides those that the store refused.",
    ({ lostWrites }) => lostWrites,
  ),
];

/** One value for each namespace with bounds of its own; what all others share has an empty label. */
function ofMemory(
  what: string,
  help: string,
  field: "entries" | "bytes" | "maxEntries" | "maxBytes",
): Metric {
  const sample = (namespace: string, region: RegionStatistics): MetricSample[] =>
    Number.isFinite(region[field]) ? [{ value: region[field], labels: { namespace } }] : [];
  return {
    name: `mlmcp_cache_memory_${what}`,
    help,
    type: "gauge",
    read(kernel) {
      const { general, namespaces } = kernel.resolve(KernelCache).memory.statistics();
      const own = Object.entries(namespaces).flatMap(([name, region]) => sample(name, region));
      return [...sample("", general), ...own];
    },
  };
}

function ofLosses(what: string, help: string, field: keyof MemoryLosses): Metric {
  return {
    name: `mlmcp_cache_${what}_total`,
    help,
    type: "counter",
    read: (kernel) => byOperation(kernel.resolve(KernelCache).memory.losses, (losses) => losses[field]),
  };
}

/** No value where the configuration asks for no store. */
function ofStore(
  what: string,
  type: Metric["type"],
  help: string,
  valueOf: (status: StoreStatus, own: KernelCache) => number,
): Metric {
  return {
    name: `mlmcp_cache_${what}`,
    help,
    type,
    read(kernel: PluginKernel) {
      const own = kernel.resolve(KernelCache);
      const status = own.storeStatus;
      return status ? [{ value: valueOf(status, own) }] : [];
    },
  };
}

/** Of what is on no operation's behalf: what was set by hand, and what the cache itself keeps. */
const ownName = new RegExp(`^(?:${byHand}|\\([a-z]+\\))$`);

/** What is on no operation's behalf has an empty label, as in the counts of its events. */
function byOperation<Counts>(
  all: ReadonlyMap<string, Counts>,
  valueOf: (counts: Counts) => number,
): MetricSample[] {
  const values = new Map<string, number>();
  for (const [name, counts] of all) {
    const operation = ownName.test(name) ? "" : name;
    const value = valueOf(counts);
    if (value > 0) values.set(operation, value + (values.get(operation) ?? 0));
  }
  return Array.from(values, ([operation, value]) => ({ value, labels: { operation } }));
}
