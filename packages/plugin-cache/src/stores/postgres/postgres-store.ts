import { everything, newVersion } from "../../tags/names.js";
import type { Location } from "../location.js";
import { maxVersions } from "../max-versions.js";
import { RefusedError } from "../refused-error.js";
import type { EntryInfo, Store, StoredEntry } from "../store.js";
import { within } from "../time-limit.js";
import { Database } from "./database.js";
import { loadLibrary, toStoreError, type Library } from "./library.js";
import { PostgresChanges } from "./postgres-changes.js";
import { PostgresLocks } from "./postgres-locks.js";
import { tablesOf, type Tables } from "./tables.js";

export interface PostgresOptions {
  /** Keeps several caches in one database apart. @default "" */
  readonly prefix?: string | undefined;
  /** Told of failures that no caller waits for. @default nobody is */
  readonly onError?: ((error: unknown) => void) | undefined;
}

interface EntryRow {
  readonly key: string;
  readonly operation: string;
  /** A `bigint`, which comes as a text. */
  readonly expires: string;
  readonly fence: string;
  readonly value: Buffer;
}

type InfoRow = Pick<EntryRow, "key" | "operation" | "expires"> & { readonly bytes: number };

const sweepEveryMs = 60_000;
/** Rows that one statement deletes: more would hold their locks for long. */
const slice = 1_000;
const page = 500;
/** How long the first connection is waited for; then it is made when it is needed. */
const openMs = 1_000;

/**
 * Tables of a Postgres that several machines share, in the first schema of the search path. Not by
 * `@keyv/postgres`, whose rows are texts that never expire, on one pool for the whole process.
 */
export class PostgresStore implements Store {
  readonly name: string;
  readonly locks: PostgresLocks;
  readonly changes: PostgresChanges;
  readonly #database: Database;
  readonly #tables: Tables;
  readonly #sweeping: NodeJS.Timeout;
  #sweep: Promise<unknown> | undefined;

  private constructor(library: Library, location: Location, { prefix = "", onError }: PostgresOptions) {
    const report = onError ?? (() => undefined);
    this.name = location.name;
    this.#tables = tablesOf(prefix);
    const database = new Database(library, location, this.#tables, report);
    this.#database = database;
    this.locks = new PostgresLocks(database, this.#tables, (key) => this.get(key));
    const { channel } = this.#tables;
    this.changes = new PostgresChanges({
      library,
      location,
      channel,
      notify: async (to) => void (await database.query("SELECT pg_notify($1, '')", [to])),
      onError: report,
    });
    this.#sweeping = setInterval(() => {
      // That it fails is seen by those who use it; what was not deleted is deleted next time.
      this.#sweep ??= this.deleteExpired()
        .catch(() => undefined)
        .finally(() => (this.#sweep = undefined));
    }, sweepEveryMs).unref();
  }

  /**
   * Connects, and makes the tables where they are missing. A server that does not answer is told
   * to `onError`, and connected to as soon as it does.
   *
   * @throws MissingPackageError
   * @throws RefusedError where the server lets nobody in with these credentials, or no tables be made
   */
  static async open(location: Location, options: PostgresOptions = {}): Promise<PostgresStore> {
    const store = new PostgresStore(await loadLibrary(), location, options);
    try {
      await within(openMs, store.#database.ready());
    } catch (cause) {
      const error = toStoreError(cause, location.name);
      if (error instanceof RefusedError) {
        await store.close();
        throw error;
      }
      options.onError?.(error);
    }
    return store;
  }

  async get(key: string): Promise<StoredEntry | undefined> {
    const [row] = await this.#read("key = $1", key);
    return row && toEntry(row);
  }

  async getMany(keys: readonly string[]): Promise<readonly (StoredEntry | undefined)[]> {
    if (keys.length === 0) return [];
    const rows = new Map((await this.#read("key = ANY($1)", keys)).map((row) => [row.key, toEntry(row)]));
    return keys.map((key) => rows.get(key));
  }

  async set(key: string, { operation, bytes, expires, fence }: StoredEntry): Promise<void> {
    const { entries, locks, channel } = this.#tables;
    // Whichever comes first at the row of the lock, the other waits for: an entry whose lock is about
    // to be ended is there by then, and is replaced.
    const [lock, isFirst] =
      fence === undefined
        ? [`DELETE FROM ${locks} WHERE key = $1 RETURNING 1`, "count(*) >= 0"]
        : [`DELETE FROM ${locks} WHERE key = $1 AND fence = $4 RETURNING 1`, "count(*) > 0"];
    const insert = `INSERT INTO ${entries} AS old (key, operation, expires, fence, value)
      SELECT $1, $2, $3::bigint, $4::bigint, $5::bytea WHERE (SELECT ${isFirst} FROM lock)
      ON CONFLICT (key) DO UPDATE SET operation = excluded.operation, expires = excluded.expires,
        fence = excluded.fence, value = excluded.value
      WHERE excluded.fence = 0 OR excluded.fence >= old.fence`;
    const values = [key, operation, Math.floor(expires), fence ?? 0, bytes];
    if (fence !== undefined) await this.#database.query(`WITH lock AS (${lock}) ${insert}`, values);
    else {
      await this.#database.query(`WITH lock AS (${lock}), put AS (${insert}) SELECT pg_notify($6, $7)`, [
        ...values,
        channel,
        this.changes.messageOf({ kind: "key", key }),
      ]);
    }
  }

  async delete(key: string): Promise<boolean> {
    const { entries, locks, channel } = this.#tables;
    const sql = `WITH lock AS (DELETE FROM ${locks} WHERE key = $1 RETURNING 1),
      gone AS (DELETE FROM ${entries} WHERE key = $1 AND (SELECT count(*) >= 0 FROM lock) RETURNING expires)
      SELECT (SELECT count(*) > 0 FROM lock) AS locked, (SELECT expires FROM gone) AS expires,
        pg_notify($2, $3) AS told`;
    const values = [key, channel, this.changes.messageOf({ kind: "key", key })];
    const [first] = await this.#delete(sql, values);
    // An entry that came under the lock, and has ended it, while this waited for the lock is not seen by this.
    const isSure = first!.locked || first!.expires !== null;
    const { expires } = isSure ? first! : (await this.#delete(sql, values))[0]!;
    return expires !== null && Number(expires) > Date.now();
  }

  /** In slices: TRUNCATE would wait for every reader, a backup included, and meanwhile nobody could read. */
  async clear(): Promise<void> {
    await this.#deleteInSlices("true");
  }

  async versions(names: readonly string[]): Promise<readonly (string | undefined)[]> {
    const rows = await this.#database.query<{ name: string; version: string }>(
      `SELECT name, version FROM ${this.#tables.versions} WHERE name = ANY($1)`,
      [names],
    );
    const found = new Map(rows.map(({ name, version }) => [name, version]));
    return names.map((name) => found.get(name));
  }

  async setVersion(name: string, version: string): Promise<void> {
    const { versions, channel } = this.#tables;
    const message = this.changes.messageOf({ kind: "version", name, version });
    await this.#database.query(
      `WITH put AS (INSERT INTO ${versions} VALUES ($1, $2)
          ON CONFLICT (name) DO UPDATE SET version = excluded.version)
        SELECT pg_notify($3, $4)`,
      [name, version, channel, message],
    );
  }

  async count(): Promise<Map<string, number>> {
    const rows = await this.#database.query<{ operation: string; count: string }>(
      `SELECT operation, count(*) FROM ${this.#tables.entries} WHERE expires > $1 GROUP BY operation`,
      [Date.now()],
    );
    return new Map(rows.map(({ operation, count }) => [operation, Number(count)]));
  }

  async ping(): Promise<void> {
    await this.#database.query("SELECT 1");
  }

  async deleteExpired(): Promise<number> {
    const deleted = await this.#deleteInSlices(`expires <= ${Date.now()}`);
    await this.locks.deleteExpired();
    await this.#boundVersions();
    return deleted;
  }

  async *entries({ operation }: { readonly operation?: string } = {}): AsyncGenerator<EntryInfo> {
    for (let after = ""; ;) {
      const rows = await this.#database.query<InfoRow>(
        `SELECT key, operation, expires, length(value) AS bytes FROM ${this.#tables.entries}
          WHERE key > $1 AND ($2::text IS NULL OR operation = $2) ORDER BY key LIMIT ${page}`,
        [after, operation ?? null],
      );
      for (const { expires, ...info } of rows) yield { ...info, expires: Number(expires) };
      if (rows.length < page) return;
      after = rows.at(-1)!.key;
    }
  }

