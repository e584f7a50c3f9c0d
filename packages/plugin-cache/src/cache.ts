import { createHash } from "node:crypto";
import { LRUCache } from "lru-cache";
import { decode, encode } from "./codec.js";
import { SingleFlight, type Ticket, type Work } from "./single-flight.js";
import { copyOf, shareAsIs, takeSnapshot, type Snapshot } from "./snapshot.js";
import { isActive, noCounts, summarise, total, type CacheStatistics, type Counters, type OperationStatistics, type Tier } from "./statistics.js";
import type { Store } from "./stores/store.js";

/** What a cache was doing when something of its own failed. */
export type CacheAction = "open" | "get" | "set" | "delete" | "clear" | "copy" | "when" | "files" | "background";

/** Told what happens to the values of one operation. */
export interface Observer {
  hit(tier: Tier): void;
  miss(): void;
  set(tier: "memory" | "store", bytes: number | undefined): void;
  failed(action: CacheAction, error: unknown): void;
}

/** Whose values these are. */
export interface Owner {
  /** An operation's id. */
  readonly operation: string;
  readonly observer: Observer;
}

/** How a value is found or made, and kept. */
export interface Plan<T = unknown> {
  readonly owner: Owner;
  /** Milliseconds. 0 shares the work under way and keeps nothing. */
  readonly ttl: number;
  /** Whether each taker gets a copy. */
  readonly isolate: boolean;
  /** Makes the value for all who wait for it. */
  begin(): Work<T>;
  /** Makes the value for one caller alone: asked where a result cannot be copied for several. */
  alone(): unknown;
  /** Whether a result is kept; asked once for each that was made. */
  wanted(value: T): boolean | Promise<boolean>;
}

interface Entry {
  readonly snapshot: Snapshot;
  /** Milliseconds since the epoch. */
  readonly expires: number;
  readonly operation: string;
}

interface Landed {
  /** What was made, for the one caller who may have it as it is. */
  readonly made?: { readonly value: unknown };
  /** Missing where the value cannot be copied. */
  readonly snapshot?: Snapshot;
}

/** Not found in memory. */
export const absent: unique symbol = Symbol("absent");

/**
 * Memory in front of a store, one computation for each key. Nothing that fails in here fails a
 * caller: what goes wrong is told to the owner's observer and counted, and the value is made.
 */
export class Cache {
  #memory: LRUCache<string, Entry>;
  readonly #flights = new SingleFlight<Landed>();
  readonly #counters = new Map<string, Counters>();
  readonly #spaces: string[] = [];
  /** On their way to the store: memory may have dropped them before they are there. */
  readonly #unwritten = new Map<string, Entry>();
  #store: Store | undefined;

  constructor(maxEntries: number) {
    this.#memory = new LRUCache({ max: maxEntries });
  }

  get store(): Store | undefined {
    return this.#store;
  }

  /** Puts a store behind the memory, or takes it away; the caller closes the one that was there. */
  use(store: Store | undefined): void {
    this.#store = store;
  }

