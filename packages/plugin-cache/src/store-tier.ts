import { createHash } from "node:crypto";
import { decode, encode } from "./codec.js";
import type { Snapshot } from "./snapshot.js";
import type { Store } from "./stores/store.js";

/** A value and how long it is fresh, in either tier. */
export interface Entry {
  readonly snapshot: Snapshot;
  /** Milliseconds since the epoch. */
  readonly expires: number;
  /** The id of the operation whose result it is. */
  readonly operation: string;
}

/** The tier behind the memory: a store, the names that entries have in it, and what is on its way there. */
export class StoreTier {
  readonly #keyspaces: string[] = [];
  /** Memory may drop an entry before the store has it. */
  readonly #unwritten = new Map<string, Entry>();
  /** Absent where there is memory only. */
  store: Store | undefined;

  /**
   * What the texts of one keyspace begin with, while they are in this process: short, since the
   * look-up of a long text takes longer than everything else in a hit. Stores see the whole.
   */
  spaceOf(keyspace: string): string {
    const known = this.#keyspaces.indexOf(keyspace);
    return `${known < 0 ? this.#keyspaces.push(keyspace) - 1 : known}:`;
  }

  /** @throws the store's error, or UnreadableError for what it holds. */
  async read(text: string): Promise<Entry | undefined> {
    const unwritten = this.#unwritten.get(text);
    if (unwritten && unwritten.expires > Date.now()) return unwritten;
    const stored = await this.store?.get(this.#keyOf(text));
    if (!stored || stored.expires <= Date.now()) return undefined;
    return { snapshot: decode(stored.bytes), expires: stored.expires, operation: stored.operation };
  }

  /**
   * Answers how many bytes the store was given; `undefined` where there is none.
   *
   * @throws the store's error, or UnstorableError.
   */
  async write(text: string, entry: Entry): Promise<number | undefined> {
    const { store } = this;
    if (!store) return undefined;
    const bytes = encode(entry.snapshot);
    this.#unwritten.set(text, entry);
    try {
      await store.set(this.#keyOf(text), { operation: entry.operation, bytes, expires: entry.expires });
      return bytes.byteLength;
    } finally {
      if (this.#unwritten.get(text) === entry) this.#unwritten.delete(text);
    }
  }

  /** @throws the store's error. */
  async delete(text: string): Promise<boolean> {
    this.#unwritten.delete(text);
    return (await this.store?.delete(this.#keyOf(text))) ?? false;
  }

  /** @throws the store's error. */
  async clear(): Promise<void> {
    this.#unwritten.clear();
    await this.store?.clear();
  }

  /** Takes the store away; the caller closes it. */
  release(): Store | undefined {
    const { store } = this;
    this.store = undefined;
    this.#unwritten.clear();
    return store;
  }

  /** Stores see no argument, and no key longer than this. */
  #keyOf(text: string): string {
    const end = text.indexOf(":");
    const whole = this.#keyspaces[Number(text.slice(0, end))] + text.slice(end + 1);
    return createHash("sha256").update(Buffer.from(whole, "utf16le")).digest("base64url");
  }
}
