import { setImmediate as nextTurn } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { absent } from "../../src/engine/cache.js";
import type { Store } from "../../src/stores/store.js";
import { createEntryCodec } from "../../src/values/entry-codec.js";
import { MemoryServer } from "../stores/memory-server.js";
import { subject } from "../subject.js";

/** A store whose reads and writes wait for the test. */
class GatedServer extends MemoryServer {
  reading: Promise<void> = Promise.resolve();
  writing: Promise<void> = Promise.resolve();
  override connect(): Store {
    const store = super.connect();
    return {
      ...store,
      get: async (key) => {
        const entry = await store.get(key);
        await this.reading;
        return entry;
      },
      getMany: async (keys) => {
        const entries = await store.getMany(keys);
        await this.reading;
        return entries;
      },
      set: async (key, entry) => {
        await this.writing;
        await store.set(key, entry);
      },
    };
  }
}

async function gated(maxEntries = 10) {
  const server = new GatedServer({ locks: false });
  const store = server.connect();
  return { server, store, ...(await subject({ store, maxEntries })) };
}

function gate(): { readonly open: Promise<void>; release(): void } {
  let release!: () => void;
  const open = new Promise<void>((resolve) => (release = resolve));
  return { open, release };
}

describe("the cache", () => {
  it("asks memory, then the store, then the method, and tells each step", async () => {
    const { cache, trace, plan, owner, key } = await gated(1);
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
    const { cache, server, plan, key } = await gated(1);
    const door = gate();
    server.writing = door.open;
    await cache.load(
      key("a"),
      plan(() => "A"),
    );
    await cache.load(
      key("b"),
      plan(() => "B"),
    );
    expect(server.entries.size).toBe(0);
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
      const { cache, server, store, owner, plan, key } = await gated();
      await cache.set(key("a"), "old", { owner, timing: { ttl: 60_000 } });
      await cache.use({ store, codec: createEntryCodec() });
      const door = gate();
      server.reading = door.open;
      const found = cache.find(key("a"), owner);
      const loaded = cache.load(
        key("a"),
        plan(() => "made anew"),
      );
      await nextTurn();
      if (how === "delete") await cache.delete(key("a"), owner);
      else if (how === "clear") await cache.clear(owner);
      else await cache.set(key("a"), "new", { owner, timing: { ttl: 60_000 } });
      door.release();
      const values = [await found, await loaded];
      expect(values).toEqual(how === "clear" ? [absent, "made anew"] : ["old", "old"]);
      expect(cache.recall(key("a"), owner)).toBe(how === "set" ? "new" : absent);
    },
  );

  it("does not begin work that everybody has left while the store was asked", async () => {
    const { cache, server, trace, plan, key } = await gated();
    const door = gate();
    server.reading = door.open;
    const controller = new AbortController();
    const left = cache
      .load(
        key("a"),
        plan(() => trace.push("made")),
        { signal: controller.signal },
      )
      .catch((reason: unknown) => reason);
    controller.abort("gone");
    expect(await left).toBe("gone");
    door.release();
    server.reading = Promise.resolve();
    expect(
      await cache.load(
        key("a"),
        plan(() => "A"),
      ),
    ).toBe("A");
    expect(trace).not.toContain("made");
  });

  it("makes the value where the stack is too short to copy the one that it has", async () => {
    const { cache, owner, trace, key } = await gated();
    let nested: unknown = "end";
    for (let level = 0; level < 1_000; level++) nested = [nested];
    await cache.set(key("deep"), nested, { owner, timing: { ttl: 60_000 } });
    // Each level asks once more, until one has too little stack left for the copy.
    const ask = (): unknown => {
      const found = cache.recall(key("deep"), owner);
      return found === absent ? found : ask();
    };
    expect(ask()).toBe(absent);
    expect(trace).toContain("failed copy: RangeError: Maximum call stack size exceeded");
  });

  it("says of a value that is nested too deep to copy that it is not kept, and gives it to its caller", async () => {
    const { cache, owner, trace, plan, key } = await gated();
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

  it("counts what memory holds that is fresh", async () => {
    const { cache, owner, key } = await gated();
    await cache.set(key("a"), 1, { owner, timing: { ttl: 60_000 } });
    await cache.set(key("b"), 1, { owner, timing: { ttl: 0 } });
    expect(cache.observe().operations.get("A.b")?.memory).toMatchObject({ fresh: 1, expired: 1 });
  });
});
