import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from "vitest";
import { locate, problemOfUrl } from "../../../src/stores/location.js";
import { MissingPackageError } from "../../../src/stores/missing-package.js";
import { loadLibrary } from "../../../src/stores/redis/library.js";
import { RedisStore, type RedisOptions } from "../../../src/stores/redis/redis-store.js";
import { RefusedError } from "../../../src/stores/refused-error.js";
import type { StoredEntry } from "../../../src/stores/store.js";
import { openSince } from "../../support/leftovers.js";
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
    const found: string[] = [];
    for await (const { key } of store.entries()) found.push(key);
    expect(found).not.toContain("foreign");
    server.ask("DEL", "mlmcp:e:foreign");
    server.ask("LPUSH", "mlmcp:e:list", "1");
    await expect(store.get("list")).rejects.toBeInstanceOf(RefusedError);
    server.ask("DEL", "mlmcp:e:list");
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
