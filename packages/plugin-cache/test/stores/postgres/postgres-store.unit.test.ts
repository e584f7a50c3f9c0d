import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from "vitest";
import { locate } from "../../../src/stores/location.js";
import { MissingPackageError } from "../../../src/stores/missing-package.js";
import { loadLibrary } from "../../../src/stores/postgres/library.js";
import { PostgresStore, type PostgresOptions } from "../../../src/stores/postgres/postgres-store.js";
import { RefusedError } from "../../../src/stores/refused-error.js";
import type { Change, StoredEntry } from "../../../src/stores/store.js";
import { openSince } from "../../support/leftovers.js";
import { hasPostgres, PostgresServer } from "../../support/postgres-server.js";
import { expectOwnLockEnds } from "../own-lock.js";

function entry(text = "x", more: Partial<StoredEntry> = {}): StoredEntry {
  return { operation: "A.b", bytes: Buffer.from(text), expires: Date.now() + 60_000, ...more };
}

const open = async (url: string, options?: PostgresOptions): Promise<PostgresStore> => {
  const store = await PostgresStore.open(locate(url)!, options);
  onTestFinished(() => store.close());
  return store;
};

const textOf = (found: StoredEntry | undefined) => found && Buffer.from(found.bytes).toString();

const soon = (check: () => unknown): Promise<unknown> => vi.waitFor(check, { interval: 50 });

it("says which package to install where it is missing", async () => {
  const missing = loadLibrary(async () => {
    throw new Error("Cannot find package 'pg'");
  });
  await expect(missing).rejects.toBeInstanceOf(MissingPackageError);
  await expect(missing).rejects.toMatchObject({ mend: "Install it: `npm install pg`." });
});

