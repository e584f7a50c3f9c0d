import { describe, expect, it } from "vitest";
import { noHoldings } from "../../src/memory/holdings.js";
import type { MemoryStatistics } from "../../src/memory/memory-tier.js";
import { DistinctCount } from "../../src/statistics/distinct-count.js";
import { noCounts } from "../../src/statistics/counters.js";
import { noEvidenceCounts } from "../../src/statistics/evidence.js";
import {
  mergeProcesses,
  type Observation,
  type ProcessObservation,
} from "../../src/statistics/observation.js";
import { readReport, toReport } from "../../src/statistics/report.js";
import { summarise } from "../../src/statistics/summary.js";

function observation(parts: { misses?: number; fresh?: number; evictions?: number } = {}): Observation {
  const { misses = 0, ...memory } = parts;
  const keys = new DistinctCount();
  keys.add(misses);
  return {
    counters: { ...noCounts(), misses, hits: { memory: 3, store: 1, flight: 0 } },
    evidence: { ...noEvidenceCounts(), made: misses },
    keys,
    arguments: new Map([["1", keys]]),
    failureNames: { TypeError: 2 },
    memory: { ...noHoldings(), ...memory },
    copying: { ms: misses, copies: 2 },
  };
}

const region = { entries: 5, bytes: 50, maxEntries: 10, maxBytes: 100, evictions: 1, ghostHits: 2 };
const memory: MemoryStatistics = { ...region, general: region, namespaces: { own: region } };
const processOf = (since: number, ...all: [string, Observation][]): ProcessObservation => ({
  since,
  until: since + 10,
  operations: new Map(all),
  memory,
});

describe("several processes together", () => {
  it("have their counts added up; of what each holds it is the most", () => {
    const merged = mergeProcesses([
      processOf(7, ["A.b", observation({ misses: 1, fresh: 4, evictions: 1 })]),
      processOf(5, ["A.b", observation({ misses: 3, fresh: 2, evictions: 2 })], ["C.d", observation()]),
    ]);
    expect([merged.since, merged.until]).toEqual([5, 17]);
    expect(merged.operations.get("A.b")).toMatchObject({
      counters: { misses: 4, hits: { memory: 6, store: 2, flight: 0 } },
      evidence: { made: 4 },
      failureNames: { TypeError: 4 },
      memory: { fresh: 4, evictions: 3 },
      copying: { ms: 2, copies: 4 },
    });
    expect(merged.operations.get("A.b")!.keys.estimate()).toBe(2);
    expect([...merged.operations.keys()]).toEqual(["A.b", "C.d"]);
    const together = { ...region, evictions: 2, ghostHits: 4 };
    expect(merged.memory).toEqual({ ...together, general: together, namespaces: { own: together } });
  });

  it("are read from reports as they were written, and not from those of another version", () => {
    const observed = processOf(1, ["A.b", observation({ misses: 1 })]);
    const report = JSON.parse(JSON.stringify(toReport(observed))) as object;
    expect(JSON.stringify(toReport(readReport(report)!))).toBe(JSON.stringify(toReport(observed)));
    expect(readReport({ ...report, version: 2 })).toBeUndefined();
    expect(readReport(undefined)).toBeUndefined();
  });
});

describe("a summary", () => {
  it("has what the store counts, unless memory is ahead of it", () => {
    const observed = processOf(1, ["A.b", observation({ misses: 4 })], ["C.d", observation()]);
    const { operations, ...all } = summarise({
      observed,
      holdings: new Map([["A.b", { ...noHoldings(), fresh: 2, expired: 1, bytes: 9 }]]),
      processes: 1,
      store: "s",
      stored: new Map([
        ["A.b", 1],
        ["C.d", 7],
      ]),
      ttl: 1_000,
      ttls: new Map([["A.b", 500]]),
    });
    expect(operations["A.b"]).toMatchObject({ entries: 2, expired: 1, bytes: 9, hitRate: 0.5, ttl: 500 });
    expect(operations["C.d"]).toMatchObject({ entries: 7 });
    expect(all).toMatchObject({ entries: 9, expired: 1, hits: 8, misses: 4, ttl: 1_000, store: "s" });
  });

  it("leaves out who has nothing to tell", () => {
    const nothing = { ...observation(), counters: noCounts() };
    const { operations } = summarise({
      observed: processOf(1, ["A.b", nothing]),
      holdings: new Map(),
      processes: 1,
      store: undefined,
      stored: undefined,
      ttl: 1,
      ttls: new Map(),
    });
    expect(operations).toEqual({});
  });
});
