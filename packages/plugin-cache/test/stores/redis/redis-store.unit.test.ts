import { createClient } from "@keyv/redis";
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from "vitest";
import { locate, problemOfUrl } from "../../../src/stores/location.js";
import { MissingPackageError } from "../../../src/stores/missing-package.js";
import { loadLibrary } from "../../../src/stores/redis/library.js";
import { RedisStore, type RedisOptions } from "../../../src/stores/redis/redis-store.js";
import { RefusedError } from "../../../src/stores/refused-error.js";
import type { Change, StoredEntry } from "../../../src/stores/store.js";
import { openSince } from "../../support/leftovers.js";
import { list } from "../../support/list.js";
import { hasRedis, RedisServer } from "../../support/redis-server.js";
import { expectOwnLockEnds } from "../own-lock.js";

function entry(text = "x", more: Partial<StoredEntry> = {}): StoredEntry {
  return { operation: "A.b", bytes: Buffer.from(text), expires: Date.now() + 60_000, ...more };
}

const open = async (url: string, options?: RedisOptions): Promise<RedisStore> => {
  const store = await RedisStore.open(locate(url)!, options);
  onTestFinished(() => store.close());
  return store;
};

/** What is said from now on. */
async function messagesOn(url: string, channel: string): Promise<string[]> {
  const client = createClient({ url });
  await client.connect();
  onTestFinished(() => client.destroy());
  const messages: string[] = [];
  await client.subscribe(channel, (message) => messages.push(message));
  return messages;
}

const soon = (check: () => unknown): Promise<unknown> => vi.waitFor(check, { interval: 50 });

it("says which package to install where it is missing", async () => {
  const missing = loadLibrary(async () => {
    throw new Error("Cannot find package '@keyv/redis'");
  });
  await expect(missing).rejects.toBeInstanceOf(MissingPackageError);
  await expect(missing).rejects.toMatchObject({
    message: "the package @keyv/redis cannot be loaded",
    mend: "Install it: `npm install @keyv/redis`.",
  });
});

