import fc from "fast-check";
import { LRUCache } from "lru-cache";
import { describe, expect, it } from "vitest";
import { MemoryTier, type MemoryOptions } from "../../src/memory/memory-tier.js";
import type { Entry } from "../../src/values/entry.js";
import { zipf } from "./traces.js";

/** An entry that counts as so many bytes. */
function entryOf(bytes: number, expires = Infinity): Entry {
  return {
    operation: "X.y",
    created: 0,
    freshUntil: expires,
    expires,
    cost: 0,
    versions: {},
    snapshot: { value: bytes, shape: "atom", marked: false },
  };
}

const tier = (options: MemoryOptions) => new MemoryTier(options, ({ snapshot }) => snapshot.value as number);

const one = entryOf(1);

/** The share of requests that a memory answers where each miss is kept. */
function hitRate(
  memory: { get(text: string): unknown; set(text: string, entry: Entry): unknown },
  trace: number[],
) {
  let hits = 0;
  for (const key of trace) {
    const text = `k${key}`;
    if (memory.get(text) !== undefined) hits++;
    else memory.set(text, one);
  }
  return hits / trace.length;
}

describe("what is kept", () => {
  it("is what was set, until it is deleted or replaced", () => {
    const memory = tier({ maxEntries: 10 });
    const other = entryOf(1);
    memory.set("a", one);
    expect(memory.get("a")).toBe(one);
    memory.set("a", other);
    expect(memory.get("a")).toBe(other);
    expect(memory.delete("a")).toBe(true);
    expect(memory.delete("a")).toBe(false);
    expect(memory.get("a")).toBeUndefined();
  });

  it("stays within its bounds, and nothing that was deleted comes back", () => {
    const names = fc.constantFrom(..."abcdefghijklmnopqrstuvwxyz");
    const space = fc.constantFrom(undefined, "own", "unknown");
    const step = fc.oneof(
      fc.record({ do: fc.constant("set" as const), text: names, space, bytes: fc.nat(60) }),
      fc.record({ do: fc.constant("get" as const), text: names }),
      fc.record({ do: fc.constant("delete" as const), text: names }),
      fc.record({ do: fc.constant("clear" as const) }),
      fc.record({
        do: fc.constant("configure" as const),
        maxEntries: fc.integer({ min: 1, max: 12 }),
        maxBytes: fc.integer({ min: 1, max: 100 }),
      }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        let general = { maxEntries: 8, maxBytes: 100 };
        const own = { maxEntries: 2, maxBytes: 50 };
        const memory = tier({ ...general, namespaces: { own } });
        const latest = new Map<string, Entry>();
        const homes = new Map<string, string | undefined>();
        for (const given of steps) {
          if (given.do === "set") {
            const entry = entryOf(given.bytes);
            if (memory.peek(given.text) === undefined) homes.set(given.text, given.space);
            memory.set(given.text, entry, given.space);
            latest.set(given.text, entry);
          } else if (given.do === "get") {
            const found = memory.get(given.text);
            if (found) expect(found).toBe(latest.get(given.text));
          } else if (given.do === "delete") {
            memory.delete(given.text);
            latest.delete(given.text);
          } else if (given.do === "clear") {
            memory.clear();
            latest.clear();
          } else {
            general = { maxEntries: given.maxEntries, maxBytes: given.maxBytes };
            memory.configure({ ...general, namespaces: { own } });
          }
          const kept = [...memory.entries()];
          for (const [text, entry] of kept) expect(entry).toBe(latest.get(text));
          for (const [bounds, inside] of [
            [own, kept.filter(([text]) => homes.get(text) === "own")],
            [general, kept.filter(([text]) => homes.get(text) !== "own")],
          ] as const) {
            expect(inside.length).toBeLessThanOrEqual(bounds.maxEntries);
            const bytes = inside.reduce((sum, [, { snapshot }]) => sum + (snapshot.value as number), 0);
            expect(bytes).toBeLessThanOrEqual(bounds.maxBytes);
          }
          const { entries, bytes } = memory.statistics();
          expect(entries).toBe(kept.length);
          expect(bytes).toBe(kept.reduce((sum, [, { snapshot }]) => sum + (snapshot.value as number), 0));
        }
      }),
      { numRuns: 1000 },
    );
  });

  it("fills the whole memory before anything has to go", () => {
    const memory = tier({ maxEntries: 100 });
    for (let index = 0; index < 100; index++) memory.set(`k${index}`, one);
    expect(memory.statistics()).toMatchObject({ entries: 100, evictions: 0 });
  });

  it("is not one value that is larger than all may be together, which then costs no other its place", () => {
    const memory = tier({ maxEntries: 10, maxBytes: 100 });
    memory.set("small", entryOf(60));
    memory.set("huge", entryOf(101));
    expect(memory.get("huge")).toBeUndefined();
    expect(memory.get("small")).toBeDefined();
    memory.set("small", entryOf(101));
    expect(memory.get("small")).toBeUndefined();
  });

  it("is rather what is fresh than what has expired", () => {
    const memory = tier({ maxEntries: 2 });
    memory.set("expired", entryOf(1, 1));
    memory.get("expired");
    memory.get("expired");
    memory.set("b", one);
    memory.set("c", one);
    memory.set("d", one);
    expect(memory.peek("expired")).toBeUndefined();
  });
});

