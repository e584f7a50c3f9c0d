import type { ChangeFeed, EntryInfo, Store, StoredEntry, StoreFile, StoreLocks } from "./store.js";

/**
 * A store that could not be opened. Until {@link reopen} succeeds, everything rejects with the
 * reason; from then on it is the store. A guard in front of it asks again and again, and brings it
 * what it has missed.
 */
export class LateStore implements Store {
  readonly name: string;
  readonly locks: StoreLocks = {
    acquire: (key, ttl) => this.#use((store) => store.locks!.acquire(key, ttl)),
  };
  readonly changes: ChangeFeed;
  readonly #open: () => Promise<Store>;
  #reason: unknown;
  #store: Store | undefined;
  #opening: Promise<void> | undefined;
  #closed = false;

  /**
   * @param open opens a store that has locks and tells of changes
   * @param reason why that failed
   */
  constructor(name: string, open: () => Promise<Store>, reason: unknown) {
    this.name = name;
    this.#open = open;
    this.#reason = reason;
    const opened = (): Store | undefined => this.#store;
    this.changes = {
      get latency() {
        return opened()?.changes?.latency ?? 0;
      },
      subscribe: (listener) => this.#use((store) => store.changes!.subscribe(listener)),
    };
  }

  get unopened(): { readonly reason: unknown } | undefined {
    return this.#store ? undefined : { reason: this.#reason };
  }

  get file(): StoreFile | undefined {
    return this.#store?.file;
  }

  /** Tries to open it once more, for all who ask at the same time. @throws what keeps it from opening */
  async reopen(): Promise<void> {
    if (this.#store || this.#closed) return;
    await (this.#opening ??= this.#tryOnce().finally(() => (this.#opening = undefined)));
  }

  get(key: string): Promise<StoredEntry | undefined> {
    return this.#use((store) => store.get(key));
  }

  getMany(keys: readonly string[]): Promise<readonly (StoredEntry | undefined)[]> {
    return this.#use((store) => store.getMany(keys));
  }

  set(key: string, entry: StoredEntry): Promise<void> {
    return this.#use((store) => store.set(key, entry));
  }

  delete(key: string): Promise<boolean> {
    return this.#use((store) => store.delete(key));
  }

  clear(): Promise<void> {
    return this.#use((store) => store.clear());
  }

  versions(names: readonly string[]): Promise<readonly (string | undefined)[]> {
    return this.#use((store) => store.versions(names));
  }

  setVersion(name: string, version: string): Promise<void> {
    return this.#use((store) => store.setVersion(name, version));
  }

  count(): Promise<Map<string, number> | undefined> {
    return this.#use((store) => store.count());
  }

  ping(): Promise<void> {
    return this.#use((store) => store.ping());
  }

  deleteExpired(): Promise<number> {
    return this.#use(async (store) => (await store.deleteExpired?.()) ?? 0);
  }

  async *entries(filter?: { readonly operation?: string }): AsyncGenerator<EntryInfo> {
    yield* await this.#use(async (store) => store.entries?.(filter) ?? []);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#opening?.catch(() => undefined);
    await this.#store?.close();
  }

  async #tryOnce(): Promise<void> {
    try {
      this.#store = await this.#open();
    } catch (error) {
      this.#reason = error;
      throw error;
    }
  }

  async #use<T>(work: (store: Store) => Promise<T>): Promise<T> {
    if (this.#store) return work(this.#store);
    throw this.#reason;
  }
}
