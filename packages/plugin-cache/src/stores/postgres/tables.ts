import type { ClientBase } from "pg";
import { everything, newVersion } from "../../tags/names.js";
import { RefusedError } from "../refused-error.js";

/** Of what is in the tables. Those of earlier versions are dropped: it is a cache. */
const version = 2;

/** The tables of one cache, as they stand in statements. */
export interface Tables {
  readonly entries: string;
  readonly versions: string;
  readonly locks: string;
  readonly fences: string;
  /** Where changes are notified. */
  readonly channel: string;
}

export function tablesOf(prefix: string): Tables {
  const base = prefix === "" ? "mlmcp_cache" : `mlmcp_cache_${prefix}`;
  const quoted = (name: string): string => `"${base}_${name}"`;
  return {
    entries: quoted("entries"),
    versions: quoted("versions"),
    locks: quoted("locks"),
    fences: quoted("fences"),
    channel: `${base}_changes`,
  };
}

/**
 * Makes the tables where they are missing; a hand may have dropped some of them.
 *
 * Entries and locks are unlogged: they cost half as much, add nothing to the write-ahead log, its
 * archives and its replicas, and are lost with a crash of the server, as a cache may be. Versions
 * are logged: memory of other machines outlives a crash, and must not be taken for valid after it.
 *
 * @throws RefusedError where a newer version of this package made them
 */
export async function createTables(client: ClientBase, tables: Tables): Promise<void> {
  if (isWhole(await look(client, tables))) return;
  // Each statement sees what was there when it began, as what the lock was waited for.
  await client.query("BEGIN ISOLATION LEVEL READ COMMITTED");
  try {
    // One process at a time: CREATE … IF NOT EXISTS fails where two do it at once.
    await client.query("SELECT pg_advisory_xact_lock(hashtext($1))", [tables.entries]);
    await create(client, tables);
    await client.query("COMMIT");
  } catch (error) {
    await client.query("ROLLBACK");
    throw error;
  }
}

async function create(client: ClientBase, tables: Tables): Promise<void> {
  const { entries, versions, locks, channel } = tables;
  const found = await look(client, tables);
  if (isWhole(found)) return;
  if (found && found.version > version) {
    throw new RefusedError(
      `The tables ${entries} … are of version ${found.version}, made by a newer version of @mlmcp/plugin-cache; this one knows ${version}. Give each a cache.storePrefix of its own.`,
    );
  }
  if (found?.version !== version) {
    await client.query(`DROP TABLE IF EXISTS ${entries}, ${versions}, ${locks}`);
    await createEntries(client, entries);
  }
  await client.query(
    `CREATE TABLE IF NOT EXISTS ${versions} (name text COLLATE "C" PRIMARY KEY, version text NOT NULL)`,
  );
  await client.query(`
    CREATE UNLOGGED TABLE IF NOT EXISTS ${locks} (
      key text COLLATE "C" PRIMARY KEY,
      fence bigint NOT NULL,
      expires timestamptz NOT NULL,
      owner text NOT NULL
    )`);
  if (!found?.hasFences) await createFences(client, tables);
  // The versions of earlier tables are gone: what memory holds from their time must not seem valid
  // again. Whoever listens learns that changes were lost.
  await client.query(
    `WITH begun AS (INSERT INTO ${versions} VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING 1)
      SELECT pg_notify($3, '{}') FROM begun`,
    [everything, newVersion(), channel],
  );
}

async function createEntries(client: ClientBase, entries: string): Promise<void> {
  await client.query(`
    CREATE UNLOGGED TABLE ${entries} (
      key text COLLATE "C" PRIMARY KEY,
      operation text NOT NULL,
      expires bigint NOT NULL,
      fence bigint NOT NULL,
      value bytea NOT NULL
    )`);
  // The codec has compressed what is worth it.
  await client.query(`ALTER TABLE ${entries} ALTER COLUMN value SET STORAGE EXTERNAL`);
  await client.query(`CREATE INDEX ON ${entries} (expires)`);
  await client.query(`COMMENT ON TABLE ${entries} IS '@mlmcp/plugin-cache, version ${version}'`);
}

/** Fences go on above those that are in use: entries with greater ones would not let themselves be replaced. */
async function createFences(client: ClientBase, { entries, locks, fences }: Tables): Promise<void> {
  const { rows } = await client.query<{ next: string }>(
    `SELECT 1 + greatest((SELECT max(fence) FROM ${entries}), (SELECT max(fence) FROM ${locks}), 0) AS next`,
  );
  await client.query(`CREATE SEQUENCE IF NOT EXISTS ${fences} START WITH ${rows[0]!.next}`);
}

/** What is there of the tables. */
interface Found {
  readonly version: number;
  readonly hasVersions: boolean;
  readonly hasLocks: boolean;
  readonly hasFences: boolean;
}

function isWhole(found: Found | undefined): boolean {
  return found?.version === version && found.hasVersions && found.hasLocks && found.hasFences;
}

/**
 * `undefined` where there are no entries.
 *
 * `to_regclass` by itself answers from what the connection has noted of the catalog, which may be
 * older than a lock that was waited for: others' new tables would be dropped. Opening a table, here
 * the catalog's own, brings the notes up to date.
 */
async function look(
  client: ClientBase,
  { entries, versions, locks, fences }: Tables,
): Promise<Found | undefined> {
  const { rows } = await client.query<Omit<Found, "version"> & { readonly comment: string | null }>(
    `SELECT obj_description(oid, 'pg_class') AS comment, to_regclass($2) IS NOT NULL AS "hasVersions",
        to_regclass($3) IS NOT NULL AS "hasLocks", to_regclass($4) IS NOT NULL AS "hasFences"
      FROM pg_catalog.pg_class WHERE oid = to_regclass($1)`,
    [entries, versions, locks, fences],
  );
  const [row] = rows;
  return row && { ...row, version: Number(/version (\d+)$/.exec(row.comment ?? "")?.[1] ?? 0) };
}
