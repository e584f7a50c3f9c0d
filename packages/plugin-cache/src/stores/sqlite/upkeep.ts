import { everything, newVersion } from "../../tags/names.js";
import { maxVersions } from "../max-versions.js";
import { lockKeptMs } from "../store.js";
import { tellOf } from "./change-table.js";
import type { Connection, Row } from "./connection.js";
import type { Database } from "./database.js";
import { inTransaction } from "./schema.js";

const sweepInterval = 60_000;
/** How long others may need to read a change. Milliseconds. */
const changesKept = 300_000;
const maxChanges = 100_000;

/** What a slice of the work may take, so that no other process waits long for the lock. Milliseconds. */
const sliceTime = 20;
const vacuumPages = 256;
/** Free pages are used again; only more than these are given back. Share of the file. */
const freeShare = 0.2;
const freePages = 256;
/** How much is written before the bound is looked after again: room for it is kept. Share of the bound. */
const looksShare = 1 / 16;

export interface FileSize {
  readonly bytes: number;
  readonly freeBytes: number;
  readonly pageSize: number;
}

export interface UpkeepOptions {
  /** @default none */
  readonly maxFileBytes?: number | undefined;
}

/**
 * Keeps a file small: deletes what has expired at the start and every minute, what expires first
 * where the file grows beyond its bound, and gives free pages back. All in slices that let others in.
 */
export class Upkeep {
  readonly #database: Database;
  readonly #maxFileBytes: number;
  readonly #sweeping: NodeJS.Timeout;
  /** What the last change was, at every look of the last minutes. */
  readonly #looks: { readonly at: number; readonly last: number }[] = [];
  #written = 0;
  #working = false;
  #stopped = false;

  constructor(database: Database, { maxFileBytes = Infinity }: UpkeepOptions) {
    this.#database = database;
    this.#maxFileBytes = maxFileBytes;
    this.#sweeping = setInterval(() => this.#work(), sweepInterval).unref();
    this.#work();
  }

  /** Counts what was written: from time to time the bound is looked after. */
  wrote(bytes: number): void {
    this.#written += bytes;
    if (this.#written < this.#maxFileBytes * looksShare) return;
    this.#written = 0;
    this.#database.background(() => this.#bound());
  }

  /** Answers how many. */
  async deleteExpired(): Promise<number> {
    return this.#inSlices(slicesOf("entries", "rowid", "expires <= ?"), [Date.now()]);
  }

  /** Gives all free pages back; answers how many bytes. */
  async shrink(): Promise<number> {
    const before = await this.#size();
    await this.#vacuum(0);
    await this.#database.writeAlone((connection) => connection.all("PRAGMA wal_checkpoint(TRUNCATE)"));
    return before.bytes - (await this.#size()).bytes;
  }

  stop(): void {
    this.#stopped = true;
    clearInterval(this.#sweeping);
  }

  #work(): void {
    if (this.#working) return;
    this.#working = true;
    this.#database.background(async () => {
      try {
        await this.deleteExpired();
        await this.#trim();
        await this.#bound();
        const { bytes, freeBytes, pageSize } = await this.#size();
        const spared = Math.max(freePages * pageSize, freeShare * bytes);
        if (freeBytes > spared) await this.#vacuum(spared);
      } finally {
        this.#working = false;
      }
    });
  }

  async #trim(): Promise<void> {
    const now = Date.now();
    await this.#inSlices(slicesOf("locks", "fence", "expires <= ?"), [now - lockKeptMs]);
    const last = await this.#database.readAlone(lastChange);
    this.#looks.push({ at: now, last });
    // What was there at a look as long ago is at least as old.
    let old = 0;
    while (this.#looks[0]!.at <= now - changesKept) old = this.#looks.shift()!.last;
    // The last one stays: others count from it.
    const end = Math.min(Math.max(old, last - maxChanges), last - 1);
    await this.#inSlices(slicesOf("changes", "id", "id <= ?"), [end]);
    await this.#database.writeAlone(boundVersions);
  }

  async #bound(): Promise<void> {
    if (this.#maxFileBytes === Infinity) return;
    const most = this.#maxFileBytes * (1 - looksShare);
    let limit = 16;
    while (!this.#stopped) {
      const { bytes, freeBytes } = await this.#size();
      if (bytes - freeBytes <= most) break;
      const excess = bytes - freeBytes - 0.9 * this.#maxFileBytes;
      const rows = await this.#database.writeAlone((connection) =>
        connection.all(
          `DELETE FROM entries WHERE rowid IN (SELECT rowid FROM entries ORDER BY expires LIMIT ?)
            RETURNING length(value) AS bytes`,
          [limit],
        ),
      );
      if (rows.length === 0) break;
      const mean = rows.reduce((sum, row) => sum + (row["bytes"] as number), 0) / rows.length;
      limit = Math.min(Math.max(Math.ceil(excess / (mean + 1)), 1), 256);
    }
    const { bytes, freeBytes } = await this.#size();
    if (bytes > most) await this.#vacuum(Math.max(freeBytes - (bytes - most), 0));
  }

