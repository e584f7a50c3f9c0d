import { execFileSync } from "node:child_process";
import { once } from "node:events";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { basename, dirname, join } from "node:path";
import { KeyvSqlite } from "@keyv/sqlite";
import { beforeEach, describe, expect, it, onTestFinished, vi, type MockInstance } from "vitest";
import { Connection } from "../../../src/stores/sqlite/connection.js";
import { identityOf } from "../../../src/stores/sqlite/identity.js";
import { setAside } from "../../../src/stores/sqlite/set-aside.js";
import { ask, entry, freshPath, openStore, spyOnWarnings, textOf } from "./opening.js";

let warnings: MockInstance<typeof process.emitWarning>;
beforeEach(() => void (warnings = spyOnWarnings()));

const warned = (): string[] => warnings.mock.calls.map(([message]) => String(message));

function setAsideBeside(file: string): string[] {
  return readdirSync(dirname(file)).filter((name) => name.startsWith(`${basename(file)}.corrupt-`));
}

/** A closed file with some pages of entries. */
async function filled(): Promise<string> {
  const file = freshPath();
  const store = await openStore(file);
  for (let at = 0; at < 200; at++) void store.set(`k${at}`, entry("x".repeat(500)));
  await store.close();
  return file;
}

describe("a file that cannot be used", () => {
  it("is set aside with a warning where it is no database, and rebuilt", async () => {
    const file = freshPath();
    writeFileSync(file, "hello".repeat(500));
    const store = await openStore(file);
    await store.set("k", entry("new"));
    expect(await textOf(store, "k")).toBe("new");
    const [aside, ...others] = setAsideBeside(file);
    expect(others).toEqual([]);
    expect(readFileSync(join(dirname(file), aside!), "utf8")).toBe("hello".repeat(500));
    expect(warned()).toEqual([
      `The cache file ${file} cannot be used (SQLITE_NOTADB: file is not a database). ` +
        `It now is ${join(dirname(file), aside!)}, and an empty one takes its place.`,
    ]);
    expect(warnings.mock.calls[0]?.[1]).toEqual({ code: "MLMCP_CACHE_STORE" });
    expect(readdirSync(dirname(file)).filter((name) => /\.(new|lock)/.test(name))).toEqual([]);
  });

  it("stays as it is where it is another program's database, and the error says whose it seems to be", async () => {
    const file = freshPath();
    const theirs = new KeyvSqlite({ uri: file, table: "customers" });
    await theirs.set("k", "v");
    await theirs.close();
    const before = readFileSync(file);
    await expect(openStore(file)).rejects.toMatchObject({
      message: `${file} is a database of another program, with the table customers`,
      mend: expect.stringContaining("a file of its own"),
    });
    expect(readFileSync(file)).toEqual(before);
    expect(readdirSync(dirname(file))).toEqual([basename(file)]);
    expect(warned()).toEqual([]);
  });

  it("stays as it is with what SQLite keeps beside it where it is another program's", async () => {
    const file = freshPath();
    const theirs = await Connection.open(file, { busyTimeout: 0, create: true });
    await theirs.all("PRAGMA journal_mode = WAL");
    await theirs.all("CREATE TABLE customers (name)");
    // As after a crash: a log that was not written back.
    for (const suffix of ["", "-wal", "-shm"]) copyFileSync(file + suffix, `${file}.copy${suffix}`);
    await theirs.close();
    for (const suffix of ["", "-wal", "-shm"]) renameSync(`${file}.copy${suffix}`, file + suffix);
    await expect(openStore(file)).rejects.toThrow("a database of another program");
    expect(setAsideBeside(file)).toEqual([]);
    expect(await ask(file, "SELECT count(*) FROM sqlite_master WHERE name = 'customers'")).toEqual([1]);
  });

  it("takes with it what SQLite keeps beside it", async () => {
    const file = await filled();
    const store = await openStore(file);
    await store.set("k", entry());
    for (const suffix of ["", "-wal", "-shm"]) copyFileSync(file + suffix, `${file}.copy${suffix}`);
    await store.close();
    for (const suffix of ["", "-wal", "-shm"]) renameSync(`${file}.copy${suffix}`, file + suffix);
    await setAside(file, (await identityOf(file))!, "a test");
    expect(readdirSync(dirname(file)).filter((name) => /^cache\.db(-|$)/.test(name))).toEqual([]);
    expect(setAsideBeside(file)).not.toEqual([]);
    expect(await (await openStore(file)).file.verify()).toEqual([]);
  });

  it("is replaced where it is a database that holds nothing", async () => {
    const file = freshPath();
    await ask(file, "PRAGMA user_version = 7");
    await (await openStore(file)).set("k", entry());
    expect(setAsideBeside(file)).toHaveLength(1);
  });

  it("is kept of those that were set aside among the newest three", async () => {
    const file = freshPath();
    writeFileSync(`${file}.corrupt-notes`, "somebody's");
    for (let at = 0; at < 6; at++) {
      writeFileSync(file, `${at}: no database`.repeat(100));
      if (at === 0) writeFileSync(`${file}-journal`, "its journal");
      await setAside(file, (await identityOf(file))!, "a test");
    }
    const kept = setAsideBeside(file).filter((name) => !name.endsWith("notes"));
    const numbers = kept.map((name) => readFileSync(join(dirname(file), name), "utf8")[0]);
    expect(numbers.sort()).toEqual(["3", "4", "5"]);
    expect(existsSync(`${file}.corrupt-notes`)).toBe(true);
  });

  it("is set aside where its pages are damaged, and others are not waited for", async () => {
    const file = await filled();
    const content = readFileSync(file);
    writeFileSync(file, content.fill(0xaa, 100));
    const store = await openStore(file);
    await store.set("k", entry());
    expect(setAsideBeside(file)).toHaveLength(1);
    expect(await store.count()).toEqual(new Map([["A.b", 1]]));
  });

  it("is left as it is where a later version of the package made it", async () => {
    const file = await filled();
    await ask(file, "PRAGMA user_version = 9");
    const before = readFileSync(file);
    await expect(openStore(file)).rejects.toThrow(
      "the file has schema version 9, this version of @mlmcp/plugin-cache reads up to 3: update the package",
    );
    expect(readFileSync(file)).toEqual(before);
    expect(warned()).toEqual([]);
  });

  it("keeps its entries where the version before this one made it", async () => {
    const file = await filled();
    await ask(
      file,
      "DROP TABLE changes",
      "CREATE TABLE changes (id INTEGER PRIMARY KEY AUTOINCREMENT, space TEXT NOT NULL, origin TEXT NOT NULL, at INTEGER NOT NULL, name TEXT NOT NULL, version TEXT)",
      "CREATE INDEX changes_by_age ON changes (at)",
      "INSERT INTO changes (space, origin, at, name) VALUES ('', 'x', 0, 'old')",
      "PRAGMA user_version = 2",
    );
    const [before] = (await ask(file, "SELECT count(*) FROM entries")) as [number];
    const stores = await Promise.all(Array.from({ length: 4 }, () => openStore(file)));
    await stores[0]!.set("new", entry());
    expect(await ask(file, "SELECT count(*) FROM entries")).toEqual([before + 1]);
    expect(await ask(file, "SELECT name FROM changes")).toEqual(["new"]);
    expect(await stores[0]!.file.verify()).toEqual([]);
    expect(warned()).toEqual([]);
  });

  it("loses its entries and nothing else where an earlier version made it", async () => {
    const file = freshPath();
    const old = await Connection.open(file, { busyTimeout: 0, create: true });
    for (const sql of [
      "CREATE TABLE entries (key TEXT PRIMARY KEY, operation TEXT NOT NULL, expires INTEGER NOT NULL, value BLOB NOT NULL)",
      "CREATE INDEX entries_by_expiry ON entries (expires, operation)",
      "INSERT INTO entries VALUES ('k', 'A.b', 9e12, x'00')",
      "PRAGMA application_id = 1835822435",
      "PRAGMA user_version = 1",
      "PRAGMA auto_vacuum = INCREMENTAL",
      "VACUUM",
      "PRAGMA journal_mode = WAL",
    ])
      await old.all(sql);
    await old.close();
    const stores = await Promise.all(Array.from({ length: 4 }, () => openStore(file)));
    for (const store of stores) expect(await store.count()).toEqual(new Map());
    await stores[0]!.set("k", entry("new"));
    expect(await textOf(stores[3]!, "k")).toBe("new");
    expect(await stores[0]!.file.verify()).toEqual([]);
    expect(warned()).toEqual([]);
  });

  it("is set aside once where several find it damaged, and the new one stays", async () => {
    const file = freshPath();
    writeFileSync(file, "not a database at all, but long enough to be read as one".repeat(20));
    const stores = await Promise.all(Array.from({ length: 8 }, () => openStore(file)));
    await Promise.all(stores.map((store, at) => store.set(`k${at}`, entry())));
    for (const store of stores) expect(await store.count()).toEqual(new Map([["A.b", 8]]));
    expect(setAsideBeside(file)).toHaveLength(1);
  });

  it("is not set aside by who found an earlier one damaged", async () => {
    const file = await filled();
    const damaged = (await identityOf(file))!;
    await setAside(file, damaged, "a test");
    const store = await openStore(file);
    await store.set("k", entry("new"));
    await setAside(file, damaged, "a test that comes late");
    expect(setAsideBeside(file)).toHaveLength(1);
    expect(await textOf(store, "k")).toBe("new");
  });

  it("is never served the log of a file that is gone", async () => {
    const file = await filled();
    const store = await openStore(file);
    for (let at = 0; at < 50; at++) await store.set(`k${at}`, entry("in the log"));
    copyFileSync(`${file}-wal`, `${file}.kept`);
    await store.close();
    rmSync(file);
    renameSync(`${file}.kept`, `${file}-wal`);
    const next = await openStore(file);
    expect(await next.count()).toEqual(new Map());
    expect(await next.file.verify()).toEqual([]);
  });
});

