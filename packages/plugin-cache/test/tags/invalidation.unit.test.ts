import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { absent } from "../../src/engine/cache.js";
import { GuardedStore } from "../../src/stores/guard/guarded-store.js";
import { RefusedError } from "../../src/stores/refused-error.js";
import type { Store } from "../../src/stores/store.js";
import { createEntryCodec } from "../../src/values/entry-codec.js";
import { MemoryServer, type MemoryServerOptions } from "../stores/memory-server.js";
import { pending, subject, type Subject } from "../subject.js";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const after = (ms: number): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);

/** Counts how often it ran. */
function counter(): () => number {
  let count = 0;
  return () => ++count;
}

async function two(options?: MemoryServerOptions): Promise<[MemoryServer, Subject, Subject]> {
  const server = new MemoryServer(options);
  return [server, await subject({ store: server.connect() }), await subject({ store: server.connect() })];
}

describe("invalidation in one process", () => {
  it.each([
    ["memory alone", undefined],
    ["a store with changes", {}],
    ["a store without", { changes: false }],
  ] as const)("with %s outdates what has the tag, at once, and nothing else", async (_, options) => {
    const { cache, call, owner } = await subject({ store: options && new MemoryServer(options).connect() });
    const [tagged, other] = [counter(), counter()];
    const ask = async () => [
      await call("a", tagged, { tags: ["x", "y"] }),
      await call("b", other, { tags: ["z"] }),
    ];
    expect(await ask()).toEqual([1, 1]);
    await cache.invalidateTags(["never used"], owner);
    expect(await ask()).toEqual([1, 1]);
    const invalidated = cache.invalidateTags(["y"], owner);
    expect(await ask()).toEqual([2, 1]);
    await invalidated;
    expect(await ask()).toEqual([2, 1]);
    await cache.invalidateOperation("C.d", owner);
    expect(await ask()).toEqual([2, 1]);
    await cache.invalidateOperation("A.b", owner);
    expect(await ask()).toEqual([3, 2]);
    await cache.clear(owner);
    expect(await ask()).toEqual([4, 3]);
  });

  it("gives what is under way to those who wait, keeps it not, and lets the next begin anew", async () => {
    const { cache, call, owner, trace } = await subject();
    const [before, afterwards] = [pending(), pending()];
    const first = call("a", () => before.promise, { tags: ["x"] });
    await cache.invalidateTags(["x"], owner);
    const second = call("a", () => afterwards.promise, { tags: ["x"] });
    afterwards.land("new");
    before.land("old");
    expect(await Promise.all([first, second])).toEqual(["old", "new"]);
    expect(await call("a", () => "never", { tags: ["x"] })).toBe("new");
    expect(trace).toEqual(["miss", "miss", "set memory", "hit memory"]);
  });

  it("outdates what has the tag by its result, also under way", async () => {
    const { cache, call, owner } = await subject();
    const judge = () => ({ tags: ["user:5"] });
    const { promise, land } = pending();
    const under = call("a", () => promise, { judge });
    await cache.invalidateTags(["user:5"], owner);
    land("old");
    expect(await under).toBe("old");
    expect(await call("a", () => "new", { judge })).toBe("new");
    expect(await call("a", () => "never", { judge })).toBe("new");
    await cache.invalidateTags(["user:6"], owner);
    expect(await call("a", () => "never", { judge })).toBe("new");
    await cache.invalidateTags(["user:5"], owner);
    expect(await call("a", () => "newer", { judge })).toBe("newer");
  });

  it("does not take a tag of the application's for one of the cache's own", async () => {
    const { cache, call, owner } = await subject();
    await call("a", () => "A");
    await cache.invalidateTags(["*", "op:A.b", "any"], owner);
    expect(await call("a", () => "never")).toBe("A");
  });

  it("stays right when there are more tags than a process remembers", async () => {
    const { cache, call, owner, key } = await subject();
    await call("outdated", () => "old", { tags: ["x"] });
    await call("fresh", () => "fresh", { tags: ["y"] });
    const { promise, land } = pending();
    const under = call("under way", () => promise, { tags: ["x"] });
    await cache.invalidateTags(["x"], owner);
    await cache.invalidateTags(
      Array.from({ length: 10_001 }, (_, index) => `user:${index}`),
      owner,
    );
    land("old");
    await under;
    expect(cache.recall(key("fresh"), owner)).toBe("fresh");
    expect(await call("outdated", () => "new", { tags: ["x"] })).toBe("new");
    expect(await call("under way", () => "new", { tags: ["x"] })).toBe("new");
  });
});