  async close(): Promise<void> {
    clearInterval(this.#sweeping);
    await Promise.all([this.#database.close(), this.changes.close()]);
    await this.#sweep;
  }

  #read(condition: string, keys: string | readonly string[]): Promise<EntryRow[]> {
    return this.#database.query<EntryRow>(
      `SELECT key, operation, expires, fence, value FROM ${this.#tables.entries}
        WHERE ${condition} AND expires > $2`,
      [keys, Date.now()],
    );
  }

  #delete(sql: string, values: readonly string[]): Promise<{ locked: boolean; expires: string | null }[]> {
    return this.#database.query(sql, values);
  }

  /** One statement, so that nobody sees one without the other. Whoever listens, here too, learns that changes were lost. */
  async #boundVersions(): Promise<void> {
    const { versions, channel } = this.#tables;
    await this.#database.query(
      `WITH excess AS (SELECT 1 FROM ${versions} OFFSET ${maxVersions} LIMIT 1),
        gone AS (DELETE FROM ${versions} WHERE name <> $1 AND EXISTS (SELECT FROM excess)),
        renewed AS (INSERT INTO ${versions} SELECT $1, $2 WHERE EXISTS (SELECT FROM excess)
          ON CONFLICT (name) DO UPDATE SET version = excluded.version RETURNING 1)
        SELECT pg_notify($3, '{}') FROM renewed`,
      [everything, newVersion(), channel],
    );
  }

  async #deleteInSlices(condition: string): Promise<number> {
    const { entries } = this.#tables;
    const sql = `DELETE FROM ${entries} WHERE ctid = ANY(ARRAY(
      SELECT ctid FROM ${entries} WHERE ${condition} LIMIT ${slice} FOR UPDATE SKIP LOCKED)) RETURNING 1`;
    for (let deleted = 0; ;) {
      const { length } = await this.#database.query(sql);
      deleted += length;
      if (length < slice) return deleted;
    }
  }
}

function toEntry({ operation, expires, fence, value }: EntryRow): StoredEntry {
  const token = Number(fence);
  return { operation, expires: Number(expires), bytes: value, ...(token > 0 && { fence: token }) };
}