describe("a namespace with bounds of its own", () => {
  const options = { maxEntries: 4, namespaces: { own: { maxEntries: 2 } } };

  it("neither takes room from the others nor loses any to them", () => {
    const memory = tier(options);
    memory.set("mine", one, "own");
    for (let index = 0; index < 100; index++) memory.set(`k${index}`, one, "other");
    expect(memory.get("mine")).toBe(one);
    for (let index = 0; index < 100; index++) memory.set(`m${index}`, one, "own");
    expect(memory.statistics()).toMatchObject({ entries: 6, maxEntries: 6 });
  });

  it("ends with the configuration that named it, and its entries with it", () => {
    const memory = tier(options);
    memory.set("mine", one, "own");
    memory.set("other", one);
    memory.configure({ maxEntries: 4 });
    expect(memory.peek("mine")).toBeUndefined();
    expect(memory.peek("other")).toBe(one);
    memory.set("mine", one, "own");
    expect(memory.statistics().maxEntries).toBe(4);
  });
});

describe("hit rates", () => {
  const lru = (max: number) => new LRUCache<string, Entry>({ max });

  it("reach 60 % of requests with a Zipf distribution in a tenth of the keys, and pass an LRU by 5 points", () => {
    const trace = zipf(10_000, 0.9, 200_000);
    const rate = hitRate(tier({ maxEntries: 1_000 }), trace);
    expect(rate).toBeGreaterThan(0.6);
    expect(rate).toBeGreaterThan(hitRate(lru(1_000), trace) + 0.05);
  });

  it("are not spoilt by a scan of keys that nobody asks for again", () => {
    const hot = zipf(1_000, 1, 60_000);
    const trace = hot.flatMap((key, index) => (index % 3 === 0 ? [key, 1_000_000 + index] : [key]));
    expect(hitRate(tier({ maxEntries: 200 }), trace)).toBeGreaterThan(hitRate(lru(200), trace) + 0.05);
  });

  it("come close to the best possible in a loop longer than the memory, where an LRU never hits", () => {
    const trace = Array.from({ length: 60_000 }, (_, index) => index % 600);
    expect(hitRate(lru(500), trace)).toBe(0);
    // At best 500 of 600 without the first round.
    expect(hitRate(tier({ maxEntries: 500 }), trace)).toBeGreaterThan(0.75);
  });

  it("follow what is popular when it changes", () => {
    const memory = tier({ maxEntries: 200 });
    hitRate(memory, zipf(1_000, 1, 50_000, 1));
    const other = zipf(1_000, 1, 50_000, 2).map((key) => key + 10_000);
    expect(hitRate(memory, other)).toBeGreaterThan(0.6);
  });
});

describe("statistics", () => {
  it("count what a larger memory would have had", () => {
    const memory = tier({ maxEntries: 10 });
    for (let round = 0; round < 3; round++) {
      for (let index = 0; index < 15; index++) if (!memory.get(`k${index}`)) memory.set(`k${index}`, one);
    }
    const { ghostHits, evictions } = memory.statistics();
    expect(ghostHits).toBeGreaterThan(5);
    expect(evictions).toBeGreaterThanOrEqual(ghostHits);
  });

  it("do not count what would have expired, or was cleared", () => {
    const memory = tier({ maxEntries: 1 });
    memory.set("a", entryOf(1, 1));
    memory.set("b", one);
    memory.set("c", one);
    memory.clear();
    memory.set("a", one);
    memory.set("b", one);
    expect(memory.statistics().ghostHits).toBe(0);
  });
});

describe("an adaptive memory", () => {
  const cycle = (memory: MemoryTier, keys: number, rounds: number): void => {
    for (let round = 0; round < rounds; round++) {
      for (let key = 0; key < keys; key++) if (!memory.get(`k${key}`)) memory.set(`k${key}`, one);
    }
  };

  it("grows while what it evicts is asked for again, and stops at its maximum", () => {
    const memory = tier({ maxEntries: 100, adaptive: { min: 50, max: 400 } });
    cycle(memory, 300, 50);
    const { maxEntries } = memory.statistics();
    expect(maxEntries).toBeGreaterThanOrEqual(250);
    cycle(memory, 5_000, 20);
    expect(memory.statistics().maxEntries).toBeLessThanOrEqual(400);
  });

  it("shrinks while nothing that it evicts is asked for again, and stops at its minimum", () => {
    const memory = tier({ maxEntries: 200, adaptive: { min: 50, max: 400 } });
    for (let key = 0; key < 20_000; key++) memory.set(`once${key}`, one);
    expect(memory.statistics().maxEntries).toBe(50);
  });

  it("keeps its size over a reload that does not change the range", () => {
    const options = { maxEntries: 100, adaptive: { min: 50, max: 400 } };
    const memory = tier(options);
    cycle(memory, 300, 50);
    const { maxEntries } = memory.statistics();
    memory.configure(options);
    expect(memory.statistics().maxEntries).toBe(maxEntries);
    memory.configure({ maxEntries: 100, adaptive: { min: 50, max: 120 } });
    expect(memory.statistics().maxEntries).toBe(100);
    memory.configure({ maxEntries: 70 });
    expect(memory.statistics().maxEntries).toBe(70);
  });
});
