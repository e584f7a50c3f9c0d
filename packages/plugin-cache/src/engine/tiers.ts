import type { Turn } from "../flights/store-turn.js";
import { heldOf, type Held } from "./held.js";
import type { MemoryTier } from "../memory/memory-tier.js";
import type { Observer, Owner, Timing } from "./plan.js";
import { StoreTier, type Behind } from "./store-tier.js";
import { namesOf } from "../tags/names.js";
import { RefusedError } from "../stores/refused-error.js";
import type { Acquired, ChangeFeed, Store } from "../stores/store.js";
import { TagVersions, type TagsAtCall } from "../tags/tag-versions.js";
import { shareAsIs, UnstorableError } from "../values/snapshot.js";
import type { Entry } from "../values/entry.js";

/** Where a value goes, and on whose behalf. */
export interface Keeping {
  readonly owner: Owner;
  readonly isolate: boolean;
  readonly space?: string;
  readonly timing: Pick<Timing, "refreshAfter">;
}

/** Memory and what stands behind it, and which of what they hold is still valid. */
export class Tiers {
  readonly memory: MemoryTier;
  readonly behind = new StoreTier();
  readonly tags: TagVersions;
  /** Those of this process at making what others may ask for too. */
  readonly turns = new Set<Turn>();
  /** What is being kept by hand. */
  readonly #puts = new Set<Promise<unknown>>();
  /** Counts the changes by hand: what was read from the store before one of them may be outdated. */
  changes = 0;
  readonly #onError: Observer["failed"];
  readonly #onForget: () => void;
  #unsubscribe: (() => Promise<void>) | undefined;

  /**
   * @param onError told of what goes wrong on no operation's behalf
   * @param onForget told where work under way can no longer be known to be valid when it ends
   */
  constructor(memory: MemoryTier, onError: Observer["failed"], onForget: () => void) {
    this.memory = memory;
    this.#onError = onError;
    this.tags = new TagVersions({
      onError,
      onForget: () => {
        onForget();
        this.#dropOutdated();
      },
    });
    this.#onForget = onForget;
  }

