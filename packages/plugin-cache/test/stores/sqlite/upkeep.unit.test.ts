import { statSync } from "node:fs";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { Change } from "../../../src/stores/store.js";
import type { SqliteStore } from "../../../src/stores/sqlite/sqlite-store.js";
import { ask, entry, freshPath, holdLock, openStore, textOf } from "./opening.js";

afterEach(() => void vi.useRealTimers());

const megabyte = 1024 * 1024;
const large = (ms?: number) => entry("x".repeat(20_000), ms === undefined ? {} : { in: ms });
const rows = async (file: string): Promise<unknown> => (await ask(file, "SELECT count(*) FROM entries"))[0];

async function fill(store: SqliteStore, count: number, ms?: number): Promise<void> {
  await Promise.all(Array.from({ length: count }, (_, at) => store.set(`k${at}`, large(ms))));
}

describe("the upkeep of a SQLite file", () => {
  it("never lets what has expired be found, and deletes it at the start and every minute", async () => {
    const file = freshPath();
    const failures: unknown[] = [];
    const first = await openStore(file);
    await Promise.all(Array.from({ length: 900 }, (_, at) => first.set(`k${at}`, entry())));
    await first.set("long", entry("x", { in: 600_000 }));
    vi.useFakeTimers({ now: Date.now() + 61_000, toFake: ["Date", "setInterval", "clearInterval"] });
    expect(await first.get("k0")).toBeUndefined();
    expect(await rows(file)).toBe(901);
    const second = await openStore(file, { onError: (error) => failures.push(error) });
    await vi.waitFor(async () => expect(await rows(file)).toBe(1));
    expect(await second.get("long")).toBeDefined();
    await vi.waitFor(async () => {
      vi.advanceTimersByTime(60_000);
      expect(await rows(file)).toBe(0);
    });
    expect(failures).toEqual([]);
  });

  it("deletes what has expired when asked to, and answers how many", async () => {
    const store = await openStore();
    await Promise.all(
      Array.from({ length: 300 }, (_, at) => store.set(`k${at}`, entry("x", { in: at < 200 ? -1 : 60_000 }))),
    );
    expect(await store.deleteExpired()).toBe(200);
    expect(await store.deleteExpired()).toBe(0);
    expect(await store.count()).toEqual(new Map([["A.b", 100]]));
  });

  it("bounds the versions of tags: where there are too many, everything gets another one, which all are told", async () => {
    const file = freshPath();
    const [first, other] = [await openStore(file), await openStore(file, { prefix: "other" })];
    await first.setVersion("*", "first");
    await other.setVersion("tag:kept", "v");
    const told: Change[] = [];
    await first.changes.subscribe({ changed: (change) => told.push(change), missed: () => undefined });
    await ask(
      file,
      `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 99999)
        INSERT INTO versions SELECT '', 'tag:' || i, 'v' FROM n`,
    );
    expect(await first.versions(["*", "tag:7"])).toEqual(["first", "v"]);
    await first.setVersion("tag:one more", "v");
    await openStore(file);
    await vi.waitFor(async () => {
      expect(await ask(file, "SELECT count(*) FROM versions WHERE space = ''")).toEqual([1]);
      expect(told).toContainEqual({ kind: "version", name: "*", version: expect.any(String) });
    });
    const [everything, seventh] = await first.versions(["*", "tag:7"]);
    expect([everything, seventh]).toEqual([expect.stringMatching(/^[\w-]{12}$/), undefined]);
    expect(told).toContainEqual({ kind: "version", name: "*", version: everything });
    expect(await other.versions(["tag:kept"])).toEqual(["v"]);
  });

  it("lets writes go in between the slices of a long sweep", async () => {
    const store = await openStore();
    await Promise.all(Array.from({ length: 9_000 }, (_, at) => store.set(`k${at}`, entry("x", { in: -1 }))));
    const trace: string[] = [];
    const sweeping = store.deleteExpired().then(() => trace.push("swept"));
    await store.set("k", entry()).then(() => trace.push("set"));
    await sweeping;
    expect(trace).toEqual(["set", "swept"]);
  });

  it("keeps the file about as small as it is told, and what expires last", async () => {
    const file = freshPath();
    const store = await openStore(file, { maxFileBytes: 4 * megabyte });
    for (let at = 0; at < 1_000; at++) await store.set(`k${at}`, large(60_000 + at * 1_000));
    await vi.waitFor(async () => expect((await store.file.size()).bytes).toBeLessThanOrEqual(4 * megabyte));
    const left = (await store.count()).get("A.b")!;
    expect(left).toBeGreaterThan(100);
    expect(await store.get("k0")).toBeUndefined();
    for (let at = 1_000 - left; at < 1_000; at++) expect(await store.get(`k${at}`)).toBeDefined();
    await store.close();
    expect(statSync(file).size).toBeLessThanOrEqual(4 * megabyte);
  });

  it("refuses an entry that would push too many others out", async () => {
    const store = await openStore(freshPath(), { maxFileBytes: megabyte });
    await expect(store.set("k", entry("x".repeat(300_000)))).rejects.toThrow(
      "an entry of 300200 bytes is more than 262144, the most that sqlite://",
    );
  });

  it("gives pages back to the file system where many are free", async () => {
    const file = freshPath();
    const store = await openStore(file);
    await fill(store, 500);
    const { bytes } = await store.file.size();
    await store.clear();
    expect((await store.file.size()).freeBytes).toBeGreaterThan(bytes / 2);
    expect(await store.file.shrink()).toBeGreaterThan(bytes / 2);
    expect((await store.file.size()).freeBytes).toBe(0);
    expect(statSync(file).size).toBeLessThan(bytes / 2);
  });

  it("does so by itself every minute", async () => {
    vi.useFakeTimers({ now: Date.now(), toFake: ["Date", "setInterval", "clearInterval"] });
    const store = await openStore();
    await fill(store, 500, 30_000);
    const { bytes } = await store.file.size();
    await vi.waitFor(async () => {
      vi.advanceTimersByTime(60_000);
      expect((await store.file.size()).bytes).toBeLessThan(bytes / 2);
    });
  });

  it("forgets changes beyond a hundred thousand, however young", async () => {
    vi.useFakeTimers({ now: Date.now(), toFake: ["setInterval", "clearInterval"] });
    const file = freshPath();
    const store = await openStore(file);
    await ask(
      file,
      `WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 100500)
        INSERT INTO changes (space, origin, name) SELECT '', 'x', 'k' FROM n`,
    );
    await vi.waitFor(async () => {
      vi.advanceTimersByTime(60_000);
      expect(await ask(file, "SELECT count(*) FROM changes")).toEqual([100_000]);
    });
    await store.close();
  });

  it("waits for another's lock, and is given up without a word when the store closes", async () => {
    const file = freshPath();
    const first = await openStore(file);
    await first.set("old", entry("x", { in: -1 }));
    const release = await holdLock(file);
    const failures: unknown[] = [];
    const second = await openStore(file, { onError: (error) => failures.push(error) });
    expect(await textOf(second, "old")).toBeUndefined();
    await second.close();
    expect(failures).toEqual([]);
    await release();
  });
});