describe("a path where no file stands", () => {
  it("is left alone: a device, a pipe, a socket, a directory", async () => {
    const [pipe, socket, folder] = [freshPath(), freshPath(), freshPath()];
    execFileSync("mkfifo", [pipe]);
    mkdirSync(folder);
    const server = createServer().listen(socket);
    onTestFinished(() => void server.close());
    await once(server, "listening");
    for (const [path, what] of [
      ["/dev/null", "a device"],
      [pipe, "a pipe"],
      [socket, "a socket"],
      [folder, "a directory"],
    ] as const) {
      await expect(openStore(path)).rejects.toMatchObject({
        message: `${path} is ${what}, not a file`,
        mend: expect.stringContaining("a file of its own"),
      });
      expect(existsSync(path)).toBe(true);
      expect(setAsideBeside(path)).toEqual([]);
    }
    expect(warned()).toEqual([]);
  });
});

describe("a file that is damaged while it is used", () => {
  it("is left as it is where another program's database has taken its place", async () => {
    const file = await filled();
    const store = await openStore(file);
    const other = freshPath();
    await ask(other, "CREATE TABLE customers (name)", "INSERT INTO customers VALUES ('x')");
    const theirs = readFileSync(other);
    for (const suffix of ["-wal", "-shm"]) rmSync(file + suffix, { force: true });
    renameSync(other, file);
    await vi.waitFor(() => expect(store.get("k1")).rejects.toThrow("another program"));
    await expect(store.set("k", entry())).rejects.toThrow("another program");
    await expect(store.ping()).rejects.toThrow("another program");
    expect(setAsideBeside(file)).toEqual([]);
    expect(readFileSync(file)).toEqual(theirs);
  });

  it("is set aside, rebuilt and used in the same call", async () => {
    const file = await filled();
    const failures: unknown[] = [];
    const store = await openStore(file, { onError: (error) => failures.push(error) });
    // Its pages from the second one on; what is in the first was read already.
    const damage = readFileSync(file).fill(0xaa, 4096);
    writeFileSync(file, damage);
    expect(await textOf(store, "k7")).toBeUndefined();
    await store.set("k7", entry("again"));
    expect(await textOf(store, "k7")).toBe("again");
    expect(setAsideBeside(file).filter((name) => !/-(wal|shm)$/.test(name))).toHaveLength(1);
    expect(failures).toEqual([expect.objectContaining({ code: "SQLITE_CORRUPT" })]);
    expect(warned()).toEqual([expect.stringContaining("SQLITE_CORRUPT")]);
    expect(await store.file.verify()).toEqual([]);
  });

  it("is rebuilt where it was emptied", async () => {
    const file = await filled();
    const store = await openStore(file);
    truncateSync(file, 0);
    await store.set("k", entry("new"));
    expect(await textOf(store, "k")).toBe("new");
    expect(await (await openStore(file)).count()).toEqual(new Map([["A.b", 1]]));
  });

  it("is made anew within two seconds where it was removed, and others use the same", async () => {
    const file = await filled();
    const [one, other] = [await openStore(file), await openStore(file)];
    const missed = vi.fn();
    await other.changes.subscribe({ changed: vi.fn(), missed });
    const [before] = await one.versions(["*"]);
    for (const suffix of ["", "-wal", "-shm"]) rmSync(file + suffix, { force: true });
    await vi.waitFor(async () => {
      expect(existsSync(file)).toBe(true);
      await one.set("k", entry("new"));
      expect(await textOf(other, "k")).toBe("new");
      expect(missed).toHaveBeenCalled();
    });
    // What memory holds from the time of the lost versions is outdated.
    expect(await one.versions(["*"])).not.toEqual([before]);
    expect(await other.versions(["*"])).toEqual(await one.versions(["*"]));
    expect(warned()).toEqual([]);
  });
});
