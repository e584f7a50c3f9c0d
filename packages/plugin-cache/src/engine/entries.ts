import { absent, copyFor } from "./copy-for.js";
import type { Held } from "./held.js";
import type { Owner } from "./plan.js";
import type { EntryInfo } from "../stores/store.js";
import { reportOperation } from "../statistics/report.js";
import { namesOf, userTagsOf } from "../tags/names.js";
import type { Tiers } from "./tiers.js";
import type { Entry, EntryHead } from "../values/entry.js";
import { UnencryptedError } from "../values/marks.js";
import { takeSnapshot } from "../values/snapshot.js";

/** One entry of the cache, without its value. Times in milliseconds, and since the epoch where they are moments. */
export interface CacheEntry {
  /** What the store calls it; `undefined` where it is in memory only. */
  readonly key: string | undefined;
  readonly operation: string;
  readonly inMemory: boolean;
  /** In the store; `undefined` where it is not there. */
  readonly bytes: number | undefined;
  /** When it is dropped. */
  readonly expires: number;
  /** Whether it was written without a key where there is one now, and is never used again. */
  readonly unencrypted?: true;
  /** What is known only of entries that can be read: not of those that are damaged, or encrypted with another key. */
  readonly details?: {
    readonly created: number;
    /** Until when it is given without further ado; from then to `expires` it is stale. */
    readonly freshUntil: number;
    /** How long it took to make. */
    readonly cost: number;
    readonly tags: readonly string[];
    /** Whether it is an error. */
    readonly thrown: boolean;
    readonly etag: string | undefined;
    /** Whether one of its tags has been invalidated since, so that it is never given again. */
    readonly outdated: boolean;
  };
}

/** An entry with its value; the value is missing where it cannot be read, or has expired. */
export interface FoundEntry extends CacheEntry {
  readonly value?: unknown;
}

export interface EntryFilter {
  readonly operation?: string;
}

/** How many entries of the store are read at a time: few enough for the time that it has. */
const batch = 20;

/** What memory and the store hold. Every method rejects with the store's error. */
export class Inventory {
  readonly #tiers: Tiers;

  constructor(tiers: Tiers) {
    this.#tiers = tiers;
  }

