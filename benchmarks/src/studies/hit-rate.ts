import { createKernel } from "@mlmcp/core";
import cachePlugin, { CacheManager } from "@mlmcp/plugin-cache";
import { LRUCache } from "lru-cache";
import type { Study } from "../harness/study.js";
import { beladyHits } from "./support/belady.js";
import { loop, alternating, scan, shifting, zipf, type Trace } from "./support/traces.js";

const REQUESTS = 200_000;

interface Subject {
  readonly name: string;
  readonly trace: () => Trace;
  readonly maxEntries: number;
}

const subjects: readonly Subject[] = [
  { name: "Zipf 1.0, 10,000 keys", trace: () => zipf(10_000, 1, REQUESTS), maxEntries: 1_000 },
  { name: "Zipf 0.9, 10,000 keys", trace: () => zipf(10_000, 0.9, REQUESTS), maxEntries: 1_000 },
  { name: "Zipf 0.9 with scans", trace: () => scan(REQUESTS), maxEntries: 1_000 },
  { name: "loop of 1,200 keys", trace: () => loop(1_200, REQUESTS), maxEntries: 1_000 },
  { name: "loop of 3,000 keys", trace: () => loop(3_000, REQUESTS), maxEntries: 1_000 },
  { name: "Zipf 0.9 and loop in turns", trace: () => alternating(REQUESTS), maxEntries: 1_000 },
  { name: "Zipf 0.95 that shifts", trace: () => shifting(REQUESTS), maxEntries: 1_000 },
];

const hitRate: Study = {
  name: "hit-rate",
  question: `How many of ${REQUESTS} requests does the memory answer? Shares in percent, of made-up traces of the shapes that public ones have.`,
  columns: ["trace", "entries in memory", "lru-cache", "@mlmcp/plugin-cache", "the best possible (Belady)"],
  rows: () =>
    Promise.all(
      subjects.map(async ({ name, trace: make, maxEntries }) => {
        const trace = make();
        const hits = [
          lruHits(trace, maxEntries),
          await ourHits(trace, maxEntries),
          beladyHits(trace, maxEntries),
        ];
        return [name, String(maxEntries), ...hits.map((count) => ((100 * count) / trace.length).toFixed(1))];
      }),
    ),
};

export default hitRate;

function lruHits(trace: Trace, max: number): number {
  const cache = new LRUCache<number, true>({ max });
  let hits = 0;
  for (const key of trace) {
    if (cache.get(key)) hits++;
    else cache.set(key, true);
  }
  return hits;
}

/** Through all of the product that stands before the memory. */
async function ourHits(trace: Trace, maxEntries: number): Promise<number> {
  await using kernel = await createKernel({
    configFile: false,
    env: {},
    autoload: false,
    plugins: [cachePlugin],
    config: { cache: { store: "memory:", maxEntries } },
  });
  const cache = kernel.resolve(CacheManager);
  let misses = 0;
  for (const key of trace) await cache.getOrSet(key, () => ++misses);
  return trace.length - misses;
}
