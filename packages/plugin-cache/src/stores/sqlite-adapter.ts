import { EventEmitter } from "node:events";
import type { StoredData } from "keyv";
import type { NativeAdapter } from "./keyv-store.js";
import { SerialConnection } from "./serial-connection.js";
import { prepareFile, table } from "./sqlite-file.js";
import type { StoredEntry } from "./store.js";

const select = `SELECT operation, expires, value FROM ${table} WHERE key = ? AND expires > ?`;
const upsert = `INSERT INTO ${table} (key, operation, expires, value) VALUES (?, ?, ?, ?)
  ON CONFLICT (key) DO UPDATE SET operation = excluded.operation, expires = excluded.expires, value = excluded.value`;
const remove = `DELETE FROM ${table} WHERE key = ? RETURNING 1`;
const removeAll = `DELETE FROM ${table}`;
const removeExpired = `DELETE FROM ${table} WHERE rowid IN (SELECT rowid FROM ${table} WHERE expires <= ? LIMIT 500) RETURNING 1`;
const countLive = `SELECT operation, count(*) AS entries FROM ${table} WHERE expires > ? GROUP BY operation`;

const sweepInterval = 60_000;

interface Payload {
  readonly value: Pick<StoredEntry, "operation" | "bytes">;
  readonly expires: number;
}

/**
 * A Keyv adapter for one SQLite file that several processes share: WAL, `synchronous = NORMAL`,
 * a connection that reads and one that writes. Readers never wait for a writer; a writer waits
 * for another process's lock without holding the event loop. What is expired is deleted at the
 * start and every minute. Emits `error` where that fails.
 */
export class SqliteAdapter extends EventEmitter implements NativeAdapter {
  readonly native = true;
  readonly opts: { readonly dialect: "sqlite"; readonly url: string };
  namespace: string | undefined;
  readonly #reader: SerialConnection;
  readonly #writer: SerialConnection;
  #sweeping: NodeJS.Timeout | undefined;

  private constructor(file: string, reader: SerialConnection, writer: SerialConnection) {
    super();
    this.opts = { dialect: "sqlite", url: `sqlite://${file}` };
    this.#reader = reader;
    this.#writer = writer;
  }

  /**
   * @param file Absolute. Made, with its directory, where it is missing.
   * @throws Error where the file cannot be read and written, is damaged or is not a cache.
   */
  static async open(file: string): Promise<SqliteAdapter> {
    await prepareFile(file);
    // Nothing but the recovery after a crash keeps a reader waiting.
    const reader = await SerialConnection.open({
      file,
      table,
      busyTimeout: 250,
      retryFor: 2_000,
      maxWaiting: 100_000,
    });
    let writer: SerialConnection | undefined;
    try {
      writer = await SerialConnection.open({
        file,
        table,
        busyTimeout: 20,
        retryFor: 30_000,
        maxWaiting: 1_000,
      });
      const adapter = new SqliteAdapter(file, reader, writer);
      await adapter.#begin();
      return adapter;
    } catch (error) {
      await writer?.close();
      await reader.close();
      throw error;
    }
  }

  async get<Value>(key: string): Promise<StoredData<Value> | undefined> {
    const [row] = await this.#reader.run(select, key, Date.now());
    if (!row) return undefined;
    const value = { operation: row["operation"], bytes: row["value"] };
    return { value, expires: row["expires"] } as StoredData<Value>;
  }

  async set(key: string, { value, expires }: Payload): Promise<void> {
    await this.#writer.run(upsert, key, value.operation, expires, value.bytes);
  }

  async delete(key: string): Promise<boolean> {
    return (await this.#writer.run(remove, key)).length > 0;
  }

  async clear(): Promise<void> {
    await this.#writer.run(removeAll);
  }

  async count(): Promise<Map<string, number>> {
    const rows = await this.#reader.run(countLive, Date.now());
    return new Map(rows.map(({ operation, entries }) => [operation as string, entries as number]));
  }

  async ping(): Promise<void> {
    await this.#reader.run(select, "", 0);
  }

  hurry(): void {
    this.#writer.hurry();
    this.#reader.hurry();
  }

  /** Writes what has been accepted and closes both connections. */
  async disconnect(): Promise<void> {
    clearInterval(this.#sweeping);
    await this.#writer.close();
    await this.#reader.close();
  }

  async #begin(): Promise<void> {
    await this.ping();
    const sweep = (): void => {
      this.#sweep().catch((error: unknown) => this.emit("error", error));
    };
    this.#sweeping = setInterval(sweep, sweepInterval).unref();
    sweep();
  }

  /** In portions, so that no other process waits long. */
  async #sweep(): Promise<void> {
    const now = Date.now();
    let removed: unknown[];
    do removed = await this.#writer.run(removeExpired, now);
    while (removed.length > 0);
  }
}
