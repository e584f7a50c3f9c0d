import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  statSync,
  symlinkSync,
} from "node:fs";
import { dirname, join } from "node:path";
import fc from "fast-check";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { sqliteFile } from "../../../src/stores/open-store.js";
import { ask, bytes, entry, freshPath, holdLock, openStore, textOf } from "./opening.js";
import { list } from "../../support/list.js";

describe("the SQLite store", () => {
  it("makes its directory and a file that only its owner can read, born with every pragma", async () => {
    const file = join(dirname(freshPath()), "deep", "er", "cache.db");
    const store = await openStore(file);
    await store.set("k", entry());
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(statSync(`${file}-wal`).mode & 0o777).toBe(0o600);
    const pragmas = ["journal_mode", "auto_vacuum", "user_version", "application_id"];
    expect(await ask(file, ...pragmas.map((name) => `PRAGMA ${name}`))).toEqual(["wal", 2, 3, 0x6d6c6d63]);
    expect(readdirSync(dirname(file)).sort()).toEqual(["cache.db", "cache.db-shm", "cache.db-wal"]);
  });

  it("keeps bytes, operation and expiry, and replaces and deletes them", async () => {
    const store = await openStore();
    const all = { ...entry(), bytes: Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)) };
    await store.set("k", all);
    expect(await store.get("k")).toEqual(all);
    await store.set("k", entry("new", { operation: "A.c" }));
    expect(await store.get("k")).toMatchObject({ bytes: bytes("new"), operation: "A.c" });
    expect(await store.delete("k")).toBe(true);
    expect(await store.delete("k")).toBe(false);
    expect(await store.get("k")).toBeUndefined();
  });

  it("takes ends with fractions, and ends that never come", async () => {
    const store = await openStore();
    await store.set("fraction", { ...entry(), expires: Date.now() + 60_000.75 });
    await store.set("never", { ...entry(), expires: Infinity });
    expect(Number.isInteger((await store.get("fraction"))?.expires)).toBe(true);
    expect((await store.get("never"))?.expires).toBe(Number.MAX_SAFE_INTEGER);
    expect(await store.file.verify()).toEqual([]);
  });

  it("keeps views of buffers, and values without a byte", async () => {
    const store = await openStore();
    const view = new Uint8Array(Buffer.from("a whole buffer").buffer, 0, 0);
    await store.set("none", { ...entry(), bytes: view });
    await store.set("part", { ...entry(), bytes: new Uint8Array([1, 2, 3, 4]).subarray(1, 3) });
    expect((await store.get("none"))?.bytes).toEqual(bytes(""));
    expect((await store.get("part"))?.bytes).toEqual(Buffer.from([2, 3]));
  });

  it("gives back whatever it is given, under any key", async () => {
    const store = await openStore();
    const key = fc.string({ unit: "binary" });
    const pairs = fc.uniqueArray(fc.tuple(key, fc.uint8Array()), {
      selector: ([name]) => name,
      maxLength: 200,
    });
    await fc.assert(
      fc.asyncProperty(pairs, async (given) => {
        await Promise.all(given.map(([name, value]) => store.set(name, { ...entry(), bytes: value })));
        const found = await store.getMany(given.map(([name]) => name));
        expect(found.map((one) => [...one!.bytes])).toEqual(given.map(([, value]) => [...value]));
      }),
      { numRuns: 50 },
    );
  });

  it("answers many at once, each to the one who asked", async () => {
    const store = await openStore();
    await Promise.all(Array.from({ length: 300 }, (_, at) => store.set(`k${at}`, entry(`${at}`))));
    const asked = Array.from({ length: 400 }, (_, at) => (at * 7) % 350);
    const found = await Promise.all(asked.map((at) => textOf(store, `k${at}`)));
    expect(found).toEqual(asked.map((at) => (at < 300 ? `${at}` : undefined)));
    expect(await store.getMany(["k1", "none", "k1"])).toEqual([
      await store.get("k1"),
      undefined,
      await store.get("k1"),
    ]);
  });

  it("keeps the order of what is written to one key", async () => {
    const store = await openStore();
    const answers = await Promise.all([
      store.set("k", entry("1")),
      store.set("k", entry("2")),
      store.delete("k"),
      store.delete("k"),
      store.set("k", entry("3")),
      store.clear(),
      store.set("k", entry("4")),
      store.set("k", entry("5")),
    ]);
    expect(answers.slice(2, 4)).toEqual([true, false]);
    expect(await textOf(store, "k")).toBe("5");
  });

  it("counts what is alive by operation, and clears", async () => {
    const store = await openStore();
    for (const key of ["a", "b", "c"])
      await store.set(key, entry(key, { operation: key === "c" ? "X.y" : "A.b" }));
    await store.set("gone", entry("x", { in: -1 }));
    expect(await store.count()).toEqual(new Map(Object.entries({ "A.b": 2, "X.y": 1 })));
    await store.clear();
    expect(await store.count()).toEqual(new Map());
  });

  it("clears more than goes at once", async () => {
    const store = await openStore();
    await Promise.all(Array.from({ length: 2_000 }, (_, at) => store.set(`k${at}`, entry())));
    await store.clear();
    expect(await store.count()).toEqual(new Map());
  });

  it("keeps caches with prefixes that begin alike apart", async () => {
    const file = freshPath();
    const [one, other] = [await openStore(file, { prefix: "a_" }), await openStore(file, { prefix: "ab" })];
    await one.set("k", entry("one"));
    await other.set("k", entry("other"));
    await one.setVersion("tag", "1");
    const lock = (await one.locks.acquire("k", 1_000)).lock;
    expect(await other.versions(["tag"])).toEqual([undefined]);
    expect((await other.locks.acquire("k", 1_000)).lock).toBeDefined();
    expect(lock).toBeDefined();
    await one.clear();
    expect([await textOf(one, "k"), await textOf(other, "k")]).toEqual([undefined, "other"]);
    expect([await one.count(), await other.count()]).toEqual([new Map(), new Map([["A.b", 1]])]);
  });

  it("finds after a restart what was acknowledged", async () => {
    const file = freshPath();
    const first = await openStore(file);
    await first.set("k", entry("kept"));
    await first.close();
    expect(readdirSync(dirname(file))).toEqual(["cache.db"]);
    expect(await textOf(await openStore(file), "k")).toBe("kept");
  });

  it("writes what it has accepted before it closes, and refuses what comes later", async () => {
    const file = freshPath();
    const first = await openStore(file);
    const writes = Array.from({ length: 200 }, (_, at) => first.set(`k${at}`, entry()));
    await Promise.all([first.close(), ...writes]);
    expect(await (await openStore(file)).count()).toEqual(new Map([["A.b", 200]]));
    await expect(first.set("late", entry())).rejects.toThrow(`${file} is closed`);
  });

  it("keeps versions of tags through clear and restart", async () => {
    const file = freshPath();
    const first = await openStore(file);
    await Promise.all([first.setVersion("a", "1"), first.setVersion("b", "1"), first.setVersion("a", "2")]);
    await first.clear();
    await first.close();
    const second = await openStore(file);
    expect(await second.versions(["b", "none", "a"])).toEqual(["1", undefined, "2"]);
  });

  it("waits for another's lock without holding up reads or opens, and then writes everything", async () => {
    const file = freshPath();
    const store = await openStore(file);
    await store.set("before", entry("old"));
    const release = await holdLock(file);
    const trace: string[] = [];
    const writes = Array.from({ length: 8 }, (_, at) =>
      store.set(`k${at}`, entry(`${at}`)).then(() => trace.push(`set ${at}`)),
    );
    expect(await textOf(store, "before")).toBe("old");
    trace.push("got");
    const other = await openStore(file);
    expect(await textOf(other, "before")).toBe("old");
    trace.push("opened");
    await release();
    await Promise.all(writes);
    expect(trace).toEqual(["got", "opened", ...Array.from({ length: 8 }, (_, at) => `set ${at}`)]);
    for (let at = 0; at < 8; at++) expect(await textOf(other, `k${at}`)).toBe(`${at}`);
  });

  it("says of each write that a lock kept out when it closes", async () => {
    const file = freshPath();
    const store = await openStore(file);
    const release = await holdLock(file);
    const writes = Promise.allSettled(Array.from({ length: 3 }, (_, at) => store.set(`k${at}`, entry())));
    await store.close();
    for (const result of await writes)
      expect(result).toMatchObject({ status: "rejected", reason: { code: "SQLITE_BUSY" } });
    await release();
    expect(await (await openStore(file)).count()).toEqual(new Map());
  });

  it("gives a write up when another has held the lock for 30 seconds", async () => {
    const file = freshPath();
    const store = await openStore(file);
    await holdLock(file);
    vi.useFakeTimers({ toFake: ["performance", "setTimeout", "clearTimeout"] });
    onTestFinished(() => void vi.useRealTimers());
    let settled = false;
    const write = store.set("k", entry()).finally(() => (settled = true));
    const given = expect(write).rejects.toMatchObject({ code: "SQLITE_BUSY" });
    const tries = async (ms: number): Promise<void> => {
      for (let turn = 0; turn < 20; turn++) {
        await vi.advanceTimersByTimeAsync(ms / 20);
        await new Promise((resolve) => setImmediate(resolve));
      }
      await store.get("k");
    };
    await tries(29_000);
    expect(settled).toBe(false);
    await vi.waitFor(() => tries(2_000).then(() => expect(settled).toBe(true)));
    await given;
  });

  it("refuses writes beyond those that may wait", async () => {
    const file = freshPath();
    const store = await openStore(file);
    const release = await holdLock(file);
    const large = { ...entry(), bytes: Buffer.alloc(5 * 1024 * 1024) };
    const writes = Array.from({ length: 20 }, (_, at) => store.set(`k${at}`, large));
    const results = Promise.allSettled(writes);
    await expect(writes.at(-1)).rejects.toThrow(`statements wait for ${file} already`);
    await release();
    const kept = (await results).filter(({ status }) => status === "fulfilled").length;
    expect(kept).toBeGreaterThanOrEqual(12);
    expect(await store.count()).toEqual(new Map([["A.b", kept]]));
  });

  it("refuses a directory, and a file that it may not read", async () => {
    const file = freshPath();
    mkdirSync(file);
    await expect(openStore(file)).rejects.toThrow("is a directory, not a file");
    if (process.getuid?.() === 0) return;
    const closed = freshPath();
    await (await openStore(closed)).close();
    chmodSync(closed, 0);
    await expect(openStore(closed)).rejects.toThrow("SQLITE_CANTOPEN");
  });

  it("follows a symbolic link, as SQLite does", async () => {
    const file = freshPath();
    const link = `${file}.link`;
    await (await openStore(file)).close();
    symlinkSync(file, link);
    const store = await openStore(link);
    await store.set("k", entry("through"));
    expect(await textOf(await openStore(file), "k")).toBe("through");
    expect(existsSync(`${link}-wal`)).toBe(false);
  });

  it.each([
    ["a path", (directory: string) => join(directory, "data", "cache.db")],
    ["a path relative to it", () => join("..", "links", "..", "data", "cache.db")],
    ["another link", (directory: string) => join(directory, "links", "second")],
  ])("makes its file at the end of a symbolic link to %s where nothing is yet", async (_, target) => {
    const directory = dirname(freshPath());
    mkdirSync(join(directory, "links"), { recursive: true });
    const [link, file] = [join(directory, "links", "first"), join(directory, "data", "cache.db")];
    symlinkSync(target(directory), link);
    symlinkSync(file, join(directory, "links", "second"));
    const store = await openStore(link);
    await store.set("k", entry());
    expect(store.file.path).toBe(file);
    expect(lstatSync(link).isSymbolicLink()).toBe(true);
    expect(readlinkSync(link)).toBe(target(directory));
    expect(existsSync(file)).toBe(true);
  });

  it("refuses symbolic links that lead nowhere", async () => {
    const link = freshPath();
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(link, link);
    await expect(openStore(link)).rejects.toThrow("ELOOP");
    expect(lstatSync(link).isSymbolicLink()).toBe(true);
  });

  it("lists all entries, and skips none while they are deleted", async () => {
    const store = await openStore();
    const names = Array.from({ length: 700 }, (_, at) => `k${at}`);
    await Promise.all(
      names.map((name, at) => store.set(name, entry("123", { operation: at % 2 ? "odd" : "even" }))),
    );
    await store.set("gone", entry("", { operation: "odd", in: -1 }));
    const seen: string[] = [];
    for await (const { key, bytes: size } of store.entries()) {
      seen.push(key);
      if (key !== "gone") expect(size).toBe(3);
      await store.delete(key);
    }
    expect(seen.sort()).toEqual([...names, "gone"].sort());
    for await (const { key } of store.entries()) expect(key).toBe("none is left");
  });

  it("lists the entries of one operation", async () => {
    const store = await openStore();
    await store.set("a", entry("12", { operation: "X.y" }));
    await store.set("b", entry());
    const listed = await list(store.entries({ operation: "X.y" }));
    expect(listed).toEqual([{ key: "a", operation: "X.y", bytes: 2, expires: expect.any(Number) as number }]);
  });

  it("reads relative paths from the directory that it is given", () => {
    expect(sqliteFile("sqlite://.mlmcp/cache.db", "/srv/app")).toBe("/srv/app/.mlmcp/cache.db");
    expect(sqliteFile("sqlite:///var/cache.db", "/srv/app")).toBe("/var/cache.db");
    expect(sqliteFile("memory:", "/srv/app")).toBeUndefined();
  });
});