  /** Until no more than `spared` bytes are free. */
  async #vacuum(spared: number): Promise<void> {
    for (let before = Infinity; !this.#stopped;) {
      const { freeBytes } = await this.#size();
      // A file that cannot be vacuumed stays as it is.
      if (freeBytes <= spared || freeBytes >= before) return;
      before = freeBytes;
      await this.#database.writeAlone((connection) =>
        connection.all(`PRAGMA incremental_vacuum(${vacuumPages})`),
      );
    }
  }

  async #inSlices(sql: string, parameters: readonly number[]): Promise<number> {
    let sum = 0;
    for (let limit = 64; !this.#stopped;) {
      let removed: Row[] = [];
      let took = 0;
      await this.#database.writeAlone(async (connection) => {
        const started = performance.now();
        removed = await connection.all(sql, [...parameters, limit]);
        took = performance.now() - started;
      });
      sum += removed.length;
      if (removed.length < limit) break;
      limit = took > sliceTime ? Math.max(limit >> 1, 1) : Math.min(limit * 2, 1_024);
    }
    return sum;
  }

  #size(): Promise<FileSize> {
    return this.#database.writeAlone(sizeOf);
  }
}

/** In every space that has too many, everything becomes outdated at once; also this process is told. */
async function boundVersions(connection: Connection): Promise<void> {
  const full = await connection.all("SELECT space FROM versions GROUP BY space HAVING count(*) > ?", [
    maxVersions,
  ]);
  for (const row of full) {
    const space = row["space"] as string;
    const version = newVersion();
    await inTransaction(connection, async () => {
      await connection.all("DELETE FROM versions WHERE space = ?", [space]);
      await connection.all("INSERT INTO versions (space, name, version) VALUES (?, ?, ?)", [
        space,
        everything,
        version,
      ]);
      await tellOf(connection, { space, origin: "" }, [{ kind: "version", name: everything, version }]);
    });
  }
}

async function lastChange(connection: Connection): Promise<number> {
  return (await connection.value("SELECT coalesce(max(id), 0) FROM changes")) as number;
}

function slicesOf(table: string, id: string, condition: string): string {
  return `DELETE FROM ${table} WHERE ${id} IN (SELECT ${id} FROM ${table} WHERE ${condition} LIMIT ?) RETURNING 1`;
}

export async function sizeOf(connection: Connection): Promise<FileSize> {
  const pageSize = (await connection.value("PRAGMA page_size")) as number;
  const pages = (await connection.value("PRAGMA page_count")) as number;
  const free = (await connection.value("PRAGMA freelist_count")) as number;
  return { bytes: pages * pageSize, freeBytes: free * pageSize, pageSize };
}
