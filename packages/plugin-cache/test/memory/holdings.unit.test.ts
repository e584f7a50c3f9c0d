import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { MemoryTier } from "../../src/memory/memory-tier.js";
import type { Entry } from "../../src/values/entry.js";

beforeEach(() => void vi.useFakeTimers({ toFake: ["Date"], now: 0 }));
afterEach(() => void vi.useRealTimers());

/** An entry that counts as so many bytes; fresh for a second, and stale for another. */
function entryOf(operation: string, bytes: number): Entry {
  return {
    operation,
    created: 0,
    freshUntil: 1_000,
    expires: 2_000,
    cost: 0,
    versions: {},
    snapshot: { value: bytes, shape: "atom", marked: false },
  };
}

const tier = (maxEntries: number, maxBytes: number) =>
  new MemoryTier({ maxEntries, maxBytes, namespaces: { own: { maxEntries: 1 } } }, (entry) =>
    Number(entry.snapshot.value),
  );

it("are told by operation: what is fresh, stale and expired, and its bytes", () => {
  const memory = tier(10, 100);
  for (const [text, operation] of [
    ["a", "A.b"],
    ["b", "A.b"],
    ["c", "C.d"],
  ] as const)
    memory.set(text, entryOf(operation, 7));
  expect(memory.holdings().get("A.b")).toMatchObject({ fresh: 2, stale: 0, expired: 0, bytes: 14 });
  vi.setSystemTime(1_000);
  expect(memory.holdings().get("A.b")).toMatchObject({ fresh: 0, stale: 2, expired: 0, bytes: 14 });
  vi.setSystemTime(2_000);
  expect(memory.holdings().get("C.d")).toMatchObject({ fresh: 0, stale: 0, expired: 1, bytes: 7 });
});

it("tell what had to make room, and what was too large for it", () => {
  const memory = tier(10, 100);
  memory.set("a", entryOf("A.b", 1), "own");
  memory.set("b", entryOf("C.d", 1), "own");
  for (const bytes of [101, 300, 200]) memory.set("large", entryOf("C.d", bytes));
  const holdings = memory.holdings();
  expect(holdings.get("A.b")!.evictions + holdings.get("C.d")!.evictions).toBe(1);
  expect(holdings.get("C.d")).toMatchObject({ refused: 3, refusedBytes: 300 });
  const { general, namespaces, ...all } = memory.statistics();
  expect(general).toMatchObject({ entries: 0, maxEntries: 10, maxBytes: 100, evictions: 0 });
  expect(namespaces["own"]).toMatchObject({ entries: 1, maxEntries: 1, evictions: 1 });
  expect(all).toMatchObject({ entries: 1, maxEntries: 11, evictions: 1 });
});
