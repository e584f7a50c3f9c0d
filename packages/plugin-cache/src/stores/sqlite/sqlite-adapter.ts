import { KeyvSqlite } from "@keyv/sqlite";
import type { StoredEntry } from "../store.js";
import { SqliteStore, type SqliteOptions } from "./sqlite-store.js";

/** A value as an adapter is given it: what Keyv serialised, or bytes. */
type Value = string | Uint8Array;

const never = Number.MAX_SAFE_INTEGER;
const page = 64;

/**
 * `@keyv/sqlite`'s adapter on the file of a {@link SqliteStore}, for a Keyv of your own: no
 * acknowledged write is lost to another process's lock, namespaces that begin alike stay apart,
 * iteration skips nothing, and what has expired goes. `query` asks the same file on a connection
 * of its own; write with it only what can get lost.
 *
 * ```ts
 * const store = await SqliteAdapter.open("/var/cache/app.db");
 * const keyv = new Keyv({ store, namespace: "rates" });
 * ```
 */
export class SqliteAdapter extends KeyvSqlite {
  readonly #store: SqliteStore;
  readonly #ends: () => Promise<void>;

  /** @param store for several adapters, such as one a namespace; it stays open when they disconnect */
  constructor(store: SqliteStore, ends: () => Promise<void> = async () => undefined) {
    super({ uri: store.file.path, table: "entries", busyTimeout: 250 });
    this.#store = store;
    this.#ends = ends;
    // The same failure rejects `query`; without a listener it would be thrown a second time.
    this.on("error", () => undefined);
  }

  /**
   * An adapter with a store of its own.
   *
   * @param file absolute; made where it is missing
   * @throws as {@link SqliteStore.open}
   */
  static async open(file: string, options?: SqliteOptions): Promise<SqliteAdapter> {
    const store = await SqliteStore.open(file, { changes: false, ...options });
    return new SqliteAdapter(store, () => store.close());
  }

  override async get<T>(key: string): Promise<T | undefined> {
    return valueOf<T>(await this.#store.get(key));
  }

  override async getMany<T>(keys: string[]): Promise<(T | undefined)[]> {
    return (await this.#store.getMany(keys)).map((entry) => valueOf<T>(entry));
  }

  /** @param ttl in milliseconds. @default for good */
  override async set(key: string, value: Value, ttl?: number): Promise<void> {
    const isText = typeof value === "string";
    await this.#store.set(key, {
      operation: isText ? "text" : "bytes",
      bytes: isText ? Buffer.from(value) : value,
      expires: ttl === undefined ? never : Date.now() + ttl,
    });
  }

  async setMany(values: { key: string; value: Value; ttl?: number }[]): Promise<void> {
    await Promise.all(values.map(({ key, value, ttl }) => this.set(key, value, ttl)));
  }

  override delete(key: string): Promise<boolean> {
    return this.#store.delete(key);
  }

  /** Answers whether there was any of them. */
  override async deleteMany(keys: string[]): Promise<boolean> {
    return (await Promise.all(keys.map((key) => this.delete(key)))).includes(true);
  }

  /** Deletes what is in the namespace; without one, everything. */
  override clear(): Promise<void> {
    // ";" follows ":", so that these are the keys that begin with the namespace and a colon.
    const { namespace } = this;
    return this.#store.clear(namespace ? { from: `${namespace}:`, to: `${namespace};` } : undefined);
  }

  override async has(key: string): Promise<boolean> {
    return (await this.#store.get(key)) !== undefined;
  }

  override async *iterator(namespace = this.namespace): AsyncGenerator<[string, unknown], void> {
    const beginning = namespace ? `${namespace}:` : "";
    const keys: string[] = [];
    for await (const { key } of this.#store.entries()) {
      if (!key.startsWith(beginning)) continue;
      keys.push(key);
      if (keys.length === page) yield* this.#pairs(keys.splice(0));
    }
    yield* this.#pairs(keys);
  }

  override async disconnect(): Promise<void> {
    await this.#ends();
    await this.close();
  }

  async *#pairs(keys: string[]): AsyncGenerator<[string, unknown], void> {
    const values = await this.getMany(keys);
    for (const [at, value] of values.entries()) if (value !== undefined) yield [keys[at]!, value];
  }
}

function valueOf<T>(entry: StoredEntry | undefined): T | undefined {
  if (!entry) return undefined;
  const bytes = Buffer.from(entry.bytes.buffer, entry.bytes.byteOffset, entry.bytes.byteLength);
  return (entry.operation === "text" ? bytes.toString() : bytes) as T;
}