describe("invalidation across processes", () => {
  it.each([
    ["as late as the store tells of it", { changesAfter: 50 }, 50],
    ["within a second where it tells of nothing", { changes: false }, 1_000],
  ])("reaches memory %s", async (_, options, lateness) => {
    const [, one, other] = await two(options);
    const make = counter();
    await one.call("a", make, { tags: ["x"] });
    await other.call("a", make, { tags: ["x"] });
    await one.cache.invalidateTags(["x"], one.owner);
    await after(lateness);
    expect(await other.call("a", make, { tags: ["x"] })).toBe(2);
    await after(lateness);
    expect(await one.call("a", make, { tags: ["x"] })).toBe(2);
    await other.cache.clear(other.owner);
    await after(lateness);
    expect(await one.call("a", make, { tags: ["x"] })).toBe(3);
  });

  it("outdates what was computed before it and is written after it", async () => {
    const [server, one, other] = await two({ changes: false, locks: false });
    const { promise, land } = pending();
    const computing = one.call("a", () => promise, { tags: ["x"] });
    await after(0);
    await other.cache.invalidateTags(["x"], other.owner);
    land("old");
    expect(await computing).toBe("old");
    await after(0);
    expect(server.entries.size).toBe(1);
    expect(await other.call("a", () => "new", { tags: ["x"] })).toBe("new");
    await after(1_000);
    expect(await one.call("a", () => "never", { tags: ["x"] })).toBe("new");
  });

  it("does so for tags that only the result names, whether or not they were known", async () => {
    const [, one, other] = await two({ changes: false, locks: false });
    const judge = () => ({ tags: ["x"] });
    for (const known of [false, true]) {
      const text = `known: ${known}`;
      const { promise, land } = pending();
      const computing = one.call(text, () => promise, { judge });
      await after(0);
      await other.cache.invalidateTags(["x"], other.owner);
      land("old");
      expect(await computing).toBe("old");
      expect(await one.call(text, () => "new", { judge })).toBe("new");
      await after(1_000);
      expect(await other.call(text, () => "never", { judge })).toBe("new");
    }
  });

  it("keeps results with such tags where another tag was invalidated meanwhile and theirs are known", async () => {
    const [, one, other] = await two({ locks: false });
    const judge = () => ({ tags: ["x"] });
    await other.cache.invalidateTags(["x"], other.owner);
    await one.call("warm", () => 1, { tags: ["x"] });
    const { promise, land } = pending();
    const computing = one.call("a", () => promise, { judge });
    await after(0);
    await other.cache.invalidateTags(["y"], other.owner);
    land("A");
    await computing;
    expect(await one.call("a", () => "never", { judge })).toBe("A");
  });

  it("reads the versions of all tags that are asked for in one turn together, and each once", async () => {
    const [server, one] = await two({ changes: false });
    await Promise.all(["a", "b", "c"].map((text) => one.call(text, () => text, { tags: [text, "x"] })));
    await after(2_000);
    server.commands.length = 0;
    await Promise.all(["a", "b", "c"].map((text) => one.call(text, () => "never", {})));
    expect(server.commands).toEqual(["versions *,op:A.b,tag:a,tag:x,tag:b,tag:c"]);
    await Promise.all(["a", "b", "c"].map((text) => one.call(text, () => "never", {})));
    expect(server.commands.length).toBe(1);
  });

  it("serves on by what is known while the versions cannot be read, and asks again a second later", async () => {
    const [server, one] = await two({ changes: false });
    await one.call("a", () => "A", { tags: ["x"] });
    server.failing.add("versions");
    await after(1_000);
    server.commands.length = 0;
    for (let calls = 0; calls < 10; calls++) expect(await one.call("a", () => "never")).toBe("A");
    expect(server.commands.length).toBe(1);
    await after(1_000);
    expect(await one.call("a", () => "never")).toBe("A");
    expect(server.commands.length).toBe(2);
  });

  it("of its own counts at once, also while the store has not taken it", async () => {
    const [server, one] = await two({ changes: false });
    await one.call("a", () => "old", { tags: ["x"] });
    server.failing.add("setVersion");
    await expect(one.cache.invalidateTags(["x"], one.owner)).rejects.toThrow("setVersion any failed");
    expect(server.commands.filter((command) => command.startsWith("setVersion"))).toEqual([
      "setVersion any",
      "setVersion tag:x",
    ]);
    await after(5_000);
    expect(await one.call("a", () => "new", { tags: ["x"] })).toBe("new");
    await after(5_000);
    expect(await one.call("a", () => "never", { tags: ["x"] })).toBe("new");
  });

  it("counts for all alike once a store has it that was cut off meanwhile", async () => {
    const server = new MemoryServer();
    const store = new GuardedStore(server.connect(), {
      timeout: 250,
      onError: () => undefined,
      onFirstOutage: () => undefined,
    });
    const one = await subject({ store });
    const other = await subject({ store: server.connect() });
    expect(await other.call("a", () => "old", { tags: ["x"] })).toBe("old");
    for (const command of ["ping", "get", "setVersion"]) server.failing.add(command);
    for (let failures = 0; failures < 3; failures++) await store.get("k").catch(() => undefined);
    await expect(one.cache.invalidateTags(["x"], one.owner)).rejects.toThrow("is cut off");
    server.failing.clear();
    await after(1_000);
    expect(await one.call("a", () => "new", { tags: ["x"] })).toBe("new");
    expect(await other.call("a", () => "never", { tags: ["x"] })).toBe("new");
    await store.close();
  });

  it("counts in its process also where so many wait that everything is outdated in their place", async () => {
    const server = new MemoryServer();
    const options = { timeout: 250, onError: () => undefined, maxInvalidations: 300 };
    const store = new GuardedStore(server.connect(), options);
    const one = await subject({ store });
    const other = await subject({ store: server.connect() });
    await other.call("a", () => "old", { tags: ["x"] });
    expect(await one.call("a", () => "never", { tags: ["x"] })).toBe("old");
    const tags = Array.from({ length: 500 }, (_, index) => (index === 280 ? "x" : `t${index}`));
    await one.cache.invalidateTags(tags, one.owner);
    expect(server.tags.has("tag:x")).toBe(false);
    expect(await one.call("a", () => "new", { tags: ["x"] })).toBe("new");
    expect(await other.call("a", () => "never", { tags: ["x"] })).toBe("new");
    await store.close();
  });

  it("is learnt a second later where a store that could not be asked before lets nobody listen", async () => {
    const server = new MemoryServer();
    const mute = server.connect();
    const subscribe = async () => {
      if (server.failing.has("subscribe")) throw new Error("not there");
      throw new RefusedError("nobody may listen");
    };
    const store = new GuardedStore(
      { ...mute, changes: { latency: 0, subscribe } },
      { timeout: 250, onError: () => undefined, onFirstOutage: () => undefined },
    );
    server.failing.add("subscribe");
    const one = await subject({ store });
    server.failing.clear();
    await after(1_000);
    expect(store.status.state).toBe("up");
    expect(one.trace).toEqual(["failed changes: RefusedError: nobody may listen"]);
    const other = await subject({ store: server.connect() });
    await one.call("a", () => "old", { tags: ["x"] });
    await other.cache.invalidateTags(["x"], other.owner);
    await after(1_000);
    expect(await one.call("a", () => "new", { tags: ["x"] })).toBe("new");
    await store.close();
  });

  it("is learnt a second later while nothing is told, what is done to a key too; each entry is read once a second", async () => {
    const [server, one, other] = await two();
    const ask = () => one.cache.find(one.key("a"), one.owner);
    const set = (value: string) =>
      other.cache.set(other.key("a"), value, { owner: other.owner, timing: { ttl: 600_000 } });
    await set("old");
    expect(await ask()).toBe("old");
    server.deafen();
    await ask();
    await set("new");
    await after(1_000);
    one.trace.length = 0;
    expect(await Promise.all([ask(), ask()])).toEqual(["new", "new"]);
    for (let call = 0; call < 10; call++) expect(await ask()).toBe("new");
    expect(one.trace.slice(2)).toEqual(Array.from({ length: 10 }, () => "hit memory"));
    await after(1_000);
    await other.cache.delete(other.key("a"), other.owner);
    expect(await ask()).toBe(absent);
  });

  it("is made up for as soon as it is told again, what was done to a key too", async () => {
    const [server, one, other] = await two();
    const ask = () => one.cache.find(one.key("a"), one.owner);
    const set = (value: string) =>
      other.cache.set(other.key("a"), value, { owner: other.owner, timing: { ttl: 600_000 } });
    await set("old");
    server.deafen();
    await ask();
    await set("new");
    expect(await ask()).toBe("old");
    server.hear();
    expect(await ask()).toBe("new");
    server.commands.length = 0;
    await after(60_000);
    expect(await ask()).toBe("new");
    expect(server.commands).toEqual([]);
  });

  it("does not cost what memory holds while nothing is told since the store does not answer", async () => {
    const [server, one] = await two();
    const ran = counter();
    const ask = () => one.call("a", ran, { ttl: 600_000 });
    await ask();
    server.deafen();
    server.failing.add("get").add("versions").add("acquire");
    for (let second = 0; second < 10; second++) {
      await after(1_000);
      expect(await ask()).toBe(1);
    }
    server.failing.clear();
    await after(1_000);
    one.trace.length = 0;
    expect(await ask()).toBe(1);
    expect(one.trace).toEqual(["hit store"]);
  });

  it("while nothing is told leaves what takes longer than a second to make one run, which is kept", async () => {
    const [server, one] = await two();
    const made = counter();
    const slow = async (): Promise<number> => {
      await new Promise((resolve) => setTimeout(resolve, 3_000));
      return made();
    };
    server.deafen();
    const first = one.call("a", slow);
    await after(2_000);
    const second = one.call("a", slow);
    await after(1_000);
    expect(await Promise.all([first, second, one.call("a", slow)])).toEqual([1, 1, 1]);
  });

  it("is not hidden by what was read before it and arrives after it was missed", async () => {
    const server = new MemoryServer();
    const store = server.connect();
    const slow: Store = {
      ...store,
      async versions(names) {
        const found = await store.versions(names);
        await new Promise((resolve) => setTimeout(resolve, 100));
        return found;
      },
    };
    const [one, other] = [await subject({ store: slow }), await subject({ store: server.connect() })];
    await other.call("a", () => "old", { tags: ["x"] });
    const reading = one.call("a", () => "new", { tags: ["x"] });
    await after(50);
    server.tags.set("tag:x", "told to nobody");
    server.loseChanges();
    await after(1_000);
    await reading;
    const next = one.call("a", () => "new", { tags: ["x"] });
    await after(1_000);
    expect(await next).toBe("new");
  });

  it("tells others of what is set and deleted by hand", async () => {
    const [, one, other] = await two();
    const keeping = { owner: one.owner, timing: { ttl: 60_000 } };
    await one.cache.set(one.key("a"), "first", keeping);
    expect(await other.call("a", () => "never")).toBe("first");
    await one.cache.set(one.key("a"), "second", keeping);
    expect(await other.call("a", () => "never")).toBe("second");
    await one.cache.delete(one.key("a"), one.owner);
    expect(await other.call("a", () => "third")).toBe("third");
  });

  it("keeps nothing that was under way when another process set the key by hand", async () => {
    const [, one, other] = await two({ locks: false });
    const { promise, land } = pending();
    const computing = one.call("a", () => promise);
    await after(0);
    await other.cache.set(other.key("a"), "by hand", { owner: other.owner, timing: { ttl: 60_000 } });
    land("computed");
    expect(await computing).toBe("computed");
    await after(0);
    expect(await one.call("a", () => "never")).toBe("by hand");
  });

  it("is not missed where a process may have missed it", async () => {
    const [server, one, other] = await two({ changesAfter: 1_000_000 });
    const make = counter();
    await one.call("a", make, { tags: ["x"] });
    await other.call("a", make, { tags: ["x"] });
    const { promise, land } = pending();
    const computing = other.call("b", () => promise);
    await after(0);
    await one.cache.invalidateTags(["x"], one.owner);
    expect(await other.call("a", make, { tags: ["x"] })).toBe(1);
    server.loseChanges();
    expect(await other.call("a", make, { tags: ["x"] })).toBe(2);
    land("B");
    expect(await computing).toBe("B");
    expect(await other.call("b", () => "not kept before")).toBe("not kept before");
  });

  it("ends with the store: what a former one tells is not heard", async () => {
    const [server, one, other] = await two();
    const next = new MemoryServer();
    await one.cache.use({ store: next.connect(), codec: createEntryCodec() });
    await one.call("a", () => "A", { tags: ["x"] });
    await other.cache.invalidateTags(["x"], other.owner);
    expect(await one.call("a", () => "never")).toBe("A");
    expect(server.listening).toBe(1);
  });
});

