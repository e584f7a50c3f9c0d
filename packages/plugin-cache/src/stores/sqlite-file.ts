import { randomUUID } from "node:crypto";
import { link, mkdir, open, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { KeyvSqlite } from "@keyv/sqlite";

/** The table's name, in the file and for `@keyv/sqlite`, which finds it there and makes none of its own. */
export const table = "entries";

/** Marks our files in SQLite's header: "mlmc". */
const applicationId = 0x6d6c_6d63;
const schemaVersion = 1;

const birth = [
  `DROP TABLE ${table}`,
  // The value stands last, so that the other columns are read without it.
  `CREATE TABLE ${table} (key TEXT PRIMARY KEY, operation TEXT NOT NULL, expires INTEGER NOT NULL, value BLOB NOT NULL)`,
  `CREATE INDEX ${table}_by_expiry ON ${table} (expires, operation)`,
  `PRAGMA application_id = ${applicationId}`,
  `PRAGMA user_version = ${schemaVersion}`,
  // Only a vacuum can change it once a table is there, and none works in WAL mode.
  "PRAGMA auto_vacuum = INCREMENTAL",
  "VACUUM",
  "PRAGMA journal_mode = WAL",
];

/**
 * Makes sure that a cache file of ours stands at the path. A new one is finished aside, readable
 * by its owner alone, and linked into place at once: whoever else opens it at the same time finds
 * it whole, and the pragmas do not depend on who comes first.
 *
 * @throws Error where the path cannot be used, with the reason.
 */
export async function prepareFile(file: string): Promise<void> {
  if (await isOurs(file)) return;
  await mkdir(dirname(file), { recursive: true });
  const aside = `${file}.${randomUUID()}.new`;
  try {
    await (await open(aside, "wx", 0o600)).close();
    await build(aside);
    await link(aside, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    await isOurs(file);
  } finally {
    await rm(aside, { force: true });
  }
}

async function build(file: string): Promise<void> {
  const adapter = new KeyvSqlite({ uri: file, table });
  adapter.on("error", () => undefined);
  try {
    for (const statement of birth) await adapter.query(statement);
  } finally {
    await adapter.close().catch(() => undefined);
  }
}

/** Read from the header and not by SQLite: connecting `@keyv/sqlite` to another program's file would make a table in it. */
async function isOurs(file: string): Promise<boolean> {
  let header: Buffer;
  try {
    const handle = await open(file, "r");
    try {
      header = (await handle.read(Buffer.alloc(100), 0, 100, 0)).buffer;
    } finally {
      await handle.close();
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw error;
  }
  if (header.toString("latin1", 0, 16) !== "SQLite format 3\0" || header.readUInt32BE(68) !== applicationId) {
    throw new Error("the file is not a cache of @mlmcp/plugin-cache");
  }
  const version = header.readUInt32BE(60);
  if (version !== schemaVersion) {
    throw new Error(
      `the file has schema version ${version}, this version of @mlmcp/plugin-cache reads ${schemaVersion}`,
    );
  }
  return true;
}
