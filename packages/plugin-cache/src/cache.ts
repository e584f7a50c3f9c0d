import { LRUCache } from "lru-cache";
import type { Owner, Plan } from "./plan.js";
import { SingleFlight, type Ticket, type Work } from "./single-flight.js";
import { copyOf, shareAsIs, takeSnapshot, type Snapshot } from "./snapshot.js";
import { Statistics, type CacheStatistics, type Counters } from "./statistics.js";
import { StoreTier, type Entry } from "./store-tier.js";
import type { Store } from "./stores/store.js";

interface Landed {
  /** What was made, for the one caller who may have it as it is. */
  readonly made?: { readonly value: unknown };
  /** Missing where the value cannot be copied. */
  readonly snapshot?: Snapshot;
}

/** Not found. */
export const absent: unique symbol = Symbol("absent");

/**
 * Memory in front of a store, one computation for each key. Nothing that fails in here fails a
 * caller: what goes wrong is told to the owner's observer, and the value is made.
 */
export class Cache {
  #memory: LRUCache<string, Entry>;
  readonly #behind = new StoreTier();
  readonly #flights = new SingleFlight<Landed>();
  readonly #statistics = new Statistics();
  /** Counts the changes by hand: what was read from the store before one of them may be outdated. */
  #changes = 0;

  constructor(maxEntries: number) {
    this.#memory = new LRUCache({ max: maxEntries });
  }

  get store(): Store | undefined {
    return this.#behind.store;
  }

  /** Puts a store behind the memory. */
  use(store: Store | undefined): void {
    this.#behind.store = store;
  }

  /** Takes the store away, for the caller to close, and forgets what memory holds. */
  release(): Store | undefined {
    this.#forgetAll();
    return this.#behind.release();
  }

  /** Changes how many entries memory holds; the most recently used ones stay. */
  resize(maxEntries: number): void {
    if (maxEntries === this.#memory.max) return;
    const entries = this.#memory.dump();
    this.#memory = new LRUCache({ max: maxEntries });
    this.#memory.load(entries);
  }

  /** What the texts of one keyspace begin with. */
  spaceOf(keyspace: string): string {
    return this.#behind.spaceOf(keyspace);
  }

  countersOf(operation: string): Counters {
    return this.#statistics.of(operation);
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
      // The stack may be nearly used up where it was not when the value was kept.
      owner.observer.failed("copy", error);
      return absent;
    }
  }

  /** The value for a key from the store or from the work under way, or made by the plan. */
  async load(text: string, plan: Plan, signal?: AbortSignal): Promise<unknown> {
    const begin = (ticket: Ticket): Work<Landed> => this.#begin(text, plan, ticket);
    const { value: landed, first } = await this.#flights.join(text, begin, signal);
    if (first && landed.made) return landed.made.value;
    if (!landed.snapshot) return plan.alone();
    if (!first) plan.owner.observer.hit("flight");
    return copyOf(landed.snapshot);
  }

  /** What there is for a key, or {@link absent}. */
  async find(text: string, owner: Owner): Promise<unknown> {
    const found = this.recall(text, owner);
    if (found !== absent) return found;
    const before = this.#changes;
    const entry = await this.#read(text, owner);
    if (!entry) {
      owner.observer.miss();
      return absent;
    }
    if (this.#changes === before) this.#memory.set(text, entry);
    owner.observer.hit("store");
    return copyOf(entry.snapshot);
  }

  /**
   * Keeps a value. Answers whether every tier has it.
   *
   * @throws UnstorableError where the value cannot be copied.
   */
  async set(text: string, value: unknown, { owner, ttl }: Pick<Plan, "owner" | "ttl">): Promise<boolean> {
    const snapshot = takeSnapshot(value);
    this.#changes++;
    this.#flights.forget(text);
    return this.#keep(text, snapshot, owner, ttl);
  }

  /** Answers whether there was something. Work under way is finished for those who wait, and not kept. */
  async delete(text: string, owner: Owner): Promise<boolean> {
    this.#changes++;
    this.#flights.forget(text);
    const inMemory = this.#memory.delete(text);
    try {
      return (await this.#behind.delete(text)) || inMemory;
    } catch (error) {
      owner.observer.failed("delete", error);
      return inMemory;
    }
  }

  /** @throws the store's error: an entry that was to go and is still there must not go unnoticed. */
  async clear(owner: Owner): Promise<void> {
    this.#forgetAll();
    try {
      await this.#behind.clear();
    } catch (error) {
      owner.observer.failed("clear", error);
      throw error;
    }
  }

  async statistics(): Promise<CacheStatistics> {
    // A store that fails to count is seen by the health check; the numbers of this process stand.
    const stored = await this.store?.count().catch(() => undefined);
    return this.#statistics.summarise({
      store: this.store?.name,
      stored,
      inMemory: this.#entriesInMemory(),
      maxEntries: this.#memory.max,
    });
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
    const { owner, isolate } = plan;
    const entry = this.store && (await this.#read(text, owner));
    if (entry) {
      const snapshot = isolate ? entry.snapshot : shareAsIs(entry.snapshot.value);
      if (!ticket.forgotten) this.#memory.set(text, { ...entry, snapshot });
      owner.observer.hit("store");
      return { snapshot };
    }
    owner.observer.miss();
    const value = await make();
    let snapshot: Snapshot;
    try {
      // Before anybody has the value and can change it.
      snapshot = isolate ? takeSnapshot(value) : shareAsIs(value);
    } catch (error) {
      owner.observer.failed("copy", error);
      return { made: { value } };
    }
    const wanted = await this.#isWanted(plan, value);
    // Nobody waits for the store; its failure is told to the observer.
    if (wanted && !ticket.forgotten) void this.#keep(text, snapshot, owner, plan.ttl);
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

  async #read(text: string, { observer }: Owner): Promise<Entry | undefined> {
    try {
      return await this.#behind.read(text);
    } catch (error) {
      observer.failed("get", error);
      return undefined;
    }
  }

  async #keep(
    text: string,
    snapshot: Snapshot,
    { operation, observer }: Owner,
    ttl: number,
  ): Promise<boolean> {
    const entry: Entry = { snapshot, expires: Date.now() + ttl, operation };
    this.#memory.set(text, entry);
    observer.set("memory", undefined);
    try {
      const bytes = await this.#behind.write(text, entry);
      if (bytes !== undefined) observer.set("store", bytes);
      return true;
    } catch (error) {
      observer.failed("set", error);
      return false;
    }
  }

  #forgetAll(): void {
    this.#changes++;
    this.#flights.forgetAll();
    this.#memory.clear();
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