describe("invalidation that is under way when another store takes the place of its own", () => {
  const codec = createEntryCodec();
  const guarded = (server: MemoryServer): GuardedStore =>
    new GuardedStore(server.connect(), {
      timeout: 250,
      onError: () => undefined,
      onFirstOutage: () => undefined,
    });

  /** A store that answers nothing any more, one to take its place, and a process on each of them. */
  async function changing() {
    const [former, next] = [new MemoryServer(), new MemoryServer()];
    const [from, to] = [guarded(former), guarded(next)];
    const own = await subject({ store: from });
    const other = await subject({ store: next.connect() });
    await other.call("a", () => "old", { tags: ["x"] });
    former.latency = 600_000;
    const change = async (): Promise<void> => {
      from.passOn(to);
      await own.cache.use({ store: to, codec });
      const closing = from.close();
      await after(2_000);
      await closing;
    };
    return { own, other, change, to };
  }

  it.each([
    ["by tag", ({ cache, owner }: Subject) => cache.invalidateTags(["x"], owner)],
    ["by operation", ({ cache, owner }: Subject) => cache.invalidateOperation("A.b", owner)],
    ["of everything", ({ cache, owner }: Subject) => cache.clear(owner)],
  ])("%s goes to that one, and holds", async (_, invalidate) => {
    const { own, other, change, to } = await changing();
    const invalidated = invalidate(own);
    await change();
    await expect(invalidated).resolves.toBeUndefined();
    expect(await own.call("a", () => "new", { tags: ["x"] })).toBe("new");
    await after(2_000);
    expect(await other.call("a", () => "newer", { tags: ["x"] })).toBe("new");
    await to.close();
  });

  it("counts in its process while the new store has not taken it either", async () => {
    const { own, change, to } = await changing();
    const invalidated = own.cache.invalidateTags(["x"], own.owner);
    const changed = change();
    await after(0);
    expect(await own.call("a", () => "new", { tags: ["x"] })).toBe("new");
    await after(4_000);
    await changed;
    await invalidated;
    await to.close();
  });
});