describe.skipIf(!hasRedis())("on a server", () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await RedisServer.start();
  });
  afterAll(() => server[Symbol.asyncDispose]());

  it("touches no key but its own, also at a clear", async () => {
    server.ask("SET", "somebody:else", "1");
    const [plain, other] = [await open(server.url), await open(server.url, { prefix: "e" })];
    await Promise.all([plain.set("k", entry("plain")), other.set("k", entry("other"))]);
    await plain.clear();
    expect(await plain.get("k")).toBeUndefined();
    expect(String((await other.get("k"))!.bytes)).toBe("other");
    expect(server.ask("GET", "somebody:else")).toBe("1");
    const own = server
      .ask("KEYS", "*")
      .split("\n")
      .filter((key) => key !== "somebody:else");
    expect(own.every((key) => /^mlmcp(\.e)?:/.test(key))).toBe(true);
  });

  it("keeps entries until they expire, and versions for good", async () => {
    const store = await open(server.url);
    await store.set("k", entry());
    await store.setVersion("tag:a", "v");
    expect(Number(server.ask("PTTL", "mlmcp:e:k"))).toBeGreaterThan(59_000);
    expect(server.ask("PTTL", "mlmcp:versions")).toBe("-1");
  });

  it("finds nothing in what is not an entry", async () => {
    const store = await open(server.url);
    server.ask("SET", "mlmcp:e:foreign", "no entry");
    expect(await store.get("foreign")).toBeUndefined();
    const found = await list(store.entries());
    expect(found.map(({ key }) => key)).not.toContain("foreign");
    server.ask("DEL", "mlmcp:e:foreign");
    server.ask("LPUSH", "mlmcp:e:list", "1");
    await expect(store.get("list")).rejects.toBeInstanceOf(RefusedError);
    server.ask("DEL", "mlmcp:e:list");
  });

  it("has nothing but a lock where there is no entry yet", async () => {
    const store = await open(server.url, { prefix: "lock-only" });
    const lock = (await store.locks.acquire("k", 60_000)).lock!;
    expect([await store.get("k"), await store.getMany(["k"])]).toEqual([undefined, [undefined]]);
    expect(await store.count()).toEqual(new Map());
    expect(await list(store.entries())).toEqual([]);
    expect(await store.delete("k")).toBe(false);
    await lock.release();
    await store.locks.acquire("k", 60_000);
    await store.clear();
    expect(server.ask("KEYS", "mlmcp.lock-only:e:*")).toBe("");
  });

  it("keeps an entry and its time as they are while it is locked, and no longer than that", async () => {
    const store = await open(server.url, { prefix: "locked" });
    const ttl = (): number => Number(server.ask("PTTL", "mlmcp.locked:e:k"));
    await store.set("k", entry("there"));
    const lock = (await store.locks.acquire("k", 60_000)).lock!;
    expect(ttl()).toBeGreaterThan(120_000);
    const infos = await list(store.entries());
    expect(infos).toEqual([{ key: "k", operation: "A.b", bytes: 5, expires: expect.any(Number) }]);
    await lock.release(true);
    const next = (await store.locks.acquire("k", 60_000)).lock!;
    expect(ttl()).toBeGreaterThan(120_000);
    await next.release();
    expect(String((await store.get("k"))!.bytes)).toBe("there");
    expect(ttl()).toBeGreaterThan(0);
    expect(ttl()).toBeLessThanOrEqual(60_000);

    await store.set("k", entry("short", { expires: Date.now() + 30 }));
    const last = (await store.locks.acquire("k", 60_000)).lock!;
    await new Promise((resolve) => setTimeout(resolve, 60));
    await last.release();
    expect(server.ask("EXISTS", "mlmcp.locked:e:k")).toBe("0");
  });

  it("takes the place of what is not an entry", async () => {
    const store = await open(server.url);
    server.ask("SET", "mlmcp:e:other", "x".repeat(200));
    const { lock, entry: found } = await store.locks.acquire("other", 60_000);
    expect(found).toBeUndefined();
    await store.set("other", entry("made", { fence: lock!.fence }));
    expect(String((await store.get("other"))!.bytes)).toBe("made");
    server.ask("LPUSH", "mlmcp:e:list", "1");
    expect(await store.delete("list")).toBe(true);
  });

  it("tells of all that is changed at once in one message, in its order, after it is there", async () => {
    const [store, other] = [await open(server.url), await open(server.url)];
    const seen: string[] = [];
    const reads: Promise<unknown>[] = [];
    const changed = (change: Change): void => {
      const name = change.kind === "key" ? change.key : change.name;
      seen.push(name);
      if (change.kind === "key") reads.push(other.get(name).then((found) => String(found!.bytes)));
    };
    await other.changes.subscribe({ changed, missed: () => seen.push("missed") });
    const messages = await messagesOn(server.url, "mlmcp:changes");
    for (const listening of [false, true]) {
      if (listening)
        await store.changes.subscribe({ changed: () => seen.push("own"), missed: () => undefined });
      const keys = Array.from({ length: 700 }, (_, at) => `k${at}`);
      seen.length = reads.length = messages.length = 0;
      await Promise.all([
        ...keys.map((key) => store.set(key, entry(`${key} ${listening}`))),
        store.setVersion("tag:last", "v"),
      ]);
      await soon(() => expect(seen).toEqual([...keys, "tag:last"]));
      expect(await Promise.all(reads)).toEqual(keys.map((key) => `${key} ${listening}`));
      expect(messages).toHaveLength(2);
    }
  });

  it("goes on telling others while its own connection that listens is lost", async () => {
    const [store, other] = [await open(server.url), await open(server.url)];
    const [seen, missed] = [[] as unknown[], vi.fn<() => void>()];
    await store.changes.subscribe({ changed: () => undefined, missed });
    await store.set("k", entry("before"));
    server.ask("CLIENT", "KILL", "TYPE", "pubsub");
    await soon(() => expect(missed).toHaveBeenCalledTimes(1));
    await other.changes.subscribe({ changed: (change) => seen.push(change), missed: () => undefined });
    await store.set("k", entry("after"));
    await soon(() => expect(seen).toEqual([{ kind: "key", key: "k" }]));
  });

  it("goes on where the server has forgotten its scripts", async () => {
    const store = await open(server.url);
    const first = (await store.locks.acquire("k", 60_000)).lock!;
    await store.set("k", entry("first", { fence: first.fence }));
    server.ask("SCRIPT", "FLUSH");
    const { lock, entry: found } = await store.locks.acquire("k", 60_000);
    expect(String(found!.bytes)).toBe("first");
    server.ask("SCRIPT", "FLUSH");
    await store.set("k", entry("second", { fence: lock!.fence }));
    expect(String((await store.get("k"))!.bytes)).toBe("second");
  });

  it("tells of nothing before it is done, also where the server has forgotten its scripts", async () => {
    const [store, other] = [await open(server.url), await open(server.url)];
    const found: unknown[] = [];
    const look = async (change: Change): Promise<void> => {
      found.push(await (change.kind === "key" ? other.get(change.key) : other.versions([change.name])));
    };
    await other.changes.subscribe({ changed: (change) => void look(change), missed: () => undefined });
    for (let round = 0; round < 20; round++) {
      await store.set("k", entry());
      server.ask("SCRIPT", "FLUSH");
      await Promise.all([store.delete("k"), store.setVersion("tag:a", `v${round}`)]);
      // That of the set was before.
      await soon(() => expect(found).toHaveLength(3 * (round + 1)));
      expect(found.slice(-2)).toEqual([undefined, [`v${round}`]]);
    }
  });

  it("takes nothing from who had no lock for it", async () => {
    const store = await open(server.url);
    await store.set("k", entry("by hand"));
    await store.set("k", entry("of nobody", { fence: 0 }));
    expect(String((await store.get("k"))!.bytes)).toBe("by hand");
  });

  it("gives everything another version where versions were evicted, and all learn that they missed changes", async () => {
    const [store, other] = [await open(server.url), await open(server.url)];
    const missed = vi.fn<() => void>();
    await other.changes.subscribe({ changed: () => undefined, missed });
    await store.setVersion("tag:a", "v");
    const [before] = await store.versions(["*"]);
    expect(before).toBeDefined();
    server.ask("DEL", "mlmcp:versions");
    const [after, tag] = await store.versions(["*", "tag:a"]);
    expect(after).toBeDefined();
    expect(after).not.toBe(before);
    expect(tag).toBeUndefined();
    await soon(() => expect(missed).toHaveBeenCalledTimes(1));
    expect(await other.versions(["*"])).toEqual([after]);
  });

  it("ends its own lock where it asks for it once more, whose answer may have been lost", async () => {
    await expectOwnLockEnds(await open(server.url), await open(server.url));
  });

  it("goes on above the fences that it had where they were evicted", async () => {
    const store = await open(server.url);
    const first = (await store.locks.acquire("k", 60_000)).lock!;
    await first.release();
    server.ask("DEL", "mlmcp:fence");
    const second = (await store.locks.acquire("k", 60_000)).lock!;
    expect(second.fence).toBeGreaterThan(first.fence);
    await second.release();
  });

  it("changes what users may change who may not tell others, and says so once", async () => {
    server.ask("ACL", "SETUSER", "mute", "on", ">secret", "~*", "+@all", "resetchannels");
    const errors: unknown[] = [];
    const url = server.url.replace("redis://", "redis://mute:secret@");
    // The first on a database also gives everything a version.
    server.ask("FLUSHDB");
    const store = await open(url, { onError: (error) => errors.push(error) });
    await store.set("k", entry("by hand"));
    await store.setVersion("tag:mute", "v");
    expect(String((await store.get("k"))!.bytes)).toBe("by hand");
    expect(await store.versions(["tag:mute"])).toEqual(["v"]);
    expect(await store.delete("k")).toBe(true);
    // They may be lost at any time, and begin anew.
    server.ask("DEL", "mlmcp:versions");
    expect(await store.versions(["*", "tag:mute"])).toEqual([expect.any(String), undefined]);
    expect(errors).toEqual([expect.any(RefusedError)]);
    expect(String(errors[0])).toContain("does not let others be told of changes: ");
  });

  it("does not take what somebody else says for a change", async () => {
    const store = await open(server.url);
    const [changed, missed] = [vi.fn<() => void>(), vi.fn<() => void>()];
    await store.changes.subscribe({ changed, missed });
    server.ask("PUBLISH", "mlmcp:changes", "{ nonsense");
    server.ask("PUBLISH", "mlmcp:changes", "null");
    await soon(() => expect(missed).toHaveBeenCalledTimes(2));
    expect(changed).not.toHaveBeenCalled();
  });
});

