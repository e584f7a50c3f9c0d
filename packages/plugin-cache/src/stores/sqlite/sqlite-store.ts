import { randomUUID } from "node:crypto";
import { RefusedError } from "../refused-error.js";
import type { EntryInfo, Store, StoredEntry } from "../store.js";
import { atSets } from "./at-sets.js";
import { ChangeTable, tellOfKey } from "./change-table.js";
import { Database } from "./database.js";
import {
  clearEntries,
  countEntries,
  entryTable,
  pageOfEntries,
  type EntryTable,
  type KeyRange,
} from "./entry-table.js";
import { endLock, LockTable } from "./lock-table.js";
import { SqliteStoreFile } from "./sqlite-store-file.js";
import { Upkeep } from "./upkeep.js";
import { VersionTable } from "./version-table.js";

export interface SqliteOptions {
  /** Keeps several caches on one file apart. @default "" */
  readonly prefix?: string | undefined;
  /**
   * About how large the file may grow, in bytes; what expires first goes first, and no entry may
   * be larger than a quarter of it.
   * @default none
   */
  readonly maxFileBytes?: number | undefined;
  /**
   * Whether other stores on the file are told of what is set and deleted by hand, as those need to be
   * that have memory in front of them.
   * @default true
   */
  readonly changes?: boolean | undefined;
  /** Told of failures that no caller waits for. @default nobody is */
  readonly onError?: ((error: unknown) => void) | undefined;
}

/** SQLite takes no larger one by far. */
const maxEntryBytes = 256 * 1024 * 1024;
/** What an entry takes beside its value, roughly. */
const overhead = 200;

/**
 * One SQLite file that several processes of a machine share: WAL, a connection that reads and one
 * that writes, statements for many callers at once. A write is acknowledged when it is in the file,
 * where the end of a process does not undo it; that of the machine may, and then leaves the file sound.
 */
export class SqliteStore implements Store {
  readonly name: string;
  readonly locks: LockTable;
  readonly changes: ChangeTable;
  readonly file: SqliteStoreFile;
  readonly #space: string;
  readonly #database: Database;
  readonly #upkeep: Upkeep;
  readonly #entries: EntryTable;
  readonly #versions: VersionTable;
  readonly #maxBytes: number;

  private constructor(database: Database, origin: string, options: SqliteOptions) {
    const { prefix = "", maxFileBytes, changes = true } = options;
    const teller = { space: prefix, origin };
    this.name = `sqlite://${database.path}`;
    this.#space = prefix;
    this.#database = database;
    this.#maxBytes = Math.min(maxEntryBytes, (maxFileBytes ?? Infinity) / 4);
    this.#upkeep = new Upkeep(database, { maxFileBytes });
    this.#entries = entryTable(prefix, changes ? teller : undefined);
    this.#versions = new VersionTable(database, teller);
    this.locks = new LockTable(database, prefix, (key) => this.get(key));
    this.changes = new ChangeTable(database, teller);
    this.file = new SqliteStoreFile(database, this.#upkeep);
  }

  /**
   * Opens a file, and makes it and its directory where they are missing. One that is damaged or
   * not a cache is set aside with a process warning.
   *
   * @param file absolute
   * @throws NativeBindingError where SQLite's native code does not load
   * @throws Error where the path cannot be used, with the reason
   */
  static async open(file: string, options: SqliteOptions = {}): Promise<SqliteStore> {
    const { changes = true, onError = () => undefined } = options;
    const origin = randomUUID();
    const preparation = atSets(changes ? [endLock, tellOfKey(origin)] : [endLock]);
    return new SqliteStore(await Database.open({ file, preparation, onError }), origin, options);
  }

  get(key: string): Promise<StoredEntry | undefined> {
    return this.#database.read(this.#entries.get, key);
  }

  getMany(keys: readonly string[]): Promise<readonly (StoredEntry | undefined)[]> {
    return Promise.all(keys.map((key) => this.get(key)));
  }

  async set(key: string, entry: StoredEntry): Promise<void> {
    const bytes = entry.bytes.byteLength + overhead;
    if (bytes > this.#maxBytes)
      throw new RefusedError(
        `an entry of ${bytes} bytes is more than ${this.#maxBytes}, the most that ${this.name} takes`,
      );
    await this.#database.write(this.#entries.set, { key, entry }, bytes);
    this.#upkeep.wrote(bytes);
  }

  delete(key: string): Promise<boolean> {
    return this.#database.write(this.#entries.delete, key);
  }

  /** @param range of keys. @default all */
  clear(range: KeyRange = { from: "" }): Promise<void> {
    return this.#database.writeAlone((connection) => clearEntries(connection, this.#space, range));
  }

  versions(names: readonly string[]): Promise<readonly (string | undefined)[]> {
    return Promise.all(names.map((name) => this.#versions.get(name)));
  }

  setVersion(name: string, version: string): Promise<void> {
    return this.#versions.set(name, version);
  }

  count(): Promise<Map<string, number>> {
    return this.#database.readLong((connection) => countEntries(connection, this.#space));
  }

  ping(): Promise<void> {
    return this.#database.ping();
  }

  deleteExpired(): Promise<number> {
    return this.#upkeep.deleteExpired();
  }

  async *entries({ operation }: { readonly operation?: string } = {}): AsyncGenerator<EntryInfo> {
    for (let after = 0; ;) {
      const page = await this.#database.readLong((connection) =>
        pageOfEntries(connection, this.#space, after, operation),
      );
      if (page.length === 0) return;
      for (const { row, ...info } of page) {
        yield info;
        after = row;
      }
    }
  }

  async close(): Promise<void> {
    this.#upkeep.stop();
    await this.changes.stop();
    await this.#database.close();
  }
}
