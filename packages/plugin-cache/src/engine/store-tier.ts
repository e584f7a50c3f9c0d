import { createStoreKeys } from "../keys/store-keys.js";
import type { Acquired, Store, StoreLocks } from "../stores/store.js";
import type { Entry, EntryCodec } from "../values/entry.js";

/** What stands behind the memory. */
export interface Behind {
  readonly store: Store;
  readonly codec: EntryCodec;
  /** What the store calls an entry, by the whole text of its key. @default its SHA-256 */
  readonly digest?: (text: string) => string;
}

const sha256 = createStoreKeys();

/** Further ones are most likely made call by call: they would pile up here. */
const maxKeyspaces = 10_000;

/** The tier behind the memory: a store, the names that entries have in it, and what is on its way there. */
export class StoreTier {
  readonly #keyspaces: string[] = [];
  readonly #numbers = new Map<string, number>();
  /** Memory may drop an entry before the store has it. */
  readonly #unwritten = new Map<string, Entry>();
  /** What is not yet bytes, so that the store has not been given it. */
  readonly #sealing = new Set<Promise<unknown>>();
  #behind: Behind | undefined;

  /** Absent where there is memory only. */
  get store(): Store | undefined {
    return this.#behind?.store;
  }

  get locks(): StoreLocks | undefined {
    return this.#behind?.store.locks;
  }

  /** Changes what stands behind the memory; the caller closes what did before. */
  use(behind: Behind | undefined): void {
    this.#behind = behind;
    this.#unwritten.clear();
  }

  /**
   * What the texts of one keyspace begin with, while they are in this process: short, since the
   * look-up of a long text takes longer than everything else in a hit. Stores see the whole.
   */
  spaceOf(keyspace: string): string {
    let number = this.#numbers.get(keyspace);
    if (number === undefined) {
      if (this.#keyspaces.length >= maxKeyspaces) return `:${keyspace}`;
      number = this.#keyspaces.push(keyspace) - 1;
      this.#numbers.set(keyspace, number);
    }
    return `${number}:`;
  }

  /** What the store calls an entry: no argument, and nothing longer than this. `undefined` without a store. */
  keyOf(text: string): string | undefined {
    if (!this.#behind) return undefined;
    const end = text.indexOf(":");
    const rest = text.slice(end + 1);
    const whole = end === 0 ? rest : this.#keyspaces[Number(text.slice(0, end))] + rest;
    return (this.#behind.digest ?? sha256)(whole);
  }

  /**
   * @param acquired what came with the lock of the key: the store is not asked once more
   * @throws the store's error, or UnreadableError for what it holds.
   */
  async read(key: string, acquired?: Acquired): Promise<Entry | undefined> {
    const unwritten = this.#unwritten.get(key);
    if (unwritten && unwritten.expires > Date.now()) return unwritten;
    const { store, codec } = this.#behind ?? {};
    const stored = acquired ? acquired.entry : await store?.get(key);
    return stored && stored.expires > Date.now() ? codec!.open(key, stored.bytes) : undefined;
  }

  /**
   * Several at once; `undefined` also for what cannot be read, which is told.
   *
   * @throws the store's error.
   */
  async readMany(
    keys: readonly string[],
    onUnreadable: (error: unknown, key: string) => void,
  ): Promise<readonly (Entry | undefined)[]> {
    const { store, codec } = this.#behind ?? {};
    const found = (await store?.getMany(keys)) ?? [];
    const now = Date.now();
    return Promise.all(
      keys.map(async (key, index) => {
        const unwritten = this.#unwritten.get(key);
        if (unwritten && unwritten.expires > now) return unwritten;
        const stored = found[index];
        if (!stored || stored.expires <= now) return undefined;
        try {
          return await codec!.open(key, stored.bytes);
        } catch (error) {
          onUnreadable(error, key);
          return undefined;
        }
      }),
    );
  }

  /**
   * Answers how many bytes the store was given; `undefined` where there is none.
   *
   * @throws the store's error, or UnstorableError.
   */
  async write(key: string | undefined, entry: Entry, fence?: number): Promise<number | undefined> {
    if (!this.#behind || key === undefined) return undefined;
    const { store, codec } = this.#behind;
    this.#unwritten.set(key, entry);
    try {
      const sealed = codec.seal(key, entry);
      const bytes = sealed instanceof Promise ? await this.#afterSealing(sealed) : sealed;
      // Deleted meanwhile, or replaced by another.
      if (this.#unwritten.get(key) !== entry) return undefined;
      await store.set(key, { operation: entry.operation, bytes, expires: entry.expires, fence });
      return bytes.byteLength;
    } finally {
      if (this.#unwritten.get(key) === entry) this.#unwritten.delete(key);
    }
  }

  /** @throws the store's error. */
  async delete(key: string | undefined): Promise<boolean> {
    if (!this.#behind || key === undefined) return false;
    this.#unwritten.delete(key);
    return this.#behind.store.delete(key);
  }

  /** @throws the store's error. */
  async clear(): Promise<void> {
    this.#unwritten.clear();
    const { store } = this;
    await store?.clear().catch(async (error: unknown) => {
      // Another one has taken its place meanwhile.
      if (!this.store || this.store === store) throw error;
      await this.store.clear();
    });
  }

  /** Waits until the store has been given all that it is to keep. */
  async settle(): Promise<void> {
    await Promise.allSettled(this.#sealing);
  }

  async #afterSealing(sealing: Promise<Uint8Array>): Promise<Uint8Array> {
    this.#sealing.add(sealing);
    try {
      return await sealing;
    } finally {
      this.#sealing.delete(sealing);
    }
  }
}