it.skipIf(!hasRedis())("does with a server that does not know RESP3", async () => {
  await using server = await RedisServer.start({ settings: ["--rename-command", "HELLO", ""] });
  const [errors, seen] = [[] as unknown[], [] as unknown[]];
  const onError = (error: unknown): void => void errors.push(error);
  const [store, other] = [await open(server.url, { onError }), await open(server.url, { onError })];
  await store.changes.subscribe({ changed: () => seen.push("own"), missed: () => undefined });
  await other.changes.subscribe({ changed: (change) => seen.push(change), missed: () => undefined });
  await store.set("k", entry("by hand"));
  expect(String((await other.get("k"))!.bytes)).toBe("by hand");
  await soon(() => expect(seen).toEqual([{ kind: "key", key: "k" }]));
  expect(errors).toEqual([]);
});

describe.skipIf(!hasRedis())("credentials", () => {
  it("are used, and never shown", async () => {
    await using server = await RedisServer.start({ password: "s3cr3t" });
    const store = await open(server.url);
    expect(store.name).toBe(`redis://127.0.0.1:${server.port}`);
    await store.set("k", entry());
    const wrong = RedisStore.open(locate(server.url.replace("s3cr3t", "gue55ed"))!);
    await expect(wrong).rejects.toBeInstanceOf(RefusedError);
    await expect(wrong).rejects.toThrow(/refuses: WRONGPASS/);
    await expect(wrong).rejects.not.toThrow(/gue55ed|s3cr3t/);
    await store.close();
  });

  it("are not shown where the URL is none", () => {
    const problem = problemOfUrl("redis://user:pass word@[host");
    expect(problem).toMatch(/^begins with "redis:" and has a space/);
    expect(problem).not.toMatch(/pass word/);
    expect(locate("valkeys://u:p@host:1/2?x=y")).toEqual({
      name: "valkeys://host:1/2",
      url: "rediss://u:p@host:1/2?x=y",
      kind: "redis",
    });
    expect(locate("sqlite://cache.db")).toBeUndefined();
  });
});

