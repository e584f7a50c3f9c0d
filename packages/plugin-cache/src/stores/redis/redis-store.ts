import type { Location } from "../location.js";
import { RefusedError } from "../refused-error.js";
import type { EntryInfo, Store, StoredEntry } from "../store.js";
import { within } from "../time-limit.js";
import { fenceText, fromFrame, lockAt, lockLength, readHead, toFrame, usualHeadLength } from "./frame.js";
import { asBytes, loadLibrary, toStoreError, type Library, type RedisClient } from "./library.js";
import { lostMessage, RedisChanges } from "./redis-changes.js";
import { RedisConnection } from "./redis-connection.js";
import { RedisLocks } from "./redis-locks.js";
import { RedisVersions } from "./redis-versions.js";
import { Script } from "./script.js";

export interface RedisOptions {
  /** Keeps several caches on one database apart. @default "" */
  readonly prefix?: string | undefined;
  /** Told of failures that no caller waits for. @default nobody is */
  readonly onError?: ((error: unknown) => void) | undefined;
}

/** Above that, counting would take longer than a number is worth. */
const maxCounted = 10_000;
const page = 500;
/** How long the first connection is waited for; then it is made in the background. */
const openMs = 1_000;

/** As long as the lock is there that the fence was given with. The entry takes its place, and so ends it. */
const setFenced = new Script(`
  if redis.call("GETRANGE", KEYS[1], ${lockAt.fence}, ${lockAt.until - 1}) ~= ARGV[2] then return 0 end
  redis.call("SET", KEYS[1], ARGV[1], "PX", ARGV[3])
  return 1`);

/**
 * A database of Redis or Valkey that several machines share, by the client that `@keyv/redis` brings:
 * its adapter has neither fences nor locks, versions of tags, messages, or a clear that says when it fails.
 *
 * Keys begin with `mlmcp:`, or with `mlmcp.<prefix>:`.
 */
export class RedisStore implements Store {
  readonly name: string;
  readonly locks: RedisLocks;
  readonly changes: RedisChanges;
  readonly #root: string;
  readonly #connection: RedisConnection;
  readonly #versions: RedisVersions;
  /** The client that there is now, for values of bytes. */
  #bytes: RedisClient | undefined;

