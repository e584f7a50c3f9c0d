import type { Change, EntryInfo, StoredEntry } from "../store.js";
import { tellOf, type Teller } from "./change-table.js";
import { rowsOf, textBy, valuesOf, type Connection, type Row } from "./connection.js";
import type { Group } from "./job-queue.js";
import { endLocks } from "./lock-table.js";
import { inTransaction } from "./schema.js";

interface Keyed {
  readonly key: string;
  readonly entry: StoredEntry;
}

/** Statements about the entries of one space, for several keys at once. */
export interface EntryTable {
  readonly get: Group<string, StoredEntry | undefined>;
  readonly set: Group<Keyed, void>;
  /** Answers whether there was a live one. */
  readonly delete: Group<string, boolean>;
}

const selectOne = "SELECT operation, expires, value FROM entries WHERE space = ? AND key = ? AND expires > ?";

const selectSeveral = textBy(
  (keys) => `SELECT key, operation, expires, value FROM entries
    WHERE space = ? AND expires > ? AND key IN (${valuesOf(keys)})`,
);

const put = textBy(
  (rows) => `WITH given (space, key, operation, expires, fence, value) AS (VALUES ${rowsOf(6, rows)})
    INSERT INTO entries (space, key, operation, expires, fence, value)
    SELECT * FROM given WHERE fence = 0 OR fence IN (SELECT fence FROM locks)
    ON CONFLICT (space, key) DO UPDATE SET operation = excluded.operation, expires = excluded.expires,
      fence = excluded.fence, value = excluded.value
    WHERE excluded.fence = 0 OR excluded.fence >= fence`,
);

/** @param teller tells others of what is deleted; what is set the connection itself tells of */
export function entryTable(space: string, teller: Teller | undefined): EntryTable {
  return {
    get: {
      async run(connection, keys) {
        if (keys.length === 1) {
          const [row] = await connection.all(selectOne, [space, keys[0]!, Date.now()]);
          return [row && toEntry(row)];
        }
        const rows = await connection.all(selectSeveral(keys.length), [space, Date.now(), ...keys]);
        const found = new Map(rows.map((row) => [row["key"], toEntry(row)]));
        return keys.map((key) => found.get(key));
      },
    },
    set: {
      async run(connection, together) {
        const byHand = new Set(
          together.flatMap(({ key, entry }) => (entry.fence === undefined ? [key] : [])),
        );
        // Those rows end the locks of these only once they are in.
        const rows = together.filter(({ key, entry }) => entry.fence === undefined || !byHand.has(key));
        await connection.all(
          put(rows.length),
          rows.flatMap(({ key, entry: { operation, expires, fence, bytes } }) => [
            space,
            key,
            operation,
            // Neither a fraction nor an end of all days fits into the column.
            Math.min(Math.floor(expires), Number.MAX_SAFE_INTEGER),
            fence ?? 0,
            bytes,
          ]),
        );
        return [];
      },
    },
    delete: {
      async run(connection, keys) {
        let rows: Row[] = [];
        await inTransaction(connection, async () => {
          await endLocks(connection, space, keys);
          rows = await connection.all(
            `DELETE FROM entries WHERE space = ? AND key IN (${valuesOf(keys.length)}) RETURNING key, expires`,
            [space, ...keys],
          );
          if (teller) await tellOf(connection, teller, keys.map(changeOf));
        });
        const now = Date.now();
        const live = new Set(rows.filter(({ expires }) => (expires as number) > now).map(({ key }) => key));
        // Of two that delete the same key, one did.
        return keys.map((key) => live.delete(key));
      },
    },
  };
}

function changeOf(key: string): Change {
  return { kind: "key", key };
}

/** Keys from `from` on, and below `to` where it is given. */
export interface KeyRange {
  readonly from: string;
  readonly to?: string;
}

const slice = 512;

/** In slices, so that no other process waits long. */
export async function clearEntries(connection: Connection, space: string, range: KeyRange): Promise<void> {
  const { from, to } = range;
  const [below, bounds] = to === undefined ? ["", [from]] : ["AND key < ?", [from, to]];
  let removed: Row[];
  do {
    removed = await connection.all(
      `DELETE FROM entries WHERE rowid IN
        (SELECT rowid FROM entries WHERE space = ? AND key >= ? ${below} LIMIT ${slice}) RETURNING 1`,
      [space, ...bounds],
    );
  } while (removed.length === slice);
}

export async function countEntries(connection: Connection, space: string): Promise<Map<string, number>> {
  const rows = await connection.all(
    "SELECT operation, count(*) AS entries FROM entries WHERE expires > ? AND space = ? GROUP BY operation",
    [Date.now(), space],
  );
  return new Map(rows.map(({ operation, entries }) => [operation as string, entries as number]));
}

const page = 256;

/**
 * The entries after a row, a page of them; each with its row. A row keeps its number until it is
 * deleted, so that deleting skips nothing.
 */
export async function pageOfEntries(
  connection: Connection,
  space: string,
  after: number,
  operation?: string,
): Promise<(EntryInfo & { readonly row: number })[]> {
  const [filter, values] = operation === undefined ? ["", []] : ["AND operation = ?", [operation]];
  const rows = await connection.all(
    `SELECT rowid AS "row", key, operation, length(value) AS bytes, expires FROM entries
      WHERE space = ? AND rowid > ? ${filter} ORDER BY rowid LIMIT ${page}`,
    [space, after, ...values],
  );
  return rows as unknown as (EntryInfo & { readonly row: number })[];
}

function toEntry({ operation, value, expires }: Row): StoredEntry {
  return { operation: operation as string, bytes: value as Buffer, expires: expires as number };
}
