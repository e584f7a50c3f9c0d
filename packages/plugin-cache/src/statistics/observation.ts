import { noHoldings, type MemoryHoldings } from "../memory/holdings.js";
import type { MemoryStatistics, RegionStatistics } from "../memory/memory-tier.js";
import type { CopyCost } from "./copy-cost.js";
import { addCounts, noCounts, type Counters } from "./counters.js";
import { DistinctCount } from "./distinct-count.js";
import { noEvidenceCounts, type EvidenceCounts } from "./evidence.js";

/** What is known of one operation, in one process or in several. */
export interface Observation {
  readonly counters: Counters;
  readonly evidence: EvidenceCounts;
  /** Of misses. */
  readonly keys: DistinctCount;
  /** Of their arguments, by position and name: `1`, `1.region`. */
  readonly arguments: ReadonlyMap<string, DistinctCount>;
  readonly failureNames: Readonly<Record<string, number>>;
  readonly memory: MemoryHoldings;
  /** Missing where memory holds nothing that has to be copied. */
  readonly copying?: CopyCost;
}

/** What one process has seen, or several together. Times in milliseconds since the epoch. */
export interface ProcessObservation {
  readonly since: number;
  readonly until: number;
  readonly operations: ReadonlyMap<string, Observation>;
  readonly memory: MemoryStatistics;
}

/** Counts are added up; of what a process holds and of its bounds it is the largest. */
export function mergeProcesses(
  all: readonly [ProcessObservation, ...ProcessObservation[]],
): ProcessObservation {
  const operations = new Map<string, Observation[]>();
  for (const one of all)
    for (const [operation, observation] of one.operations)
      operations.set(operation, [...(operations.get(operation) ?? []), observation]);
  return {
    since: Math.min(...all.map(({ since }) => since)),
    until: Math.max(...all.map(({ until }) => until)),
    operations: new Map(Array.from(operations, ([operation, several]) => [operation, merge(several)])),
    memory: mergeMemories(all.map(({ memory }) => memory)),
  };
}

function merge(all: readonly Observation[]): Observation {
  const counters = noCounts();
  const evidence = noEvidenceCounts();
  const keys = new DistinctCount();
  const args = new Map<string, DistinctCount>();
  const failureNames: Record<string, number> = {};
  const memory = noHoldings();
  let copyMs = 0;
  let copies = 0;
  for (const one of all) {
    addCounts(counters, one.counters);
    addNumbers(evidence, one.evidence);
    mergeHoldings(memory, one.memory);
    keys.merge(one.keys);
    for (const [label, values] of one.arguments) {
      let sum = args.get(label);
      if (!sum) args.set(label, (sum = new DistinctCount()));
      sum.merge(values);
    }
    addNumbers(failureNames, one.failureNames);
    copyMs += (one.copying?.ms ?? 0) * (one.copying?.copies ?? 0);
    copies += one.copying?.copies ?? 0;
  }
  return {
    counters,
    evidence,
    keys,
    arguments: args,
    failureNames,
    memory,
    ...(copies > 0 && { copying: { ms: copyMs / copies, copies } }),
  };
}

/** Of what another process holds, or held, only the most. */
function mergeHoldings(to: MemoryHoldings, from: MemoryHoldings): void {
  for (const name of ["fresh", "stale", "expired", "bytes", "refusedBytes"] as const)
    to[name] = Math.max(to[name], from[name]);
  for (const name of ["evictions", "refused"] as const) to[name] += from[name];
}

function mergeMemories(all: readonly MemoryStatistics[]): MemoryStatistics {
  const names = new Set(all.flatMap(({ namespaces }) => Object.keys(namespaces)));
  const named = (name: string) => all.flatMap(({ namespaces }) => namespaces[name] ?? []);
  return {
    ...mergeRegions(all),
    general: mergeRegions(all.map(({ general }) => general)),
    namespaces: Object.fromEntries(Array.from(names, (name) => [name, mergeRegions(named(name))])),
  };
}

function mergeRegions(all: readonly RegionStatistics[]): RegionStatistics {
  const most = (name: keyof RegionStatistics): number => Math.max(...all.map((one) => one[name]));
  const sum = (name: keyof RegionStatistics): number => all.reduce((total, one) => total + one[name], 0);
  return {
    entries: most("entries"),
    bytes: most("bytes"),
    maxEntries: most("maxEntries"),
    maxBytes: most("maxBytes"),
    evictions: sum("evictions"),
    ghostHits: sum("ghostHits"),
  };
}

function addNumbers<Name extends string>(
  to: Record<Name, number>,
  from: Readonly<Record<Name, number>>,
): void {
  for (const name of Object.keys(from) as Name[]) to[name] = (to[name] ?? 0) + from[name];
}
