import { writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { classifyError, ErrorHandler, type Classified } from "@mlmcp/core";
import { afterEach, describe, expect, it } from "vitest";
import { temporaryDirectory } from "../temporary.js";

/** The driver that the store comes with. */
interface Database {
  exec(sql: string, done: (error: Error | null) => void): void;
  close(done: () => void): void;
}
interface Driver {
  readonly OPEN_READONLY: number;
  readonly OPEN_READWRITE: number;
  readonly OPEN_CREATE: number;
  readonly Database: new (file: string, mode: number, done: (error: Error | null) => void) => Database;
}
const require = createRequire(import.meta.url);
const sqlite = createRequire(require.resolve("@keyv/sqlite"))("sqlite3") as Driver;
const handler = new ErrorHandler();
const opened: Database[] = [];

afterEach(() => Promise.all(opened.splice(0).map((each) => new Promise<void>((done) => each.close(done)))));

function open(file: string, mode = sqlite.OPEN_READWRITE | sqlite.OPEN_CREATE): Promise<Database> {
  return new Promise((resolve, reject) => {
    const database: Database = new sqlite.Database(file, mode, (error) => {
      if (error) return reject(error);
      opened.push(database);
      resolve(database);
    });
  });
}

const run = (database: Database, sql: string): Promise<void> =>
  new Promise((resolve, reject) => database.exec(sql, (error) => (error ? reject(error) : resolve())));

const create = "create table t (x); insert into t values (zeroblob(10000));";

/** Each on a file of its own, which is not there yet. */
const faults: Array<[code: string, provoke: (file: string) => Promise<unknown>, Classified, RegExp]> = [
  [
    "SQLITE_BUSY",
    async (file) => {
      const [first, second] = [await open(file), await open(file)];
      await run(first, "create table t (x); begin exclusive;");
      return run(second, "insert into t values (1);");
    },
    "transient",
    /another connection holds the lock/,
  ],
  [
    "SQLITE_FULL",
    async (file) => run(await open(file), `pragma max_page_count = 2; ${create}`),
    "resource",
    /Free space/,
  ],
  [
    "SQLITE_READONLY",
    async (file) => {
      await run(await open(file), create);
      return run(await open(file, sqlite.OPEN_READONLY), "delete from t;");
    },
    "permanent",
    /Give the user/,
  ],
  [
    "SQLITE_CANTOPEN",
    (file) => open(join(file, "nowhere", "cache.db")),
    "permanent",
    /directory of the database exists/,
  ],
  [
    "SQLITE_NOTADB",
    async (file) => {
      writeFileSync(file, "x".repeat(4096));
      return run(await open(file), "select * from t;");
    },
    "permanent",
    /is no SQLite database/,
  ],
  [
    "SQLITE_CORRUPT",
    async (file) =>
      run(
        await open(file),
        `${create} pragma writable_schema = on; update sqlite_master set sql = 'create'; pragma writable_schema = reset;
         select * from t;`,
      ),
    "permanent",
    /Restore the database/,
  ],
];

describe("a fault of SQLite", () => {
  it.each(faults)("%s has its class and its suggestions", async (code, provoke, expected, suggestion) => {
    const error = await provoke(join(temporaryDirectory(), "cache.db")).then(
      () => expect.fail("it did not fail"),
      (thrown: unknown) => thrown,
    );
    expect(error).toMatchObject({ code });
    expect(classifyError(error)).toBe(expected);
    expect(handler.getRecoverySuggestions(error)[0]).toMatch(suggestion);
  });
});