  /** Each entry once, in no particular order, expired and outdated ones included. */
  async *list(filter: EntryFilter, owner: Owner): AsyncGenerator<CacheEntry> {
    const inMemory = [...this.#tiers.memory.entries()]
      .map(([, held]) => held as Held)
      .filter(({ operation }) => filter.operation === undefined || operation === filter.operation);
    const byKey = new Map(inMemory.flatMap((held) => (held.key === undefined ? [] : [[held.key, held]])));
    let infos: EntryInfo[] = [];
    for await (const info of this.#stored(filter)) {
      if (info.operation === reportOperation && filter.operation !== reportOperation) continue;
      if (infos.push(info) < batch) continue;
      yield* this.#describe(infos, byKey, owner);
      infos = [];
    }
    yield* this.#describe(infos, byKey, owner);
    for (const held of inMemory) {
      if (held.key !== undefined && byKey.get(held.key) !== held) continue;
      yield await this.#entryOf(held, { ...held, bytes: undefined, inMemory: true });
    }
  }

  /** The entries of the store whose names begin with `prefix`, at most so many, with their values. */
  async find(prefix: string, limit: number, owner: Owner): Promise<readonly FoundEntry[]> {
    const found: FoundEntry[] = [];
    const inMemory = new Set(Array.from(this.#tiers.memory.values(), (held) => (held as Held).key));
    for await (const info of this.#stored({})) {
      if (!info.key.startsWith(prefix)) continue;
      const { entries, unencrypted } = await this.#read([info.key], owner);
      const about = { ...info, ...unencrypted.get(info.key), inMemory: inMemory.has(info.key) };
      found.push({ ...(await this.#entryOf(entries[0], about)), ...valueOf(entries[0], owner) });
      if (found.length === limit) break;
    }
    return found;
  }

  /** The values of one operation that the store has and that can be read. */
  async *values(owner: Owner): AsyncGenerator<unknown> {
    for await (const { key } of this.#stored({ operation: owner.operation })) {
      const [entry] = (await this.#read([key], owner)).entries;
      const value = entry ? copyFor(owner, entry) : absent;
      if (value !== absent) yield value;
    }
  }

  /** Keeps a value in the store alone, where other processes may look for it. @param ttl milliseconds */
  async share(text: string, value: unknown, { operation }: Owner, ttl: number): Promise<void> {
    const { behind } = this.#tiers;
    const created = Date.now();
    const until = created + ttl;
    const snapshot = takeSnapshot(value);
    const entry = { operation, created, freshUntil: until, expires: until, cost: 0, versions: {}, snapshot };
    await behind.write(behind.keyOf(text), entry);
  }

  /**
   * Deletes what an invalidation has made outdated, and answers how many entries of the store.
   *
   * @param filter.tags only what has one of them. @default all
   */
  async deleteOutdated(
    { tags, ...filter }: EntryFilter & { readonly tags?: readonly string[] },
    owner: Owner,
  ): Promise<number> {
    let gone = 0;
    for await (const { key, details } of this.list(filter, owner)) {
      if (key === undefined || !details?.outdated) continue;
      if (tags && !details.tags.some((tag) => tags.includes(tag))) continue;
      if (await this.#tiers.behind.delete(key)) gone++;
    }
    return gone;
  }

  /** Deletes what was written without a key where there is one now; answers how many entries. */
  async deleteUnencrypted(owner: Owner): Promise<number> {
    let gone = 0;
    let keys: string[] = [];
    const deleteFound = async (): Promise<void> => {
      const { unencrypted } = await this.#read(keys, owner);
      for (const key of unencrypted.keys()) if (await this.#tiers.behind.delete(key)) gone++;
      keys = [];
    };
    for await (const { key } of this.#stored({})) if (keys.push(key) === batch) await deleteFound();
    await deleteFound();
    return gone;
  }

  /**
   * Deletes what has expired, and answers how many entries: of the store, where it tells, and of
   * those that are in memory only.
   */
  async deleteExpired(): Promise<number> {
    const { memory, behind } = this.#tiers;
    const now = Date.now();
    const gone = [...memory.entries()].filter(([, { expires }]) => expires <= now);
    for (const [text] of gone) memory.delete(text);
    const deleted = await behind.store?.deleteExpired?.();
    if (deleted === undefined) return gone.length;
    return deleted + gone.filter(([, held]) => (held as Held).key === undefined).length;
  }

  #stored(filter: EntryFilter): AsyncIterable<EntryInfo> | readonly EntryInfo[] {
    return this.#tiers.behind.store?.entries?.(filter) ?? [];
  }

  /** Entries in the order of their keys, and those of the keys whose entries are not encrypted. */
  async #read(keys: readonly string[], { observer }: Owner) {
    const unencrypted = new Map<string, Pick<CacheEntry, "unencrypted">>();
    const entries = await this.#tiers.behind.readMany(keys, (error, key) => {
      if (error instanceof UnencryptedError) unencrypted.set(key, { unencrypted: true });
      else observer.failed("get", error);
    });
    return { entries, unencrypted };
  }

  async *#describe(
    infos: readonly EntryInfo[],
    byKey: Map<string, Held>,
    owner: Owner,
  ): AsyncGenerator<CacheEntry> {
    const { entries, unencrypted } = await this.#read(
      infos.map(({ key }) => key),
      owner,
    );
    for (const [index, info] of infos.entries()) {
      const held = byKey.get(info.key);
      byKey.delete(info.key);
      const about = { ...info, ...unencrypted.get(info.key), inMemory: held !== undefined };
      yield await this.#entryOf(held ?? entries[index], about);
    }
  }

  async #entryOf(
    entry: Entry | undefined,
    { key, operation, bytes, expires, inMemory, unencrypted }: Omit<CacheEntry, "details">,
  ): Promise<CacheEntry> {
    const info = { key, operation, bytes, expires, inMemory, ...(unencrypted && { unencrypted }) };
    if (!entry) return info;
    const { tags } = this.#tiers;
    await tags.learn(namesOf(entry), Date.now());
    const outdated = !tags.seemsValid({ ...entry, key: undefined, epoch: -1, since: 0 });
    return { ...info, details: { ...detailsOf(entry), outdated } };
  }
}

function valueOf(entry: Entry | undefined, owner: Owner): Pick<FoundEntry, "value"> {
  const value = entry ? copyFor(owner, entry) : absent;
  return value === absent ? {} : { value };
}

function detailsOf(entry: EntryHead) {
  const { created, freshUntil, cost, thrown = false, etag } = entry;
  return { created, freshUntil, cost, tags: userTagsOf(entry), thrown, etag };
}
