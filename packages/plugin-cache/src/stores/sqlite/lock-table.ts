import type { StoreLock, StoreLocks } from "../store.js";
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
  readonly #fences = new Set<number>();

  constructor(database: Database, space: string) {
    this.#database = database;
    this.#held = { run: (connection, keys) => held(connection, space, keys) };
    this.#take = { run: (connection, wanted) => take(connection, space, wanted) };
  }

  async acquire(key: string, ttl: number): Promise<StoreLock | undefined> {
    const database = this.#database;
    // Those who wait for a lock ask often; only who may get it writes.
    if (await database.read(this.#held, key)) return undefined;
    const fence = await database.write(this.#take, { key, expires: Math.ceil(Date.now() + ttl) });
    if (fence === undefined) return undefined;
    this.#fences.add(fence);
    return {
      fence,
      async extend(by) {
        const now = Date.now();
        const sql = "UPDATE locks SET expires = ? WHERE fence = ? AND expires > ? RETURNING 1";
        const parameters = [Math.ceil(now + by), fence, now];
        return (await database.writeAlone((connection) => connection.all(sql, parameters))).length > 0;
      },
      release: (writing) => this.#release(fence, writing),
    };
  }

  /** Nobody need wait until the locks of a store that closes end by themselves. */
  async releaseAll(): Promise<void> {
    await Promise.allSettled([...this.#fences].map((fence) => this.#release(fence)));
  }

  async #release(fence: number, writing = false): Promise<void> {
    if (!this.#fences.has(fence)) return;
    // Also where it fails: the lock ends with its time.
    if (!writing) this.#fences.delete(fence);
    await this.#database.write(writing ? expire : release, fence);
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

/** Ends the lock of a key that is set by hand: what is being made under it is not taken. For {@link atSetsByHand}. */
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
