import { describe, expect, it } from "vitest";
import { absent, Cache } from "../src/cache.js";
import type { Owner, Plan } from "../src/plan.js";
import type { Store, StoredEntry } from "../src/stores/store.js";

/** A store in memory whose reads wait for the test. */
class GatedStore implements Store {
  readonly name = "gated";
  readonly entries = new Map<string, StoredEntry>();
  reading: Promise<void> = Promise.resolve();
  writing: Promise<void> = Promise.resolve();
  async get(key: string): Promise<StoredEntry | undefined> {
    const entry = this.entries.get(key);
    await this.reading;
    return entry;
  }
  async set(key: string, entry: StoredEntry): Promise<void> {
    await this.writing;
    this.entries.set(key, entry);
  }
  async delete(key: string): Promise<boolean> {
    return this.entries.delete(key);
  }
  async clear(): Promise<void> {
    this.entries.clear();
  }
  async count(): Promise<undefined> {
    return undefined;
  }
  async ping(): Promise<void> {}
  async close(): Promise<void> {}
}

function subject(maxEntries = 10) {
  const trace: string[] = [];
  const owner: Owner = {
    operation: "A.b",
    observer: {
      hit: (tier) => void trace.push(`hit ${tier}`),
      miss: () => void trace.push("miss"),
      set: (tier) => void trace.push(`set ${tier}`),
      failed: (action, error) => void trace.push(`failed ${action}: ${String(error)}`),
    },
  };
  const store = new GatedStore();
  const cache = new Cache(maxEntries);
  cache.use(store);
  const space = cache.spaceOf("A.b");
  const plan = (make: () => unknown): Plan => ({
    owner,
    ttl: 60_000,
    isolate: true,
    begin: () => ({ promise: (async () => make())(), abandon: () => trace.push("abandoned") }),
    alone: make,
    wanted: () => true,
  });
  return { cache, store, owner, trace, plan, key: (text: string) => space + text };
}

function gate(): { readonly open: Promise<void>; release(): void } {
  let release!: () => void;
  const open = new Promise<void>((resolve) => (release = resolve));
  return { open, release };
}

describe("the cache", () => {
  it("asks memory, then the store, then the method, and tells each step", async () => {
    const { cache, trace, plan, owner, key } = subject(1);
    expect(
      await cache.load(
        key("a"),
        plan(() => "A"),
      ),
    ).toBe("A");
    await Promise.resolve();
    expect(cache.recall(key("a"), owner)).toBe("A");
    await cache.load(
      key("b"),
      plan(() => "B"),
    );
    expect(cache.recall(key("a"), owner)).toBe(absent);
    expect(
      await cache.load(
        key("a"),
        plan(() => "never"),
      ),
    ).toBe("A");
    expect(trace.filter((step) => step !== "set store")).toEqual([
      "miss",
      "set memory",
      "hit memory",
      "miss",
      "set memory",
      "hit store",
    ]);
  });

  it("finds what memory has dropped before the store has it", async () => {
    const { cache, store, plan, key } = subject(1);
    const door = gate();
    store.writing = door.open;
    await cache.load(
      key("a"),
      plan(() => "A"),
    );
    await cache.load(
      key("b"),
      plan(() => "B"),
    );
    expect(store.entries.size).toBe(0);
    expect(
      await cache.load(
        key("a"),
        plan(() => "made again"),
      ),
    ).toBe("A");
    door.release();
  });

  it.each(["delete", "clear", "set"] as const)(
    "keeps nothing that was read from the store before a %s",
    async (how) => {
      const { cache, store, owner, plan, key } = subject();
      await cache.set(key("a"), "old", { owner, ttl: 60_000 });
      cache.release();
      cache.use(store);
      const door = gate();
      store.reading = door.open;
      const found = cache.find(key("a"), owner);
      const loaded = cache.load(
        key("a"),
        plan(() => "never"),
      );
      if (how === "delete") await cache.delete(key("a"), owner);
      else if (how === "clear") await cache.clear(owner);
      else await cache.set(key("a"), "new", { owner, ttl: 60_000 });
      door.release();
      expect([await found, await loaded]).toEqual(["old", "old"]);
      expect(cache.recall(key("a"), owner)).toBe(how === "set" ? "new" : absent);
    },
  );

  it("does not begin work that everybody has left while the store was asked", async () => {
    const { cache, store, trace, plan, key } = subject();
    const door = gate();
    store.reading = door.open;
    const controller = new AbortController();
    const left = cache
      .load(
        key("a"),
        plan(() => trace.push("made")),
        controller.signal,
      )
      .catch((reason: unknown) => reason);
    controller.abort("gone");
    expect(await left).toBe("gone");
    door.release();
    store.reading = Promise.resolve();
    expect(
      await cache.load(
        key("a"),
        plan(() => "A"),
      ),
    ).toBe("A");
    expect(trace).not.toContain("made");
  });

  it("makes the value where the stack is too short to copy the one that it has", async () => {
    const { cache, owner, trace, key } = subject();
    let nested: unknown = "end";
    for (let level = 0; level < 1_000; level++) nested = [nested];
    await cache.set(key("deep"), nested, { owner, ttl: 60_000 });
    // Each level asks once more, until one has too little stack left for the copy.
    const ask = (): unknown => {
      const found = cache.recall(key("deep"), owner);
      return found === absent ? found : ask();
    };
    expect(ask()).toBe(absent);
    expect(trace).toContain("failed copy: RangeError: Maximum call stack size exceeded");
  });

  it("says of a value that is nested too deep to copy that it is not kept, and gives it to its caller", async () => {
    const { cache, owner, trace, plan, key } = subject();
    let nested: unknown = "end";
    for (let level = 0; level < 100_000; level++) nested = [nested];
    expect(
      await cache.load(
        key("deep"),
        plan(() => nested),
      ),
    ).toBe(nested);
    expect(cache.recall(key("deep"), owner)).toBe(absent);
    expect(trace).toEqual(["miss", "failed copy: RangeError: Maximum call stack size exceeded"]);
  });

  it("counts what memory holds where the store cannot count", async () => {
    const { cache, owner, key } = subject();
    await cache.set(key("a"), 1, { owner, ttl: 60_000 });
    await cache.set(key("b"), 1, { owner, ttl: 0 });
    expect(await cache.statistics()).toMatchObject({
      store: "gated",
      entries: 1,
      operations: { "A.b": { entries: 1 } },
    });
  });
});
