import { randomUUID } from "node:crypto";
import { lockKeptMs, type Acquired, type StoredEntry, type StoreLock, type StoreLocks } from "../store.js";
import type { Database } from "./database.js";
import type { Tables } from "./tables.js";

/** Locks as rows that expire by the server's clock. Advisory locks would keep a connection each and never expire. */
export class PostgresLocks implements StoreLocks {
  readonly #database: Database;
  readonly #tables: Tables;
  readonly #read: (key: string) => Promise<StoredEntry | undefined>;
  readonly #owner = randomUUID();

  /** @param read the entry of a key */
  constructor(database: Database, tables: Tables, read: (key: string) => Promise<StoredEntry | undefined>) {
    this.#database = database;
    this.#tables = tables;
    this.#read = read;
  }

  async acquire(key: string, ttl: number): Promise<Acquired> {
    const { locks, fences } = this.#tables;
    const [taken] = await this.#database.query<{ fence: string }>(
      `INSERT INTO ${locks} AS held (key, fence, expires, owner)
        VALUES ($1, nextval('${fences}'), ${after("$2")}, $3)
        ON CONFLICT (key) DO UPDATE
          SET fence = excluded.fence, expires = excluded.expires, owner = excluded.owner
          WHERE held.expires <= clock_timestamp() OR held.owner = excluded.owner
        RETURNING fence`,
      [key, ttl, this.#owner],
    );
    // A statement does not see what came while it waited for the lock: in one, the entry would be missing.
    const entry = await this.#read(key);
    return { lock: taken && this.#lock(key, Number(taken.fence)), entry };
  }

  /** Deletes what is good for no write any more. */
  async deleteExpired(): Promise<void> {
    const { locks } = this.#tables;
    await this.#database.query(`DELETE FROM ${locks} WHERE expires < ${after("$1")}`, [-lockKeptMs]);
  }

  #lock(key: string, fence: number): StoreLock {
    const { locks } = this.#tables;
    return {
      fence,
      extend: async (ttl) => {
        const sql = `UPDATE ${locks} SET expires = ${after("$3")}
          WHERE key = $1 AND fence = $2 AND expires > clock_timestamp() RETURNING 1`;
        return (await this.#database.query(sql, [key, fence, ttl])).length > 0;
      },
      release: async (writing = false) => {
        const change = writing ? `UPDATE ${locks} SET expires = clock_timestamp()` : `DELETE FROM ${locks}`;
        await this.#database.query(`${change} WHERE key = $1 AND fence = $2`, [key, fence]);
      },
    };
  }
}

/** So many milliseconds from now. */
function after(parameter: string): string {
  return `clock_timestamp() + ${parameter} * interval '1 millisecond'`;
}