  /** Changes how many entries memory holds; the most recently used ones stay. */
  resize(maxEntries: number): void {
    if (maxEntries === this.#memory.max) return;
    const entries = this.#memory.dump();
    this.#memory = new LRUCache({ max: maxEntries });
    this.#memory.load(entries);
  }

  /**
   * What the texts of one keyspace begin with, while they are in this process: short, since the
   * look-up of a long text takes longer than everything else in a hit. Stores see the whole.
   */
  spaceOf(keyspace: string): string {
    const known = this.#spaces.indexOf(keyspace);
    return `${known < 0 ? this.#spaces.push(keyspace) - 1 : known}:`;
  }

  countersOf(operation: string): Counters {
    let counters = this.#counters.get(operation);
    if (!counters) this.#counters.set(operation, (counters = noCounts()));
    return counters;
  }

  /** What memory has for a key, copied for this caller, or {@link absent}. The hot path: no promise, no closure. */
  recall(text: string, owner: Owner): unknown {
    const entry = this.#memory.get(text);
    if (entry === undefined) return absent;
    if (entry.expires <= Date.now()) {
      this.#memory.delete(text);
      return absent;
    }
    try {
      const value = copyOf(entry.snapshot);
      owner.observer.hit("memory");
      return value;
    } catch (error) {
      // The stack may be nearly used up where the value was not when it was kept.
      owner.observer.failed("copy", error);
      return absent;
    }
  }

  /** The value for a key from the store or from the work under way, or made by the plan. */
  async load(text: string, plan: Plan, signal?: AbortSignal): Promise<unknown> {
    const { value: landed, first } = await this.#flights.join(text, (ticket) => this.#begin(text, plan, ticket), signal);
    if (first && landed.made) return landed.made.value;
    if (!landed.snapshot) return plan.alone();
    if (!first) plan.owner.observer.hit("flight");
    return copyOf(landed.snapshot);
  }

  /** What there is for a key, without making it. */
  async find(text: string, owner: Owner): Promise<unknown> {
    const found = this.recall(text, owner);
    if (found !== absent) return found;
    const entry = await this.#read(text, owner);
    if (!entry) {
      owner.observer.miss();
      return absent;
    }
    this.#memory.set(text, entry);
    owner.observer.hit("store");
    return copyOf(entry.snapshot);
  }

  /**
   * Keeps a value. Answers whether every tier has it.
   *
   * @throws UnstorableError where the value cannot be copied.
   */
  async set(text: string, value: unknown, { owner, ttl }: Pick<Plan, "owner" | "ttl">): Promise<boolean> {
    this.#flights.forget(text);
    return this.#keep(text, takeSnapshot(value), owner, ttl);
  }

  /** Answers whether there was something. Work under way is finished for those who wait, and not kept. */
  async delete(text: string, owner: Owner): Promise<boolean> {
    this.#flights.forget(text);
    this.#unwritten.delete(text);
    const inMemory = this.#memory.delete(text);
    try {
      return ((await this.#store?.delete(this.#storeKey(text))) ?? false) || inMemory;
    } catch (error) {
      owner.observer.failed("delete", error);
      return inMemory;
    }
  }

  /** @throws the store's error: an entry that was to go and is still there must not go unnoticed. */
  async clear(owner: Owner): Promise<void> {
    this.forgetMemory();
    try {
      await this.#store?.clear();
    } catch (error) {
      owner.observer.failed("clear", error);
      throw error;
    }
  }

  /** Forgets what memory holds, and nothing else. */
  forgetMemory(): void {
    this.#flights.forgetAll();
    this.#unwritten.clear();
    this.#memory.clear();
  }

  async statistics(): Promise<CacheStatistics> {
    const inMemory = this.#entriesInMemory();
    // A store that fails to count is seen by the health check; the numbers of this process stand.
    const stored = await this.#store?.count().catch(() => undefined);
    const operations: Record<string, OperationStatistics> = {};
    let entries = 0;
    for (const name of [...new Set([...this.#counters.keys(), ...inMemory.keys(), ...(stored?.keys() ?? [])])].sort()) {
      // The last writes may be on their way to the store still.
      const own = Math.max(inMemory.get(name) ?? 0, stored?.get(name) ?? 0);
      const summary = summarise(this.#counters.get(name) ?? noCounts(), own);
      entries += own;
      if (isActive(summary)) operations[name] = summary;
    }
    return {
      ...summarise(total(this.#counters.values()), entries),
      store: this.#store?.name,
      memory: { entries: sum(inMemory.values()), maxEntries: this.#memory.max },
      operations,
    };
  }

  #begin(text: string, plan: Plan, ticket: Ticket): Work<Landed> {
    let making: Work<unknown> | undefined;
    let left: { readonly reason: unknown } | undefined;
    const make = (): Promise<unknown> => {
      if (left) throw left.reason;
      making = plan.begin();
      return making.promise;
    };
    return {
      promise: this.#fly(text, plan, ticket, make),
      abandon(reason) {
        left = { reason };
        making?.abandon(reason);
      },
    };
  }

  async #fly(text: string, plan: Plan, ticket: Ticket, make: () => Promise<unknown>): Promise<Landed> {
    const { owner } = plan;
    if (this.#store) {
      const entry = await this.#read(text, owner);
      if (entry) {
        const snapshot = plan.isolate ? entry.snapshot : shareAsIs(entry.snapshot.value);
        if (!ticket.forgotten) this.#memory.set(text, { ...entry, snapshot });
        owner.observer.hit("store");
        return { snapshot };
      }
    }
    owner.observer.miss();
    const value = await make();
    let snapshot: Snapshot;
    try {
      snapshot = plan.isolate ? takeSnapshot(value) : shareAsIs(value);
    } catch (error) {
      owner.observer.failed("copy", error);
      return { made: { value } };
    }
    if (!ticket.forgotten && (await this.#isWanted(plan, value)) && !ticket.forgotten) {
      void this.#keep(text, snapshot, owner, plan.ttl);
    }
    return { made: { value }, snapshot };
  }

  async #isWanted(plan: Plan, value: unknown): Promise<boolean> {
    if (plan.ttl <= 0) return false;
    try {
      return await plan.wanted(value);
    } catch (error) {
      plan.owner.observer.failed("when", error);
      return false;
    }
  }

  async #read(text: string, owner: Owner): Promise<Entry | undefined> {
    if (!this.#store) return undefined;
    const unwritten = this.#unwritten.get(text);
    if (unwritten && unwritten.expires > Date.now()) return unwritten;
    try {
      const stored = await this.#store.get(this.#storeKey(text));
      if (!stored || stored.expires <= Date.now()) return undefined;
      return { snapshot: decode(stored.bytes), expires: stored.expires, operation: stored.operation };
    } catch (error) {
      owner.observer.failed("get", error);
      return undefined;
    }
  }

  async #keep(text: string, snapshot: Snapshot, { operation, observer }: Owner, ttl: number): Promise<boolean> {
    const expires = Date.now() + ttl;
    const entry: Entry = { snapshot, expires, operation };
    this.#memory.set(text, entry);
    observer.set("memory", undefined);
    const store = this.#store;
    if (!store) return true;
    try {
      const bytes = encode(snapshot);
      this.#unwritten.set(text, entry);
      await store.set(this.#storeKey(text), { operation, bytes, expires });
      observer.set("store", bytes.byteLength);
      return true;
    } catch (error) {
      observer.failed("set", error);
      return false;
    } finally {
      if (this.#unwritten.get(text) === entry) this.#unwritten.delete(text);
    }
  }

  /** Stores see no argument, and no key longer than this. */
  #storeKey(text: string): string {
    const end = text.indexOf(":");
    const whole = this.#spaces[Number(text.slice(0, end))] + text.slice(end + 1);
    return createHash("sha256").update(Buffer.from(whole, "utf16le")).digest("base64url");
  }

  #entriesInMemory(): Map<string, number> {
    const entries = new Map<string, number>();
    const now = Date.now();
    for (const { operation, expires } of this.#memory.values()) {
      if (expires > now) entries.set(operation, (entries.get(operation) ?? 0) + 1);
    }
    return entries;
  }
}

function sum(numbers: Iterable<number>): number {
  let all = 0;
  for (const number of numbers) all += number;
  return all;
}