  /**
   * Changes what stands behind the memory, and forgets what memory holds. The former store has been
   * given all that it is to keep by then, and every lock back.
   */
  async use(behind: Behind | undefined): Promise<void> {
    await Promise.allSettled(this.#puts);
    await this.behind.settle();
    await Promise.all(Array.from(this.turns, (turn) => turn.finish()));
    this.turns.clear();
    this.behind.use(behind);
    this.tags.use(behind?.store);
    this.memory.clear();
    await this.#unsubscribe?.().catch(this.#subscriptionFailed);
    this.#unsubscribe = undefined;
    const { store } = behind ?? {};
    if (store?.changes) await this.#listen(store, store.changes);
  }

  async #listen(store: Store, changes: ChangeFeed): Promise<void> {
    let isListening = true;
    const listening = (on: boolean): void => {
      isListening = on;
      if (this.behind.store !== store) return;
      if (!on) return this.tags.distrust();
      this.#missed();
      this.tags.trust();
    };
    try {
      this.#unsubscribe = await changes.subscribe({
        changed: (change) => this.tags.told(change),
        missed: () => this.#missed(),
        listening,
        refused: (error) => {
          listening(false);
          this.#subscriptionFailed(error);
        },
      });
      if (isListening && this.behind.store === store) this.tags.trust();
    } catch (error) {
      listening(false);
      this.#subscriptionFailed(error);
    }
  }

  /** Has {@link use} wait for what is being kept: the store that there is must get it. */
  finishing<T>(put: Promise<T>): Promise<T> {
    this.#puts.add(put);
    const finished = (): boolean => this.#puts.delete(put);
    void put.then(finished, finished);
    return put;
  }

  /** What memory has for a key and needs no further thought. The hot path. */
  hot(text: string): Held | undefined {
    const held = this.memory.get(text) as Held | undefined;
    if (held === undefined) return undefined;
    const now = Date.now();
    if (held.hotUntil <= now) return undefined;
    if (this.tags.isSettled(held, now)) return held;
    return this.#confirmed(text, held, now);
  }

  /** What memory has for a key, fresh or stale. A promise only where its tags have to be read. */
  inMemory(text: string): Held | undefined | Promise<Held | undefined> {
    const held = this.memory.get(text) as Held | undefined;
    if (held === undefined) return undefined;
    const now = Date.now();
    if (held.expires <= now) return void this.memory.delete(text);
    if (this.tags.isSettled(held, now)) return held;
    const learning = this.tags.learn(namesOf(held), now);
    return learning
      ? learning.then(() => this.#confirmed(text, held, Date.now()))
      : this.#confirmed(text, held, now);
  }

  /**
   * What the store has for a key, fresh or stale; `undefined` also where it fails, which is told.
   *
   * @param acquired what came with its lock: the store is not asked once more
   */
  async inStore(
    key: string,
    keeping: Keeping,
    onError = (error: unknown): void => keeping.owner.observer.failed("get", error),
    acquired?: Acquired,
  ): Promise<Held | undefined> {
    const { epoch: since } = this.tags;
    let found: Entry | undefined;
    try {
      found = await this.behind.read(key, acquired);
    } catch (error) {
      onError(error);
    }
    if (!found) return undefined;
    const held = this.#validated(found, key, since, keeping);
    return held instanceof Promise ? await held : held;
  }

  /** {@link inStore} for several keys in one reading. */
  async manyInStore(keys: readonly string[], keeping: Keeping): Promise<readonly (Held | undefined)[]> {
    const { epoch: since } = this.tags;
    const failed = (error: unknown): void => keeping.owner.observer.failed("get", error);
    try {
      const found = await this.behind.readMany(keys, failed);
      return await Promise.all(
        found.map((entry, index) => entry && this.#validated(entry, keys[index]!, since, keeping)),
      );
    } catch (error) {
      failed(error);
      return keys.map(() => undefined);
    }
  }

  /** Puts an entry into memory, unless it is outdated by now. */
  hold(text: string, held: Held, space: string | undefined): boolean {
    if (this.tags.confirm(held, Date.now()) === false) return false;
    this.memory.set(text, held, space);
    return true;
  }

  /** Keeps a new entry in every tier; answers whether all have it. What fails is told to the owner. */
  async keep(
    text: string,
    entry: Entry,
    call: TagsAtCall,
    {
      owner,
      isolate,
      space,
      timing,
      fence,
      inMemoryOnly,
    }: Keeping & { fence?: number; inMemoryOnly?: boolean },
  ): Promise<boolean> {
    const { key } = call;
    if (!this.hold(text, heldOf(entry, entry.snapshot, call, timing), space)) return false;
    owner.observer.set("memory", undefined);
    if (inMemoryOnly) return true;
    try {
      const bytes = await this.behind.write(key, entry, fence);
      if (bytes !== undefined) owner.observer.set("store", bytes);
      return true;
    } catch (error) {
      const isUnstorable = error instanceof UnstorableError;
      // Shared as it is, it may be something that only memory can keep.
      if (isolate || !isUnstorable) owner.observer.failed("set", error);
      const isForMemory = isUnstorable || error instanceof RefusedError;
      if (isForMemory && !fence) await this.#outdate(key, owner);
      return false;
    }
  }

  /** What the store has of a key is older than what memory has. */
  async #outdate(key: string | undefined, { observer }: Owner): Promise<void> {
    await this.behind.delete(key).catch((error: unknown) => observer.failed("delete", error));
  }

  /** A promise only where its tags have to be read. */
  #validated(
    entry: Entry,
    key: string,
    since: number,
    { isolate, timing }: Keeping,
  ): Held | undefined | Promise<Held | undefined> {
    const snapshot = isolate ? entry.snapshot : shareAsIs(entry.snapshot.value);
    const held = heldOf(entry, snapshot, { key, epoch: -1, since }, timing);
    const valid = this.tags.confirm(held, Date.now());
    if (valid !== undefined) return valid ? held : undefined;
    const confirmed = (): Held | undefined => (this.tags.confirm(held, Date.now()) ? held : undefined);
    return this.tags.learn(namesOf(held), Date.now())?.then(confirmed) ?? confirmed();
  }

  #confirmed(text: string, held: Held, now: number): Held | undefined {
    const valid = this.tags.confirmHeld(held, now);
    if (valid === false && this.memory.peek(text) === held) this.memory.delete(text);
    return valid ? held : undefined;
  }

  /** Also changes by hand, which leave no trace in any version. */
  #missed(): void {
    this.changes++;
    this.#onForget();
    this.memory.clear();
    this.tags.missed();
  }

  #dropOutdated(): void {
    const now = Date.now();
    for (const [text, held] of this.memory.entries()) {
      if (this.tags.confirm(held as Held, now) === false) this.memory.delete(text);
    }
  }

  readonly #subscriptionFailed = (error: unknown): void => this.#onError("changes", error);
}