  private constructor(library: Library, { name, url }: Location, options: RedisOptions) {
    const { prefix = "", onError = () => undefined } = options;
    const root = prefix === "" ? "mlmcp" : `mlmcp.${prefix}`;
    const channel = `${root}:changes`;
    this.name = name;
    this.#root = root;
    this.#connection = new RedisConnection(library, {
      url,
      name,
      onError,
      prepare: async (client) => {
        await this.#versions.begin(client);
        this.#bytes = client.withTypeMapping(asBytes) as never;
      },
    });
    this.#versions = new RedisVersions({
      connection: this.#connection,
      root,
      channel,
      lost: lostMessage,
      told: (failure) => this.changes.told(failure),
    });
    this.locks = new RedisLocks(this.#connection, { root, entryOf: (key) => this.#keyOf(key) });
    this.changes = new RedisChanges({
      name,
      channel,
      onError,
      commands: this.#connection,
      connect: (prepare, onAway) =>
        new RedisConnection(library, { url, name, onError, prepare, onAway, isForAll: true }),
    });
  }

  /**
   * Connects. A server that does not answer is told to `onError`, and connected to as soon as it does.
   *
   * @throws MissingPackageError
   * @throws RefusedError where the server lets nobody in with these credentials
   */
  static async open(location: Location, options: RedisOptions = {}): Promise<RedisStore> {
    const store = new RedisStore(await loadLibrary(), location, options);
    try {
      await within(openMs, store.#connection.open());
    } catch (cause) {
      const error = toStoreError(cause, location.name);
      if (error instanceof RefusedError) {
        await store.close();
        throw error;
      }
    }
    return store;
  }

  get(key: string): Promise<StoredEntry | undefined> {
    return this.#run(() => this.#bytes!.get(this.#keyOf(key))).then(toEntry);
  }

  async getMany(keys: readonly string[]): Promise<readonly (StoredEntry | undefined)[]> {
    if (keys.length === 0) return [];
    const found = await this.#run(() => this.#bytes!.mGet(keys.map((key) => this.#keyOf(key))));
    return found.map(toEntry);
  }

  set(key: string, entry: StoredEntry): Promise<void> {
    const ttl = String(Math.max(1, Math.ceil(entry.expires - Date.now())));
    const name = this.#keyOf(key);
    const frame = toFrame(entry);
    const { fence } = entry;
    const setting =
      fence === undefined
        ? this.changes.make({ kind: "key", key }, (client) =>
            client.sendCommand(["SET", name, frame, "PX", ttl]),
          )
        : this.#run((client) => setFenced.run(client, [name], [frame, fenceText(fence), ttl]));
    return setting as Promise<undefined>;
  }

  async delete(key: string): Promise<boolean> {
    const name = this.#keyOf(key);
    const [length, deleted] = await this.changes.make({ kind: "key", key }, (client) =>
      // What is no text has none, and goes as well.
      Promise.all([client.strLen(name).catch(() => undefined), client.unlink(name)]),
    );
    // What was only a lock has ended, but was nothing to delete.
    return deleted === 1 && length !== lockLength;
  }

  async clear(): Promise<void> {
    for await (const keys of this.#keys()) await this.#run((client) => client.unlink(keys));
  }

  versions(names: readonly string[]): Promise<readonly (string | undefined)[]> {
    return this.#versions.get(names);
  }

  async setVersion(name: string, version: string): Promise<void> {
    await this.changes.make({ kind: "version", name, version }, (client) =>
      this.#versions.set(client, name, version),
    );
  }

  async count(): Promise<Map<string, number> | undefined> {
    const counts = new Map<string, number>();
    let counted = 0;
    for await (const { operation } of this.entries()) {
      if (++counted > maxCounted) return undefined;
      counts.set(operation, (counts.get(operation) ?? 0) + 1);
    }
    return counts;
  }

  async ping(): Promise<void> {
    await this.#run((client) => client.ping());
  }

  async *entries({ operation }: { readonly operation?: string } = {}): AsyncGenerator<EntryInfo> {
    for await (const keys of this.#keys()) {
      for (const info of await Promise.all(keys.map((key) => this.#infoOf(key))))
        if (info && (operation === undefined || info.operation === operation)) yield info;
    }
  }

  async close(): Promise<void> {
    // What is changed in this turn of the event loop is told at the end of it.
    await new Promise<void>((resolve) => process.nextTick(resolve));
    await Promise.all([this.#connection.close(), this.changes.close()]);
  }

  #keyOf(key: string): string {
    return `${this.#root}:e:${key}`;
  }

  /** The keys of entries, as Redis has them. */
  async *#keys(): AsyncGenerator<string[]> {
    let cursor = "0";
    do {
      const at = cursor;
      const found = await this.#run((client) => client.scan(at, { MATCH: `${this.#root}:e:*`, COUNT: page }));
      cursor = found.cursor;
      const keys = [...new Set(found.keys)];
      if (keys.length > 0) yield keys;
    } while (cursor !== "0");
  }

  async #infoOf(key: string): Promise<EntryInfo | undefined> {
    const read = (bytes: number): Promise<Buffer> =>
      this.#run(() => this.#bytes!.getRange(key, 0, bytes - 1)) as never;
    const [length, beginning] = await Promise.all([
      this.#run((client) => client.strLen(key)),
      read(usualHeadLength),
    ]);
    let head = readHead(beginning);
    if (head && head.length > beginning.length) head = readHead(await read(head.length));
    if (!head) return undefined;
    const { operation, expires } = head;
    return { key: key.slice(this.#keyOf("").length), operation, expires, bytes: length - head.length };
  }

  #run<T>(command: (client: RedisClient) => Promise<T>): Promise<T> {
    return this.#connection.run(command);
  }
}

/** @param found bytes, whatever the types of the client say */
function toEntry(found: unknown): StoredEntry | undefined {
  return fromFrame(found as Buffer | null);
}
