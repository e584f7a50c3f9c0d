import { randomUUID } from "node:crypto";
import type { Connection } from "./connection.js";
import { ForeignFileError } from "./errors.js";

/** Marks our files in SQLite's header: "mlmc". */
export const applicationId = 0x6d6c_6d63;
export const schemaVersion = 3;

/**
 * `space` keeps several caches on one file apart. Ids of `locks` are their fences and never used
 * twice. Those of `changes` are the order in which others read them; the greatest always stays, so
 * that they grow without a counter, which would be another page to write with every change.
 */
const tables = {
  // The value stands last, so that the other columns are read without it.
  entries: `CREATE TABLE entries (space TEXT NOT NULL, key TEXT NOT NULL, operation TEXT NOT NULL,
    expires INTEGER NOT NULL, fence INTEGER NOT NULL DEFAULT 0, value BLOB NOT NULL, PRIMARY KEY (space, key))`,
  versions: `CREATE TABLE versions (space TEXT NOT NULL, name TEXT NOT NULL, version TEXT NOT NULL,
    PRIMARY KEY (space, name)) WITHOUT ROWID`,
  locks: `CREATE TABLE locks (fence INTEGER PRIMARY KEY AUTOINCREMENT, space TEXT NOT NULL, key TEXT NOT NULL,
    expires INTEGER NOT NULL, UNIQUE (space, key))`,
  changes: `CREATE TABLE changes (id INTEGER PRIMARY KEY, space TEXT NOT NULL, origin TEXT NOT NULL,
    name TEXT NOT NULL, version TEXT)`,
  // One row: what no other file has.
  file: "CREATE TABLE file (born TEXT NOT NULL)",
} as const;

/** Makes tables and what stands in them. */
function birth(): string {
  return script(
    ...Object.values(tables),
    // Covers the sweep, the choice of what goes first, and the count by operation.
    "CREATE INDEX entries_by_expiry ON entries (expires, space, operation)",
    // Fences of a file that was rebuilt are greater than those given out before.
    `INSERT INTO sqlite_sequence (name, seq) VALUES ('locks', ${Date.now() * 1_000})`,
    `INSERT INTO file VALUES ('${randomUUID()}')`,
    `PRAGMA user_version = ${schemaVersion}`,
  );
}

function script(...statements: readonly string[]): string {
  return statements.join(";\n");
}

/** Makes a cache of an empty file that nobody else has: where it fails, the file is of no use. */
export async function createSchema(connection: Connection): Promise<void> {
  await connection.run(
    script(
      // The file is given to the disk once it is whole.
      "PRAGMA synchronous = OFF",
      "PRAGMA journal_mode = MEMORY",
      "PRAGMA auto_vacuum = INCREMENTAL",
      `PRAGMA application_id = ${applicationId}`,
      "BEGIN",
      birth(),
      "COMMIT",
      "PRAGMA journal_mode = WAL",
    ),
  );
}

/**
 * Makes sure that a file is a cache of this version. Entries of version 1 are dropped: nothing
 * can read their values any longer. Of version 2 the changes are, which others take for missed.
 *
 * @throws ForeignFileError
 * @throws Error for a file of a later version, which stays as it is
 */
export async function checkSchema(connection: Connection): Promise<void> {
  const [marks] = await connection.all(
    "SELECT application_id, user_version FROM pragma_application_id, pragma_user_version",
  );
  if (marks!["application_id"] !== applicationId) throw new ForeignFileError();
  const found = marks!["user_version"] as number;
  if (found > schemaVersion) {
    throw new Error(
      `the file has schema version ${found}, this version of @mlmcp/plugin-cache reads up to ${schemaVersion}: ` +
        "update the package, or give it a file of its own",
    );
  }
  if (found < schemaVersion) await migrate(connection);
  await connection.run(`SELECT * FROM ${Object.keys(tables).join(", ")} LIMIT 0`);
}

async function migrate(connection: Connection): Promise<void> {
  await inTransaction(connection, async () => {
    // Another process may have been faster.
    const found = await connection.value("PRAGMA user_version");
    if (found === schemaVersion) return;
    await connection.run(
      found === 1
        ? script("DROP TABLE entries", birth())
        : script("DROP TABLE changes", tables.changes, `PRAGMA user_version = ${schemaVersion}`),
    );
  });
}

/** Does all of some work or nothing. */
export async function inTransaction(connection: Connection, work: () => Promise<void>): Promise<void> {
  await connection.all("BEGIN IMMEDIATE");
  try {
    await work();
    await connection.all("COMMIT");
  } catch (error) {
    await connection.all("ROLLBACK").catch(() => undefined);
    throw error;
  }
}