describe.skipIf(!hasPostgres)("on a server", () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await PostgresServer.start();
  });
  afterAll(() => server[Symbol.asyncDispose]());

  it("is opened by many processes at once, each finding whole tables", async () => {
    const stores = await Promise.all(
      Array.from({ length: 12 }, (_, n) => open(server.url, { prefix: `many.${n % 2}` })),
    );
    await Promise.all(stores.map((store, n) => store.set(`k${n}`, entry(`${n}`))));
    expect(textOf(await stores[0]!.get("k10"))).toBe("10");
    expect(await stores[0]!.get("k11")).toBeUndefined();
  });

  it("loses nothing that the first writes while others open the same new tables", async () => {
    const prefix = "new";
    const names = Array.from({ length: 12 }, (_, n) => `k${n}`);
    const births = await Promise.all(
      names.map(async (name) => {
        const store = await open(server.url, { prefix });
        await store.set(name, entry(name));
        return (await store.versions(["*"]))[0];
      }),
    );
    const store = await open(server.url, { prefix });
    expect((await store.getMany(names)).map(textOf)).toEqual(names);
    expect(new Set(births)).toEqual(new Set(await store.versions(["*"])));
  });

  it("makes tables that nobody else has made meanwhile, where a role's transactions see old snapshots", async () => {
    server.ask("ALTER ROLE cache SET default_transaction_isolation = 'serializable'");
    onTestFinished(() => void server.ask("ALTER ROLE cache RESET default_transaction_isolation"));
    const prefix = "serial";
    const names = Array.from({ length: 6 }, (_, n) => `k${n}`);
    await Promise.all(names.map(async (name) => (await open(server.url, { prefix })).set(name, entry(name))));
    const store = await open(server.url, { prefix });
    expect((await store.getMany(names)).map(textOf)).toEqual(names);
  });

  it("takes what many write at once, where a role's transactions must not change what others change", async () => {
    server.ask(
      "CREATE ROLE strict LOGIN SUPERUSER; ALTER ROLE strict SET default_transaction_isolation = serializable",
    );
    const url = server.url.replace("cache:", "strict:");
    const stores = [await open(url, { prefix: "strict" }), await open(url, { prefix: "strict" })];
    const rounds = Array.from({ length: 60 }, (_, n) => n);
    await Promise.all(
      rounds.flatMap((n) =>
        stores.flatMap((store) => [store.set("k", entry()), store.setVersion("t", `${n}`)]),
      ),
    );
    await Promise.all(stores.map((store) => store.delete("k")));
    expect(await stores[0]!.get("k")).toBeUndefined();
  });

  it("keeps caches apart by their prefix, whatever it is", async () => {
    const [plain, odd] = [await open(server.url), await open(server.url, { prefix: "Odd-1.entries" })];
    await Promise.all([plain.set("k", entry("plain")), odd.set("k", entry("odd"))]);
    await plain.clear();
    expect(await plain.get("k")).toBeUndefined();
    expect(textOf(await odd.get("k"))).toBe("odd");
  });

  it("bounds the versions of tags: where there are too many, everything gets another one, which all learn", async () => {
    const store = await open(server.url, { prefix: "bound" });
    await store.setVersion("*", "first");
    server.ask(
      `INSERT INTO "mlmcp_cache_bound_versions" SELECT 'tag:' || n, 'v' FROM generate_series(1, 99999) n`,
    );
    const missed = vi.fn();
    await store.changes.subscribe({ changed: () => undefined, missed });
    missed.mockClear();
    await store.deleteExpired();
    expect(await store.versions(["*", "tag:7"])).toEqual(["first", "v"]);
    await store.setVersion("tag:one more", "v");
    await store.deleteExpired();
    const versions = await store.versions(["*", "tag:7", "tag:one more"]);
    expect(versions).toEqual([expect.stringMatching(/^[\w-]{12}$/), undefined, undefined]);
    await soon(() => expect(missed).toHaveBeenCalled());
  });

  it("clears, and deletes what has expired, in slices", async () => {
    const store = await open(server.url, { prefix: "slices" });
    server.ask(`INSERT INTO "mlmcp_cache_slices_entries"
      SELECT 'k' || n, 'A.b', CASE WHEN n % 2 = 0 THEN 1 ELSE 9000000000000 END, 0, '' FROM generate_series(1, 5000) n`);
    expect(await store.deleteExpired()).toBe(2_500);
    expect(Object.fromEntries(await store.count())).toEqual({ "A.b": 2_500 });
    await store.clear();
    expect((await store.count()).size).toBe(0);
  });

  it("ends its own lock where it asks for it once more, whose answer may have been lost", async () => {
    await expectOwnLockEnds(await open(server.url), await open(server.url));
  });

  it("deletes by itself, once a minute, what has expired: entries and locks", async () => {
    vi.useFakeTimers({ toFake: ["setInterval"] });
    onTestFinished(() => void vi.useRealTimers());
    const store = await open(server.url, { prefix: "sweep" });
    await store.set("k", entry("x", { expires: Date.now() - 1 }));
    await store.locks.acquire("k", 1);
    server.ask(`UPDATE "mlmcp_cache_sweep_locks" SET expires = now() - interval '1 hour'`);
    const rows = () =>
      server.ask(
        `SELECT (SELECT count(*) FROM "mlmcp_cache_sweep_entries"), count(*) FROM "mlmcp_cache_sweep_locks"`,
      );
    expect(rows()).toBe("1|1");
    vi.advanceTimersByTime(60_000);
    await soon(() => expect(rows()).toBe("0|0"));
  });

  it("tells only that there was a change where a message would be too long", async () => {
    const [store, other] = [await open(server.url), await open(server.url)];
    const [changed, missed] = [vi.fn<(change: Change) => void>(), vi.fn<() => void>()];
    await other.changes.subscribe({ changed, missed });
    await store.setVersion("x".repeat(2_600), "v".repeat(6_000));
    await soon(() => expect(missed).toHaveBeenCalledTimes(1));
    expect(changed).not.toHaveBeenCalled();
    server.ask("NOTIFY mlmcp_cache_changes, 'nonsense'");
    await soon(() => expect(missed).toHaveBeenCalledTimes(2));
  });

  it("makes its tables again where a hand has dropped them, and then everything has another version", async () => {
    const store = await open(server.url, { prefix: "dropped" });
    const [before] = await store.versions(["*"]);
    server.ask(
      `DROP TABLE "mlmcp_cache_dropped_entries", "mlmcp_cache_dropped_versions", "mlmcp_cache_dropped_locks"`,
    );
    await expect(store.get("k")).rejects.toThrow("does not exist");
    await store.set("k", entry("again"));
    expect(textOf(await store.get("k"))).toBe("again");
    expect(await store.versions(["*"])).not.toEqual([before]);
  });

  it.each<[string, string, (store: PostgresStore) => Promise<unknown>]>([
    ["locks", "TABLE", (store) => store.locks.acquire("k", 1)],
    ["versions", "TABLE", (store) => store.versions(["*"])],
    ["fences", "SEQUENCE", (store) => store.locks.acquire("k", 1)],
  ])(
    "makes its %s again where a hand has dropped them alone, and keeps its entries",
    async (name, kind, use) => {
      const prefix = `without.${name}`;
      const [store, other] = [await open(server.url, { prefix }), await open(server.url, { prefix })];
      const missed = vi.fn<() => void>();
      await other.changes.subscribe({ changed: () => undefined, missed });
      missed.mockClear();
      const [before] = await store.versions(["*"]);
      const first = (await store.locks.acquire("made", 60_000)).lock!;
      await store.set("made", entry("kept", { fence: first.fence }));
      await first.release();
      server.ask(`DROP ${kind} "mlmcp_cache_without.${name}_${name}"`);
      await expect(use(store)).rejects.toThrow("does not exist");
      await use(store);
      expect(textOf(await store.get("made"))).toBe("kept");
      // What was locked since is newer than what was locked before.
      const second = (await store.locks.acquire("made", 60_000)).lock!;
      expect(second.fence).toBeGreaterThan(first.fence);
      await store.set("made", entry("newer", { fence: second.fence }));
      expect(textOf(await other.get("made"))).toBe("newer");
      const isSame = (await store.versions(["*"]))[0] === before;
      expect(isSame).toBe(name !== "versions");
      if (!isSame) await soon(() => expect(missed).toHaveBeenCalled());
    },
  );

  it("begins anew on tables of an older version, and leaves those of a newer one alone", async () => {
    await open(server.url, { prefix: "v" });
    server.ask(`COMMENT ON TABLE "mlmcp_cache_v_entries" IS '@mlmcp/plugin-cache, version 0'`);
    await (await open(server.url, { prefix: "v" })).set("k", entry());
    server.ask(`COMMENT ON TABLE "mlmcp_cache_v_entries" IS '@mlmcp/plugin-cache, version 99'`);
    const newer = PostgresStore.open(locate(server.url)!, { prefix: "v" });
    await expect(newer).rejects.toBeInstanceOf(RefusedError);
    await expect(newer).rejects.toThrow(/version 99.*cache.storePrefix/);
    expect(server.ask(`SELECT count(*) FROM "mlmcp_cache_v_entries"`)).toBe("1");
  });

  it("shows no credentials, and says why it is not let in", async () => {
    const store = await open(server.url);
    expect(store.name).toBe(`postgres://127.0.0.1:${server.port}/postgres`);
    const nowhere = PostgresStore.open(locate(server.url.replace("/postgres", "/nowhere"))!);
    await expect(nowhere).rejects.toBeInstanceOf(RefusedError);
    await expect(nowhere).rejects.toThrow('database "nowhere" does not exist');
    await expect(nowhere).rejects.not.toThrow("secret");
  });
});

