import type { Acquired, StoredEntry, StoreLock, StoreLocks } from "../store.js";
import { valuesOf, type Connection } from "./connection.js";
import type { Database } from "./database.js";
import type { Group } from "./job-queue.js";

interface Wanted {
  readonly key: string;
  /** Milliseconds since the epoch. All processes are on one machine and have one clock. */
  readonly expires: number;
}

/** Locks of one space. Each gets a row, whose ever growing id is its fence. */
export class LockTable implements StoreLocks {
  readonly #database: Database;
  readonly #held: Group<string, boolean>;
  readonly #take: Group<Wanted, number | undefined>;
  readonly #read: (key: string) => Promise<StoredEntry | undefined>;

  /** @param read the entry of a key */
  constructor(database: Database, space: string, read: (key: string) => Promise<StoredEntry | undefined>) {
    this.#database = database;
    this.#read = read;
    this.#held = { run: (connection, keys) => held(connection, space, keys) };
    this.#take = { run: (connection, wanted) => take(connection, space, wanted) };
  }

  async acquire(key: string, ttl: number): Promise<Acquired> {
    const database = this.#database;
    const wanted = { key, expires: Math.ceil(Date.now() + ttl) };
    // Those who wait for a lock ask often; only who may get it writes.
    const isHeld = await database.read(this.#held, key);
    const fence = isHeld ? undefined : await database.write(this.#take, wanted);
    return { lock: fence === undefined ? undefined : this.#lock(fence), entry: await this.#read(key) };
  }

  #lock(fence: number): StoreLock {
    const database = this.#database;
    return {
      fence,
      async extend(by) {
        const now = Date.now();
        const sql = "UPDATE locks SET expires = ? WHERE fence = ? AND expires > ? RETURNING 1";
        const parameters = [Math.ceil(now + by), fence, now];
        return (await database.writeAlone((connection) => connection.all(sql, parameters))).length > 0;
      },
      release: (writing = false) => database.write(writing ? expire : release, fence),
    };
  }
}

async function held(connection: Connection, space: string, keys: readonly string[]): Promise<boolean[]> {
  const rows = await connection.all(
    `SELECT key FROM locks WHERE space = ? AND expires > ? AND key IN (${valuesOf(keys.length)})`,
    [space, Date.now(), ...keys],
  );
  const found = new Set(rows.map(({ key }) => key));
  return keys.map((key) => found.has(key));
}

async function take(
  connection: Connection,
  space: string,
  wanted: readonly Wanted[],
): Promise<(number | undefined)[]> {
  // A key once: of two in one statement both would find it free.
  const first = new Map<string, Wanted>();
  for (const one of wanted) if (!first.has(one.key)) first.set(one.key, one);
  const rows = await connection.all(
    `WITH wanted (key, expires) AS (VALUES ${[...first].map(() => "(?, ?)").join(", ")})
      INSERT OR REPLACE INTO locks (space, key, expires)
      SELECT ?, key, expires FROM wanted WHERE NOT EXISTS
        (SELECT 1 FROM locks WHERE locks.space = ? AND locks.key = wanted.key AND locks.expires > ?)
      RETURNING key, fence`,
    [...[...first.values()].flatMap(({ key, expires }) => [key, expires]), space, space, Date.now()],
  );
  const fences = new Map(rows.map(({ key, fence }) => [key as string, fence as number]));
  return wanted.map((one) => (first.get(one.key) === one ? fences.get(one.key) : undefined));
}

/**
 * Ends the lock of a key that is set: what was to be made under it is there, or, where it is set by
 * hand, is not taken. For {@link atSets}.
 */
export const endLock = "DELETE FROM locks WHERE space = NEW.space AND key = NEW.key";

/** As {@link endLock}, for keys that are deleted by hand, whether there are entries or not. */
export async function endLocks(
  connection: Connection,
  space: string,
  keys: readonly string[],
): Promise<void> {
  await connection.all(`DELETE FROM locks WHERE space = ? AND key IN (${valuesOf(keys.length)})`, [
    space,
    ...keys,
  ]);
}

const expire: Group<number, void> = {
  async run(connection, fences) {
    const sql = `UPDATE locks SET expires = min(expires, ?) WHERE fence IN (${valuesOf(fences.length)})`;
    await connection.all(sql, [Date.now(), ...fences]);
    return [];
  },
};

const release: Group<number, void> = {
  async run(connection, fences) {
    await connection.all(`DELETE FROM locks WHERE fence IN (${valuesOf(fences.length)})`, fences);
    return [];
  },
};
