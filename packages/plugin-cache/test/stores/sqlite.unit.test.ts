import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { KeyvSqlite } from "@keyv/sqlite";
import { afterEach, describe, expect, it, vi } from "vitest";
import { openStore, sqliteFile } from "../../src/stores/open-store.js";
import { prepareFile } from "../../src/stores/sqlite-file.js";
import type { Store } from "../../src/stores/store.js";
import { temporaryDirectory } from "../temporary.js";

const opened: Store[] = [];
afterEach(async () => {
  vi.useRealTimers();
  for (const store of opened.splice(0)) await store.close();
});

const failures: unknown[] = [];
async function open(file: string): Promise<Store> {
  const store = (await openStore(`sqlite://${file}`, "/", (error) => failures.push(error)))!;
  opened.push(store);
  return store;
}

const soon = (): number => Date.now() + 60_000;
const bytes = (text: string): Buffer => Buffer.from(text);

/** What SQLite itself says about a file, asked on a connection of its own. */
async function ask(file: string, ...statements: string[]): Promise<unknown[]> {
  const connection = new KeyvSqlite({ uri: file, table: "entries", busyTimeout: 2_000 });
  const answers: unknown[] = [];
  for (const statement of statements)
    answers.push(Object.values(((await connection.query(statement)) as object[])[0] ?? {})[0]);
  await connection.close();
  return answers;
}

/** Holds the write lock, as another process would, until it is told to let go. */
async function lock(file: string): Promise<() => Promise<void>> {
  const connection = new KeyvSqlite({ uri: file, table: "entries", busyTimeout: 2_000 });
  await connection.query("BEGIN IMMEDIATE");
  return async () => {
    await connection.query("COMMIT");
    await connection.close();
  };
}

