import { ChangeListeners } from "../change-listeners.js";
import { Once } from "../once.js";
import type { Change, ChangeFeed, ChangeListener } from "../store.js";
import { rowsOf, type Connection } from "./connection.js";
import type { Database } from "./database.js";

const pollInterval = 200;
const page = 1_000;

interface ChangeRow {
  /** Id of the last change of the file; 0 where there was none. */
  readonly last: number;
  /** Id of the earliest change that is kept; `null` where none is. */
  readonly first: number | null;
  /** `null` where there is nothing new for this space. */
  readonly id: number | null;
  readonly name: string;
  /** `null` for a key. */
  readonly version: string | null;
}

/** Who tells. */
export interface Teller {
  readonly space: string;
  /** Each store has its own, also where two are in one process. */
  readonly origin: string;
}

/**
 * Changes as rows that the other processes read. They look five times a second whether anything
 * in the file changed, which reads no page, and then what did.
 */
export class ChangeTable implements ChangeFeed {
  readonly latency = pollInterval;
  readonly #database: Database;
  readonly #teller: Teller;
  readonly #listeners = new ChangeListeners();
  readonly #beginning = new Once(() => this.#begin());
  #polling: NodeJS.Timeout | undefined;
  #asking: Promise<void> | undefined;
  #endRenewed: (() => void) | undefined;
  /** Counts the files that have stood at the path. */
  #file = 0;
  #dataVersion: unknown;
  #seen = 0;

  constructor(database: Database, teller: Teller) {
    this.#database = database;
    this.#teller = teller;
  }

  async subscribe(listener: ChangeListener): Promise<() => Promise<void>> {
    await this.#beginning.done();
    this.#listeners.add(listener);
    return async () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size === 0) await this.stop();
    };
  }

  async stop(): Promise<void> {
    this.#beginning.undo();
    clearInterval(this.#polling);
    this.#endRenewed?.();
    await this.#asking;
  }

  async #begin(): Promise<void> {
    this.#seen = await this.#last();
    this.#endRenewed = this.#database.onRenewed(() => {
      // The other file counts from the beginning.
      this.#file += 1;
      this.#dataVersion = undefined;
      this.#seen = -1;
    });
    this.#polling = setInterval(() => this.#poll(), pollInterval).unref();
  }

  #poll(): void {
    this.#asking ??= this.#ask().finally(() => (this.#asking = undefined));
  }

  async #ask(): Promise<void> {
    try {
      for (let more = true; more;) {
        const file = this.#file;
        const { rows, dataVersion } = await this.#database.readAlone((connection) => this.#news(connection));
        // Read from one file, told of another: once more.
        if (file !== this.#file) continue;
        more = rows.length === page;
        if (!more) this.#dataVersion = dataVersion;
        this.#tell(rows);
      }
    } catch {
      // What was not read is read next time; that the file fails is seen by those who use it.
    }
  }

  async #news(connection: Connection): Promise<{ rows: ChangeRow[]; dataVersion: unknown }> {
    const dataVersion = await connection.value("PRAGMA data_version");
    if (dataVersion === this.#dataVersion) return { rows: [], dataVersion };
    const { space, origin } = this.#teller;
    // One statement sees one state of the file: nothing is trimmed between its parts.
    const rows = await connection.all(
      `SELECT kept.last, kept.first, news.id, news.name, news.version
        FROM (SELECT coalesce(max(id), 0) AS last, min(id) AS first FROM changes) AS kept
        LEFT JOIN changes AS news ON news.id > ? AND news.space = ? AND news.origin <> ?
        ORDER BY news.id LIMIT ${page}`,
      [Math.max(this.#seen, 0), space, origin],
    );
    return { rows: rows as unknown as ChangeRow[], dataVersion };
  }

  #tell(rows: readonly ChangeRow[]): void {
    const [head] = rows;
    if (!head) return;
    const { last, first } = head;
    const seen = this.#seen;
    const isGap = seen < 0 || last < seen || (last > seen && (first === null || first > seen + 1));
    const latest = rows.length === page ? rows.at(-1)!.id! : last;
    this.#seen = isGap ? last : latest;
    if (isGap) this.#listeners.missed();
    else for (const row of rows) if (row.id !== null) this.#listeners.changed(toChange(row));
  }

  async #last(): Promise<number> {
    const sql = "SELECT coalesce(max(id), 0) FROM changes";
    return (await this.#database.readAlone((connection) => connection.value(sql))) as number;
  }
}

/** Tells of a key that is set by hand. For {@link atSets}. */
export function tellOfKey(origin: string): string {
  return `INSERT INTO changes (space, origin, name) SELECT NEW.space, '${origin}', NEW.key WHERE NEW.fence = 0`;
}

/** Tells of changes, as a part of the transaction that makes them. */
export async function tellOf(
  connection: Connection,
  { space, origin }: Teller,
  changes: readonly Change[],
): Promise<void> {
  await connection.all(
    `INSERT INTO changes (space, origin, name, version) VALUES ${rowsOf(4, changes.length)}`,
    changes.flatMap((change) =>
      change.kind === "key"
        ? [space, origin, change.key, null]
        : [space, origin, change.name, change.version],
    ),
  );
}

function toChange({ name, version }: ChangeRow): Change {
  return version === null ? { kind: "key", key: name } : { kind: "version", name, version };
}
