import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { Connection } from "../../../src/stores/sqlite/connection.js";
import { ask, entry, freshPath, openStore, textOf } from "./opening.js";

describe("the file of a SQLite store", () => {
  it("tells its path and size", async () => {
    const file = freshPath();
    const store = await openStore(file);
    await store.set("k", entry("x".repeat(100_000)));
    expect(store.file.path).toBe(file);
    const { bytes, freeBytes } = await store.file.size();
    expect(bytes).toBeGreaterThan(100_000);
    expect(freeBytes).toBe(0);
  });

  it("is sound, and says what is not", async () => {
    const file = freshPath();
    const store = await openStore(file);
    await store.set("k", entry());
    expect(await store.file.verify()).toEqual([]);
    await ask(
      file,
      "PRAGMA user_version = 4",
      "INSERT INTO entries (space, key, operation, expires, value) VALUES ('', 'odd', 'A.b', 9e12, 'a text')",
    );
    expect(await store.file.verify()).toEqual([
      "user_version is 4, not 3",
      "1 entries have columns of another type",
    ]);
  });

  it("is not sound where an index does not agree with its table, or pages are damaged", async () => {
    const file = freshPath();
    const store = await openStore(file);
    for (let at = 0; at < 200; at++) void store.set(`k${at}`, entry("x".repeat(500)));
    await store.close();
    const size = statSync(file).size;
    writeFileSync(file, readFileSync(file).fill(0xaa, size - 8_192));
    const damaged = await openStore(file);
    expect((await damaged.file.verify()).length).toBeGreaterThan(0);
  });

  it("is copied whole while it is written", async () => {
    const file = freshPath();
    const store = await openStore(file);
    for (let at = 0; at < 500; at++) await store.set(`k${at}`, entry(`${at}`));
    const to = join(dirname(file), "backup.db");
    writeFileSync(to, "an earlier backup");
    const writing = new AbortController();
    const shares: number[] = [];
    const backup = store.file.backup(to, (share) => shares.push(share)).finally(() => writing.abort());
    for (let at = 0; !writing.signal.aborted; at++) await store.set(`later${at}`, entry());
    await backup;
    expect(shares.at(-1)).toBe(1);
    expect(statSync(to).mode & 0o777).toBe(0o600);
    expect(readdirSync(dirname(file)).filter((name) => name.endsWith(".new"))).toEqual([]);
    const copy = await openStore(to);
    expect(await copy.file.verify()).toEqual([]);
    for (let at = 0; at < 500; at++) expect(await textOf(copy, `k${at}`)).toBe(`${at}`);
  });

  it("tells how far the copy is", async () => {
    const file = freshPath();
    const store = await openStore(file);
    const value = "x".repeat(1_000_000);
    for (let at = 0; at < 150; at++) await store.set(`k${at}`, entry(value));
    const shares: number[] = [];
    await store.file.backup(join(dirname(file), "backup.db"), (share) => shares.push(share));
    expect(shares.length).toBeGreaterThan(1);
    expect(shares).toEqual(shares.toSorted((one, other) => one - other));
  });

  it("is never its own backup, and leaves nothing where the copy cannot be written", async () => {
    const file = freshPath();
    const store = await openStore(file);
    await store.set("k", entry());
    await expect(store.file.backup(file)).rejects.toThrow(`${file} is the cache file itself`);
    const folder = join(dirname(file), "folder");
    mkdirSync(folder);
    await expect(store.file.backup(folder)).rejects.toThrow("is a directory, not a file");
    await expect(store.file.backup(join(dirname(file), "none", "backup.db"))).rejects.toThrow("ENOENT");
    expect(existsSync(join(dirname(file), "none"))).toBe(false);
    expect(await textOf(store, "k")).toBe("x");
  });

  it("forbids long readings to write", async () => {
    const store = await openStore();
    await store.count();
    const connection = await Connection.open(store.file.path, { busyTimeout: 0 });
    await connection.all("PRAGMA query_only = ON");
    await expect(connection.all("DELETE FROM entries")).rejects.toThrow("readonly");
    await connection.close();
  });

  it("is replaced by a backup while it is used, and everybody goes over to it", async () => {
    const file = freshPath();
    const [one, other] = [await openStore(file), await openStore(file)];
    await one.set("k", entry("then"));
    const to = join(dirname(file), "backup.db");
    await one.file.backup(to);
    for (let at = 0; at < 100; at++) await other.set(`later${at}`, entry());
    await one.set("k", entry("now"));
    await one.file.restore(to);
    expect(await textOf(one, "k")).toBe("then");
    await vi.waitFor(async () => expect(await textOf(other, "k")).toBe("then"));
    expect(await other.count()).toEqual(new Map([["A.b", 1]]));
    expect(await one.file.verify()).toEqual([]);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readdirSync(dirname(file)).sort()).toEqual([
      "backup.db",
      "cache.db",
      "cache.db-shm",
      "cache.db-wal",
    ]);
  });

  it("is left as it is where the backup is not sound", async () => {
    const file = freshPath();
    const store = await openStore(file);
    for (let at = 0; at < 200; at++) await store.set(`k${at}`, entry("x".repeat(500)));
    const beside = (name: string): string => join(dirname(file), name);
    await store.file.backup(beside("backup.db"));
    const backup = readFileSync(beside("backup.db"));
    writeFileSync(beside("damaged.db"), Buffer.from(backup).fill(0xaa, backup.length - 8_192));
    writeFileSync(beside("text.db"), "not a database".repeat(100));
    await ask(beside("theirs.db"), "CREATE TABLE customers (name)");
    await expect(store.file.restore(beside("damaged.db"))).rejects.toThrow("damaged.db is damaged: ");
    await expect(store.file.restore(beside("text.db"))).rejects.toThrow("SQLITE_NOTADB");
    await expect(store.file.restore(beside("theirs.db"))).rejects.toThrow("it is not a cache of");
    await expect(store.file.restore(beside("none.db"))).rejects.toThrow(
      `there is no file ${beside("none.db")}`,
    );
    await expect(store.file.restore(file)).rejects.toThrow("is the cache file itself");
    expect(await store.count()).toEqual(new Map([["A.b", 200]]));
    expect(readdirSync(dirname(file)).filter((name) => /\.(new|lock)/.test(name))).toEqual([]);
  });
});