describe("the SQLite store", () => {
  it("makes its directory and a file that only its owner can read, born with every pragma", async () => {
    const file = join(temporaryDirectory(), "deep", "er", "cache.db");
    const store = await open(file);
    await store.set("k", { operation: "A.b", bytes: bytes("v"), expires: soon() });
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(statSync(`${file}-wal`).mode & 0o777).toBe(0o600);
    expect(await ask(file, "PRAGMA journal_mode", "PRAGMA auto_vacuum", "PRAGMA user_version")).toEqual([
      "wal",
      2,
      1,
    ]);
  });

  it("keeps bytes, operation and expiry, and replaces and deletes them", async () => {
    const store = await open(join(temporaryDirectory(), "cache.db"));
    const expires = soon();
    const all = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
    await store.set("k", { operation: "A.b", bytes: all, expires });
    expect(await store.get("k")).toEqual({
      operation: "A.b",
      bytes: all,
      expires: expect.closeTo(expires, -2) as number,
    });
    await store.set("k", { operation: "A.c", bytes: bytes("new"), expires });
    expect((await store.get("k"))?.bytes).toEqual(bytes("new"));
    expect(await store.delete("k")).toBe(true);
    expect(await store.delete("k")).toBe(false);
    expect(await store.get("k")).toBeUndefined();
  });

  it("counts what is alive by operation, and clears", async () => {
    const store = await open(join(temporaryDirectory(), "cache.db"));
    for (const key of ["a", "b", "c"])
      await store.set(key, { operation: key === "c" ? "X.y" : "A.b", bytes: bytes(key), expires: soon() });
    expect(await store.count()).toEqual(
      new Map([
        ["A.b", 2],
        ["X.y", 1],
      ]),
    );
    await store.clear();
    expect(await store.count()).toEqual(new Map());
  });

  it("finds after a restart what was acknowledged", async () => {
    const file = join(temporaryDirectory(), "cache.db");
    const first = await open(file);
    await first.set("k", { operation: "A.b", bytes: bytes("kept"), expires: soon() });
    await opened.pop()!.close();
    expect(existsSync(`${file}-wal`)).toBe(false);
    expect((await (await open(file)).get("k"))?.bytes).toEqual(bytes("kept"));
  });

  it("writes what it has accepted before it closes", async () => {
    const file = join(temporaryDirectory(), "cache.db");
    const first = await open(file);
    const writes = Array.from({ length: 50 }, (_, at) =>
      first.set(`k${at}`, { operation: "A.b", bytes: bytes(`${at}`), expires: soon() }),
    );
    await Promise.all([opened.pop()!.close(), ...writes]);
    expect(await (await open(file)).count()).toEqual(new Map([["A.b", 50]]));
    await expect(first.set("late", { operation: "A.b", bytes: bytes("x"), expires: soon() })).rejects.toThrow(
      "the connection is closed",
    );
  });

  it("never gives what has expired, and sweeps it at the start and every minute", async () => {
    const file = join(temporaryDirectory(), "cache.db");
    const first = await open(file);
    for (let at = 0; at < 900; at++)
      void first.set(`k${at}`, { operation: "A.b", bytes: bytes("x"), expires: Date.now() + 60_000 });
    await first.set("long", { operation: "A.b", bytes: bytes("x"), expires: Date.now() + 600_000 });
    vi.useFakeTimers({ now: Date.now() + 61_000, toFake: ["Date", "setInterval", "clearInterval"] });
    expect(await first.get("k0")).toBeUndefined();
    expect((await ask(file, "SELECT count(*) FROM entries"))[0]).toBe(901);
    const second = await open(file);
    await vi.waitFor(async () => expect((await ask(file, "SELECT count(*) FROM entries"))[0]).toBe(1));
    expect(await second.get("long")).toBeDefined();
    vi.advanceTimersByTime(600_000);
    await vi.waitFor(async () => expect((await ask(file, "SELECT count(*) FROM entries"))[0]).toBe(0));
    expect(failures).toEqual([]);
  });

  it("is made once where many open a new file at the same time", async () => {
    const directory = temporaryDirectory();
    for (let round = 0; round < 10; round++) {
      const file = join(directory, `${round}.db`);
      const stores = await Promise.all(Array.from({ length: 8 }, () => open(file)));
      await Promise.all(
        stores.map((store, at) =>
          store.set(`k${at}`, { operation: "A.b", bytes: bytes("x"), expires: soon() }),
        ),
      );
      expect(await stores[0]!.count()).toEqual(new Map([["A.b", 8]]));
      expect(await ask(file, "PRAGMA journal_mode")).toEqual(["wal"]);
      for (const store of opened.splice(0)) await store.close();
    }
    expect(readdirSync(directory).sort()).toEqual(
      Array.from({ length: 10 }, (_, round) => `${round}.db`).sort(),
    );
  }, 30_000);

  it("waits for another's lock without holding up reads or opens, and then writes everything", async () => {
    const file = join(temporaryDirectory(), "cache.db");
    const store = await open(file);
    await store.set("before", { operation: "A.b", bytes: bytes("old"), expires: soon() });
    const release = await lock(file);
    const trace: string[] = [];
    const writes = Array.from({ length: 8 }, (_, at) =>
      store
        .set(`k${at}`, { operation: "A.b", bytes: bytes(`${at}`), expires: soon() })
        .then(() => trace.push(`set ${at}`)),
    );
    expect((await store.get("before"))?.bytes).toEqual(bytes("old"));
    trace.push("got");
    const other = await open(file);
    expect((await other.get("before"))?.bytes).toEqual(bytes("old"));
    trace.push("opened");
    await release();
    await Promise.all(writes);
    expect(trace).toEqual(["got", "opened", ...Array.from({ length: 8 }, (_, at) => `set ${at}`)]);
    for (let at = 0; at < 8; at++) expect((await other.get(`k${at}`))?.bytes).toEqual(bytes(`${at}`));
  });

  it("says of each write that a lock kept out when it closes", async () => {
    const file = join(temporaryDirectory(), "cache.db");
    const store = await open(file);
    const release = await lock(file);
    const writes = Promise.allSettled(
      Array.from({ length: 3 }, (_, at) =>
        store.set(`k${at}`, { operation: "A.b", bytes: bytes("x"), expires: soon() }),
      ),
    );
    await opened.pop()!.close();
    for (const result of await writes)
      expect(result).toMatchObject({ status: "rejected", reason: { code: "SQLITE_BUSY" } });
    await release();
    expect(await (await open(file)).count()).toEqual(new Map());
    failures.length = 0;
  });

  it("refuses writes beyond those that may wait", async () => {
    const file = join(temporaryDirectory(), "cache.db");
    const store = await open(file);
    const release = await lock(file);
    const writes = Array.from({ length: 1_010 }, (_, at) =>
      store.set(`k${at}`, { operation: "A.b", bytes: bytes("x"), expires: soon() }),
    );
    const results = Promise.allSettled(writes);
    await expect(writes.at(-1)).rejects.toThrow("1000 statements wait for the file already");
    await release();
    const kept = (await results).filter(({ status }) => status === "fulfilled").length;
    expect(await store.count()).toEqual(new Map([["A.b", kept]]));
  });

  it("leaves another program's database alone", async () => {
    const file = join(temporaryDirectory(), "customers.db");
    const theirs = new KeyvSqlite({ uri: file, table: "customers" });
    await theirs.set("k", "v");
    await theirs.close();
    const before = readFileSync(file);
    await expect(open(file)).rejects.toThrow("the file is not a cache of @mlmcp/plugin-cache");
    expect(readFileSync(file)).toEqual(before);
  });

  it("refuses what is no database, a cache of another version, a damaged one and a directory", async () => {
    const directory = temporaryDirectory();
    const text = join(directory, "notes.txt");
    writeFileSync(text, "hello");
    await expect(open(text)).rejects.toThrow("not a cache");
    expect(readFileSync(text, "utf8")).toBe("hello");
    const newer = join(directory, "newer.db");
    await prepareFile(newer);
    await ask(newer, "PRAGMA user_version = 9");
    await expect(open(newer)).rejects.toThrow(
      "the file has schema version 9, this version of @mlmcp/plugin-cache reads 1",
    );
    const damaged = join(directory, "damaged.db");
    await prepareFile(damaged);
    writeFileSync(
      damaged,
      Buffer.concat([readFileSync(damaged).subarray(0, 100), Buffer.alloc(8_000, 0xaa)]),
    );
    await expect(open(damaged)).rejects.toThrow(/SQLITE_(CORRUPT|NOTADB)/);
    mkdirSync(join(directory, "folder.db"));
    await expect(open(join(directory, "folder.db"))).rejects.toThrow("EISDIR");
    expect(readdirSync(directory).filter((name) => name.endsWith(".new"))).toEqual([]);
  });

  it.skipIf(process.getuid?.() === 0)("refuses a file that it may not read", async () => {
    const file = join(temporaryDirectory(), "cache.db");
    await prepareFile(file);
    chmodSync(file, 0);
    await expect(open(file)).rejects.toThrow("EACCES");
  });

  it("reads relative paths from the directory that it is given", () => {
    expect(sqliteFile("sqlite://.mlmcp/cache.db", "/srv/app")).toBe("/srv/app/.mlmcp/cache.db");
    expect(sqliteFile("sqlite:///var/cache.db", "/srv/app")).toBe("/var/cache.db");
    expect(sqliteFile("memory:", "/srv/app")).toBeUndefined();
  });
});
