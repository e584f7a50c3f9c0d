import { lockKeptMs, type StoreLock, type StoreLocks } from "../store.js";
import type { Database } from "./database.js";
import type { Tables } from "./tables.js";

/** Locks as rows that expire by the server's clock. Advisory locks would keep a connection each and never expire. */
export class PostgresLocks implements StoreLocks {
  readonly #database: Database;
  readonly #tables: Tables;

  constructor(database: Database, tables: Tables) {
    this.#database = database;
    this.#tables = tables;
  }

  async acquire(key: string, ttl: number): Promise<StoreLock | undefined> {
    const { locks, fences } = this.#tables;
    const [taken] = await this.#database.query<{ fence: string }>(
      `INSERT INTO ${locks} AS held (key, fence, expires)
        VALUES ($1, nextval('${fences}'), ${after("$2")})
        ON CONFLICT (key) DO UPDATE SET fence = excluded.fence, expires = excluded.expires
          WHERE held.expires <= clock_timestamp()
        RETURNING fence`,
      [key, ttl],
    );
    return taken && this.#lock(key, Number(taken.fence));
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