describe.skipIf(!hasRedis())("a server that goes away", () => {
  it("is connected to again as soon as it is back; listeners learn that they missed changes", async () => {
    await using server = await RedisServer.start();
    const errors: unknown[] = [];
    const store = await open(server.url, { onError: (error) => errors.push(error) });
    const missed = vi.fn<() => void>();
    await store.changes.subscribe({ changed: () => undefined, missed });
    await server.kill();
    await soon(() => expect(errors.length).toBeGreaterThanOrEqual(2));
    await expect(store.get("k")).rejects.toThrow("is not connected");
    await server.start();
    await soon(() => store.set("k", entry("again")));
    expect(String((await store.get("k"))!.bytes)).toBe("again");
    await soon(() => expect(missed).toHaveBeenCalled());
    await store.close();
  });

  it("need not be there when the store is opened", async () => {
    await using server = await RedisServer.start();
    await server.kill();
    const errors: unknown[] = [];
    const store = await open(server.url, { onError: (error) => errors.push(error) });
    expect(String(errors[0])).toContain("ECONNREFUSED");
    await expect(
      store.changes.subscribe({ changed: () => undefined, missed: () => undefined }),
    ).rejects.toThrow("ECONNREFUSED");
    await server.start();
    await soon(() => store.ping());
    await store.close();
  });

  it("does not hold up the close, and nothing is left of the store", async () => {
    await using server = await RedisServer.start();
    const before = process.getActiveResourcesInfo();
    const store = await RedisStore.open(locate(server.url)!);
    await store.changes.subscribe({ changed: () => undefined, missed: () => undefined });
    server.pause();
    const hanging = store.get("k").catch((error: unknown) => error);
    const late = await RedisStore.open(locate(server.url)!);
    const started = performance.now();
    await Promise.all([store.close(), late.close()]);
    expect(performance.now() - started).toBeLessThan(20_000);
    expect(await hanging).toBeInstanceOf(Error);
    server.resume();
    expect(await openSince(before)).toEqual([]);
  });
});
