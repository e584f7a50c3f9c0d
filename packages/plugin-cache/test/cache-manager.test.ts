import { AsyncLocalStorage } from "node:async_hooks";
import { join } from "node:path";
import { onEvent, ValidationError } from "@mlmcp/core";
import { createTestKernel } from "@mlmcp/core/testing";
import { cached, cachePlugin, CacheManager } from "@mlmcp/plugin-cache";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { list } from "./support/list.js";
import { temporaryDirectory } from "./temporary.js";

async function managed(cache: object = {}) {
  const kernel = await createTestKernel({
    plugins: [cachePlugin],
    config: { cache: { store: "memory:", ...cache } },
  });
  onTestFinished(() => kernel.stop());
  return { kernel, manager: kernel.resolve(CacheManager) };
}

describe("CacheManager", () => {
  it("makes a value once for all who ask at the same time, and keeps it", async () => {
    const { manager } = await managed();
    let made = 0;
    const make = async (): Promise<{ n: number }> => ({ n: ++made });
    const values = await Promise.all(
      Array.from({ length: 5 }, () => manager.getOrSet(["rates", new Date(0)], make)),
    );
    expect(values).toEqual(Array.from({ length: 5 }, () => ({ n: 1 })));
    values[0]!.n = 9;
    expect(await manager.getOrSet(["rates", new Date(0)], make)).toEqual({ n: 1 });
    expect(await manager.getOrSet(["rates", new Date(1)], make)).toEqual({ n: 2 });
  });

  it("takes a function that is not async, keeps no error and recovers", async () => {
    const { manager } = await managed();
    const failing = (): never => {
      throw new Error("no rates");
    };
    await expect(manager.getOrSet("k", failing)).rejects.toThrow("no rates");
    expect(await manager.getOrSet("k", () => 5)).toBe(5);
    expect(await manager.get("k")).toBe(5);
  });

  it.each<[string, (manager: CacheManager) => Promise<unknown>, string, string]>([
    [
      "invalidateTags of a text",
      (manager) => manager.invalidateTags("users" as never),
      "MLMCP_CACHE_ARGUMENT",
      `CacheManager.invalidateTags takes an array of tags, such as ["users"], and was given 'users'.`,
    ],
    [
      "invalidateTags of numbers",
      (manager) => manager.invalidateTags([5] as never),
      "MLMCP_CACHE_ARGUMENT",
      `CacheManager.invalidateTags takes an array of tags, such as ["users"], and was given [ 5 ].`,
    ],
    [
      "getOrSet without a function",
      (manager) => manager.getOrSet("k", 5 as never),
      "MLMCP_CACHE_ARGUMENT",
      "CacheManager.getOrSet takes a function that makes the value and was given 5.",
    ],
    [
      "getMany of no array",
      (manager) => manager.getMany("k" as never),
      "MLMCP_CACHE_ARGUMENT",
      "CacheManager.getMany takes an array of keys and was given 'k'.",
    ],
    [
      "invalidate of arguments that are no array",
      (manager) => manager.invalidate("Users.find", 7 as never),
      "MLMCP_CACHE_ARGUMENT",
      "CacheManager.invalidate takes the arguments of the call as an array, such as [7], and was given 7.",
    ],
    [
      "get of a function",
      (manager) => manager.get(() => 1),
      "MLMCP_CACHE_KEY",
      'CacheManager.get cannot take this key: it is the function "anonymous". Give primitives, or plain objects and arrays of them.',
    ],
    [
      "set under an object with a function in it",
      (manager) => manager.set({ id: [Symbol("x")] }, 1),
      "MLMCP_CACHE_KEY",
      "CacheManager.set cannot take this key: key.id[0] is the symbol Symbol(x). Give primitives, or plain objects and arrays of them.",
    ],
    [
      "delete of a function",
      (manager) => manager.delete(() => 1),
      "MLMCP_CACHE_KEY",
      'CacheManager.delete cannot take this key: it is the function "anonymous". Give primitives, or plain objects and arrays of them.',
    ],
  ])("refuses %s, and names the method and what was given", async (_, call, code, message) => {
    const { manager } = await managed();
    await expect(call(manager)).rejects.toMatchObject({ code, message });
  });

  it("sets, gets and deletes any key, and copies values going in and coming out", async () => {
    const { manager } = await managed();
    const value = { tags: new Set(["a"]) };
    expect(await manager.set({ id: 1n }, value)).toBe(true);
    value.tags.add("b");
    const taken = (await manager.get<typeof value>({ id: 1n }))!;
    expect(taken).toEqual({ tags: new Set(["a"]) });
    taken.tags.clear();
    expect(await manager.get({ id: 1n })).toEqual({ tags: new Set(["a"]) });
    expect(await manager.get({ id: 1 })).toBeUndefined();
    expect(await manager.delete({ id: 1n })).toBe(true);
    expect(await manager.delete({ id: 1n })).toBe(false);
  });

  it("keeps values for the time given, or for the section's", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    onTestFinished(() => void vi.useRealTimers());
    const { manager } = await managed({ ttl: "10s" });
    await manager.set("short", 1, { ttl: "5s" });
    await manager.getOrSet("section", () => 2);
    vi.advanceTimersByTime(5_000);
    expect([await manager.get("short"), await manager.get("section")]).toEqual([undefined, 2]);
    vi.advanceTimersByTime(5_000);
    expect(await manager.get("section")).toBeUndefined();
  });

  it("refuses a value that cannot be copied, and a key that cannot be one", async () => {
    const { manager } = await managed();
    const refusal = manager.set("k", { on: () => 1 });
    await expect(refusal).rejects.toBeInstanceOf(ValidationError);
    await expect(refusal).rejects.toThrow(
      'The value cannot be cached: the value\'s .on is the function "on". Give plain data.',
    );
    await expect(manager.get(Symbol("k"))).rejects.toMatchObject({ code: "MLMCP_CACHE_KEY" });
  });

  it("never meets the decorated methods' keys, and clears their entries too", async () => {
    class CacheManagerLike {
      ran = 0;
      @cached({ name: "CacheManager.load" })
      async load(key: string): Promise<string> {
        this.ran++;
        return `loaded ${key}`;
      }
    }
    const { kernel, manager } = await managed();
    const own = kernel.adopt(new CacheManagerLike());
    await own.load("k");
    expect(await manager.get("k")).toBeUndefined();
    await manager.set("k", "by hand");
    expect(await own.load("k")).toBe("loaded k");
    await manager.clear();
    expect(await manager.get("k")).toBeUndefined();
    await own.load("k");
    expect(own.ran).toBe(2);
  });

  it.each(["delete", "clear"] as const)(
    "keeps nothing that was under way at a %s, and gives it to those who wait",
    async (how) => {
      const { manager } = await managed();
      let land!: (value: string) => void;
      const slow = new Promise<string>((resolve) => (land = resolve));
      const waiting = manager.getOrSet("k", () => slow);
      await (how === "delete" ? manager.delete("k") : manager.clear());
      land("stale");
      expect(await waiting).toBe("stale");
      expect(await manager.get("k")).toBeUndefined();
    },
  );

  it("keeps what was set while an older value was under way", async () => {
    const { manager } = await managed();
    let land!: (value: string) => void;
    const slow = new Promise<string>((resolve) => (land = resolve));
    const waiting = manager.getOrSet("k", () => slow);
    await manager.set("k", "newer");
    land("older");
    expect(await waiting).toBe("older");
    expect(await manager.get("k")).toBe("newer");
  });

  it("publishes its events without an operation and counts under its own name", async () => {
    const { kernel, manager } = await managed();
    const misses: unknown[] = [];
    onTestFinished(onEvent("cache:miss", (event) => void misses.push(event)));
    await manager.get("k");
    expect(misses).toEqual([{ kernel: kernel.id }]);
    expect((await manager.stats()).operations["CacheManager"]).toMatchObject({ misses: 1, hits: 0 });
  });

  it("gives what was made also where its `tags` throw, keeps it not, and tells", async () => {
    const { manager } = await managed();
    const actions: string[] = [];
    onTestFinished(
      onEvent("cache:error", ({ action, error }) => void actions.push(`${action} ${String(error)}`)),
    );
    let made = 0;
    const tags = (value: { team: string } | undefined): string[] => [value!.team, null!];
    const make = (): { team: string } => ({ team: `team ${++made}` });
    expect(await manager.getOrSet("user", make, { tags })).toEqual({ team: "team 1" });
    expect(await manager.getOrSet("user", make, { tags })).toEqual({ team: "team 2" });
    expect(actions.length).toBe(4);
    expect(actions[0]).toContain("when TypeError");
    expect(actions[1]).toContain("The `tags` of CacheManager.getOrSet gave an array with null.");
  });

  it("keeps values as @cached does: by tag, namespace, result, and stale within their grace", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    onTestFinished(() => void vi.useRealTimers());
    const { kernel, manager } = await managed();
    await manager.set("a", 1, { tags: ["t"], namespace: "n" });
    await manager.getOrSet("b", () => 2, { tags: (value) => (value === 2 ? ["t"] : []) });
    await manager.getOrSet("c", () => 3, { ttl: (value) => value * 1_000, grace: "1h" });
    await manager.getOrSet("d", () => 4, { when: (value) => value !== 4 });
    expect(await manager.getMany(["a", "b", "c", "d"])).toEqual(
      new Map([
        ["b", 2],
        ["c", 3],
      ]),
    );
    expect(await manager.get("a", { namespace: "n" })).toBe(1);
    await manager.invalidateTags(["t"]);
    expect(await manager.has("a", { namespace: "n" })).toBe(false);
    expect(await manager.has("b")).toBe(false);
    vi.advanceTimersByTime(3_000);
    expect(await manager.get("c")).toBeUndefined();
    const stale = await kernel.outcome(() =>
      manager.getOrSet(
        "c",
        () => {
          throw new Error("down");
        },
        { ttl: "1s", grace: "1h" },
      ),
    );
    expect(stale.value).toBe(3);
  });

  it("keeps errors where it is asked to, and lets a caller leave whose signal aborts", async () => {
    const { manager } = await managed();
    let ran = 0;
    const fail = (): never => {
      ran++;
      throw new RangeError("none");
    };
    await expect(manager.getOrSet("k", fail, { cacheErrors: RangeError })).rejects.toThrow("none");
    await expect(manager.getOrSet("k", fail, { cacheErrors: RangeError })).rejects.toThrow("none");
    expect(ran).toBe(1);
    const leaver = new AbortController();
    let seen!: AbortSignal;
    const left = manager.getOrSet("slow", ({ signal }) => new Promise<number>(() => (seen = signal)), {
      signal: leaver.signal,
    });
    const reason = new Error("enough");
    leaver.abort(reason);
    await expect(left).rejects.toBe(reason);
    expect(seen.aborted).toBe(true);
  });

  it("hands the function what there is, and takes `unchanged` for an answer", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    onTestFinished(() => void vi.useRealTimers());
    const { manager } = await managed();
    const options = { ttl: "1m", grace: "1h" } as const;
    const asked: unknown[] = [];
    const load = (): Promise<number> =>
      manager.getOrSet<number>(
        "k",
        ({ previous, unchanged, changed }) => {
          asked.push(previous && { value: previous.value, etag: previous.etag });
          return previous ? unchanged() : changed(5, { etag: "v1" });
        },
        options,
      );
    expect(await load()).toBe(5);
    vi.advanceTimersByTime(60_000);
    expect([await load(), await load()]).toEqual([5, 5]);
    expect(asked).toEqual([undefined, { value: 5, etag: "v1" }]);
    await expect(manager.getOrSet<number>("other", ({ unchanged }) => unchanged())).rejects.toMatchObject({
      code: "MLMCP_CACHE_UNCHANGED",
    });
  });

  it("runs the function in no caller's context", async () => {
    const tenant = new AsyncLocalStorage<string>();
    const { manager } = await managed();
    const make = async (): Promise<string> => tenant.getStore() ?? "nobody's";
    expect(await tenant.run("first", () => manager.getOrSet("k", make))).toBe("nobody's");
  });

  it("tells an undefined value from none, and keys of one list apart", async () => {
    const { manager } = await managed();
    const keys = [{ id: 1 }, { id: 2 }, { id: 3 }];
    await manager.set({ id: 1 }, undefined);
    await manager.set({ id: 3 }, null);
    expect(await manager.getMany(keys)).toEqual(
      new Map<unknown, unknown>([
        [keys[0], undefined],
        [keys[2], null],
      ]),
    );
    expect([await manager.has({ id: 1 }), await manager.has({ id: 2 })]).toEqual([true, false]);
  });

  it("refuses wrong options, all at once", async () => {
    const { manager } = await managed();
    const wrong = { ttl: "soon", tags: [7], graze: "1h" } as object;
    const refusal = manager.set("k", 1, wrong).catch((error: unknown) => error);
    expect(await refusal).toBeInstanceOf(ValidationError);
    expect(await refusal).toMatchObject({ code: "MLMCP_CACHE_OPTIONS" });
    const { message } = (await refusal) as Error;
    expect(message).toMatch(/^CacheManager\.set is given wrong options:\n/);
    expect(message).toMatch(/ttl: .*\n(.*\n)*.*tags/);
    expect(message).toContain("graze: unknown key (did you mean grace?)");
    await expect(manager.getOrSet("k", () => 1, { softTimeout: "1s" })).rejects.toThrow(
      "softTimeout gives stale results in time, and none are kept.",
    );
  });

  it("reaches the entries of decorated methods by method or id, one or all", async () => {
    class Users {
      ran: unknown[] = [];
      constructor(readonly name: string) {}
      @cached()
      async find(id: number): Promise<number> {
        this.ran.push(id);
        return id;
      }
      @cached({ scope: "instance" })
      async own(): Promise<string> {
        this.ran.push(this.name);
        return this.name;
      }
    }
    const { kernel, manager } = await managed();
    const [ada, bea] = [kernel.adopt(new Users("Ada")), kernel.adopt(new Users("Bea"))];
    const all = async (): Promise<unknown[]> => {
      ada.ran = bea.ran = [];
      for (const id of [1, 2]) await ada.find(id);
      for (const user of [ada, bea]) await user.own();
      return ada.ran;
    };
    await all();
    await manager.invalidate(Users.prototype.find, [1]);
    expect(await all()).toEqual([1]);
    await manager.invalidate("Users.find");
    expect(await all()).toEqual([1, 2]);
    await manager.invalidate(ada.own, [], { instance: bea });
    expect(await all()).toEqual(["Bea"]);
    await manager.invalidate("Users.own");
    expect(await all()).toEqual(["Ada", "Bea"]);
    await expect(manager.invalidate("Users.own", [])).rejects.toMatchObject({ code: "MLMCP_CACHE_KEY" });
    await expect(manager.invalidate("Users.fnid")).rejects.toThrow('Did you mean "Users.find"?');
    await expect(manager.invalidate("Users.find", [() => 1])).rejects.toMatchObject({
      code: "MLMCP_CACHE_KEY",
    });
  });

  it("lists what memory and the store hold, each entry once, and clears what has expired", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    onTestFinished(() => void vi.useRealTimers());
    class Users {
      @cached({ ttl: "1s", grace: "1s", tags: ["users"], cacheErrors: true })
      async find(id: number): Promise<number> {
        if (id < 0) throw new RangeError("none");
        return id;
      }
    }
    const path = join(temporaryDirectory(), "cache.db");
    const { kernel, manager } = await managed({ store: `sqlite://${path}` });
    const users = kernel.adopt(new Users());
    const created = Date.now();
    await users.find(1);
    await users.find(-1).catch(() => undefined);
    await manager.set("k", "v", { ttl: "1h" });
    await manager.get("k");
    const entries = (await list(manager.entries())).sort((a, b) => a.operation.localeCompare(b.operation));
    expect(entries.length).toBe(3);
    expect(entries[0]).toMatchObject({
      operation: "CacheManager",
      inMemory: true,
      expires: created + 3_600_000,
    });
    expect(entries[0]!.bytes).toBeGreaterThan(0);
    const found = await list(manager.entries({ operation: "Users.find" }));
    expect(
      found.map(({ details }) => details).sort((a, b) => Number(a!.thrown) - Number(b!.thrown)),
    ).toMatchObject([
      { created, freshUntil: created + 1_000, tags: ["users"], thrown: false, outdated: false },
      { thrown: true },
    ]);
    expect(found[0]!.expires).toBe(created + 2_000);
    await manager.invalidateTags(["users"]);
    const outdated = await list(manager.entries({ operation: "Users.find" }));
    expect(outdated.every(({ details }) => details?.outdated)).toBe(true);
    vi.advanceTimersByTime(2_000);
    expect(await manager.clearExpired()).toBe(2);
    expect((await list(manager.entries())).map(({ operation }) => operation)).toEqual(["CacheManager"]);
  });

  it("counts what it clears in memory where there is no store", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    onTestFinished(() => void vi.useRealTimers());
    const { manager } = await managed();
    await manager.set("short", 1, { ttl: "1s" });
    await manager.set("long", 1);
    vi.advanceTimersByTime(1_000);
    expect([await manager.clearExpired(), await manager.clearExpired()]).toEqual([1, 0]);
    expect((await list(manager.entries())).map(({ key, bytes }) => [key, bytes])).toEqual([
      [undefined, undefined],
    ]);
  });

  it("keeps nothing and makes everything where caching is off", async () => {
    const kernel = await createTestKernel({
      plugins: [cachePlugin],
      config: { cache: { store: "memory:" }, performance: { enableCaching: false } },
    });
    onTestFinished(() => kernel.stop());
    const manager = kernel.resolve(CacheManager);
    let ran = 0;
    expect([await manager.getOrSet("k", () => ++ran), await manager.getOrSet("k", () => ++ran)]).toEqual([
      1, 2,
    ]);
    expect([await manager.set("k", 1), await manager.get("k"), await manager.has("k")]).toEqual([
      false,
      undefined,
      false,
    ]);
    expect(await manager.getMany(["k"])).toEqual(new Map());
  });
});