describe.skipIf(!hasPostgres)("a server that goes away", () => {
  it("is connected to again; a crash loses entries and no version, and listeners learn of it", async () => {
    await using server = await PostgresServer.start();
    const errors: unknown[] = [];
    const store = await open(server.url, { onError: (error) => errors.push(error) });
    const missed = vi.fn<() => void>();
    await store.changes.subscribe({ changed: () => undefined, missed });
    await store.set("k", entry());
    await store.setVersion("tag:a", "v");
    const first = (await store.locks.acquire("k", 60_000)).lock!;
    await server.kill();
    await expect(store.get("k")).rejects.toThrow();
    await server.start();
    await soon(() => store.ping());
    expect(await store.get("k")).toBeUndefined();
    expect(await store.versions(["tag:a"])).toEqual(["v"]);
    expect((await store.locks.acquire("k", 60_000)).lock!.fence).toBeGreaterThan(first.fence);
    await soon(() => expect(missed).toHaveBeenCalled());
    expect(errors.length).toBeGreaterThan(0);
    await store.close();
  });

  it("has one connection that listens, also where it was asked for while the next attempt was planned", async () => {
    await using own = await PostgresServer.start();
    const store = await open(own.url);
    const listener = { changed: () => undefined, missed: () => undefined };
    await store.changes.subscribe(listener);
    const library = await loadLibrary();
    onTestFinished(() => void vi.useRealTimers());
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    await own.kill();
    await soon(() => expect(store.changes.subscribe(listener)).rejects.toThrow());
    await expect(store.changes.subscribe(listener)).rejects.toThrow();
    await own.start();
    await soon(() => store.changes.subscribe(listener));
    await soon(() => store.ping());
    const connecting = vi.spyOn(library.Client.prototype, "connect");
    onTestFinished(() => connecting.mockRestore());
    await vi.advanceTimersByTimeAsync(4_000);
    expect(connecting).not.toHaveBeenCalled();
  });

  it("need not be there when the store is opened", async () => {
    await using server = await PostgresServer.start();
    await server.kill();
    const errors: unknown[] = [];
    const store = await open(server.url, { onError: (error) => errors.push(error) });
    expect(errors).toHaveLength(1);
    await server.start();
    await soon(() => store.set("k", entry("late")));
    expect(textOf(await store.get("k"))).toBe("late");
    await store.close();
  });

  it("does not hold up the close, and nothing is left of the store", async () => {
    await using server = await PostgresServer.start();
    const before = process.getActiveResourcesInfo();
    const store = await PostgresStore.open(locate(server.url)!);
    await store.changes.subscribe({ changed: () => undefined, missed: () => undefined });
    server.pause();
    const hanging = store.get("k").catch((error: unknown) => error);
    const started = performance.now();
    await store.close();
    expect(performance.now() - started).toBeLessThan(20_000);
    expect(await hanging).toBeInstanceOf(Error);
    server.resume();
    expect(await openSince(before)).toEqual([]);
  });
});
