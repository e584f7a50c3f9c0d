import type { Change, Store } from "../stores/store.js";
import type { EntryHead } from "../values/entry.js";
import { anyTag, everything, firstVersion, namesOf, newVersion, operationTag, userTag } from "./names.js";
import { KnownVersions, type ReadingMoment } from "./known-versions.js";
import { VersionReader } from "./version-reader.js";

/** An entry, as far as its tags go. */
export interface Tagged extends Pick<EntryHead, "operation" | "versions"> {
  /** The epoch in which it was last found valid; -1 before the first time. */
  epoch: number;
  /** The epoch in which it was read, or its method called. */
  readonly since: number;
  /** What the store calls it. */
  readonly key: string | undefined;
}

/** The state of the tags when a method is called. */
export interface TagsAtCall extends Tagged {
  readonly moment: number;
  /** The version of {@link anyTag}. */
  readonly any: string;
}

export interface TagVersionsOptions {
  /** Told of a store that fails to give versions, where what is known stands. */
  onError(action: "get", error: unknown): void;
  /** Too many tags are known, and all are about to be forgotten: what they make outdated must go first. */
  onForget(): void;
}

/** How long versions are trusted that nobody tells the changes of, and after a failure those that could not be read. */
const trustMs = 1_000;
const maxKnown = 10_000;

/**
 * The versions of tags, as far as this process knows them, and the judgement on entries that
 * follows. An entry is outdated as soon as one of its tags has another version than when the
 * method was called. Versions are random and never come again: an old one is not taken for valid
 * however late it arrives, and no clocks are compared.
 */
export class TagVersions {
  readonly #options: TagVersionsOptions;
  readonly #known = new KnownVersions();
  /** Keys that other processes changed by hand, and the epochs that began with it. */
  readonly #changedKeys = new Map<string, number>();
  readonly #reader = new VersionReader((names) => this.#read(names));
  #store: Store | undefined;
  #epoch = 0;
  #trustedUntil = Infinity;
  #retryAt = 0;
  /** While changes are not told that should be: what was last found valid in an earlier epoch has to be read again. */
  #unheardSince: number | undefined;

  constructor(options: TagVersionsOptions) {
    this.#options = options;
  }

  /** Grows with every change: what was found valid in it still is. */
  get epoch(): number {
    return this.#epoch;
  }

  /**
   * Begins anew with the versions of a store; without one they live in this process alone. What this
   * process has changed and is on its way stays changed.
   */
  use(store: Store | undefined): void {
    this.#store = store;
    this.missed();
    this.#trustedUntil = store ? 0 : Infinity;
    this.#unheardSince = undefined;
  }

  /** From now on {@link told} is told of every change, and what is known needs no second look. */
  trust(): void {
    this.#trustedUntil = Infinity;
    this.#unheardSince = undefined;
    this.missed();
  }

  /** Nobody tells of changes, against what was thought. */
  distrust(): void {
    this.#trustedUntil = 0;
    this.#unheardSince ??= this.#epoch;
  }

  /** Changes may have been missed. */
  missed(): void {
    this.#known.forgetLearnt();
    // What is being read may be from before.
    this.#known.beginReading();
    this.#changedKeys.clear();
    this.#retryAt = 0;
    this.#epoch++;
  }

  /** Another process has changed something. */
  told(change: Change): void {
    this.#epoch++;
    if (change.kind === "version") this.#reader.forget(change.name);
    if (change.kind === "key") this.#changedKeys.set(change.key, this.#epoch);
    else this.#known.told(change.name, change.version);
    this.#bound();
  }

  /** Whether an entry needs no look at its tags. The hot path. */
  isSettled(entry: Tagged, now: number): boolean {
    return entry.epoch === this.#epoch && now < this.#trustedUntil;
  }

  /** Whether an entry is valid; `undefined` where something has to be {@link learn | learnt} first. */
  confirm(entry: Tagged, now: number): boolean | undefined {
    this.#checkTrust(now);
    if (entry.epoch === this.#epoch) return true;
    if (this.#isChanged(entry)) return false;
    for (const name of namesOf(entry)) {
      const version = this.#versionOf(name, now);
      if (version === undefined) return undefined;
      if (version !== (entry.versions[name] ?? firstVersion)) return false;
    }
    entry.epoch = this.#epoch;
    return true;
  }

  /**
   * As {@link confirm}, for an entry that memory holds. While nobody tells what others change, `false`
   * once a second for each, so that it is read again: what they do to a key leaves no trace in versions.
   * As long as the store does not answer, what memory holds stands.
   */
  confirmHeld(entry: Tagged, now: number): boolean | undefined {
    this.#checkTrust(now);
    const isUnheard = entry.key !== undefined && entry.epoch < (this.#unheardSince ?? -1);
    const isValid = this.confirm(entry, now);
    if (!isValid || !isUnheard || now < this.#retryAt) return isValid;
    // For all who look at it at the same time.
    entry.epoch = -1;
    return false;
  }

  /** As far as is known without reading: for what must be told at once. */
  seemsValid(entry: Tagged): boolean {
    return (
      !this.#isChanged(entry) &&
      namesOf(entry).every((name) => this.#known.latest(name) === (entry.versions[name] ?? firstVersion))
    );
  }

  /** Reads what is not known of these tags; `undefined` where nothing has to be read. */
  learn(names: readonly string[], now: number): Promise<void> | undefined {
    this.#checkTrust(now);
    const unknown = this.#unknown(names, now);
    return unknown.length > 0 ? this.#learn(unknown) : undefined;
  }

  /** The names of everything that has to be learnt before a call. */
  namesAt(operation: string, tags: readonly string[]): string[] {
    return [everything, operationTag(operation), anyTag, ...tags.map(userTag)];
  }

  /** The state in which a method is called. What is still not known is taken for never invalidated: if it was, the entry is outdated. */
  atCall(operation: string, tags: readonly string[], key: string | undefined): TagsAtCall {
    const versions: Record<string, string> = {};
    for (const tag of tags) versions[userTag(tag)] = this.#known.latest(userTag(tag));
    for (const name of [everything, operationTag(operation)]) {
      const version = this.#known.latest(name);
      if (version !== firstVersion) versions[name] = version;
    }
    const any = this.#known.latest(anyTag);
    const epoch = this.#epoch;
    return { operation, versions, any, key, epoch, since: epoch, moment: this.#known.now.moment };
  }

  /**
   * The versions that tags had when the method was called, for tags that only its result names;
   * `undefined` where one of them may have changed since.
   */
  async versionsAt(
    { any, moment }: TagsAtCall,
    tags: readonly string[],
  ): Promise<Record<string, string> | undefined> {
    const names = [anyTag, ...tags.map(userTag)];
    const begun = this.#known.now;
    const stored = await this.#store?.versions(names).catch((error: unknown) => {
      this.#options.onError("get", error);
      return undefined;
    });
    const isQuiet = stored !== undefined && (stored[0] ?? firstVersion) === any;
    const versions: Record<string, string> = {};
    let sure = true;
    for (const [index, name] of names.entries()) {
      const known = this.#known.get(name);
      const before = known && known.since <= moment ? known.version : undefined;
      const now = stored ? (stored[index] ?? firstVersion) : (before ?? firstVersion);
      if (stored) this.#learnt(name, now, begun);
      if (name === anyTag) continue;
      // A tag that was never invalidated was not invalidated during the call either.
      if ((known && known.changed > moment) || (now !== before && now !== firstVersion && !isQuiet))
        sure = false;
      versions[name] = now;
    }
    return sure ? versions : undefined;
  }

  /**
   * Gives tags another version: at once in this process, then in the store and wherever that tells
   * of its changes.
   *
   * @throws the store's error
   */
  async renewTags(tags: readonly string[]): Promise<void> {
    // Who finds a new version of a tag beside an old one of `any` must be able to rely on it.
    await this.#renew(tags.map(userTag), anyTag);
  }

  /** As {@link renewTags}, for everything that an operation returned. */
  async renewOperation(operation: string): Promise<void> {
    await this.#renew([operationTag(operation)]);
  }

  /** As {@link renewTags}, for everything. */
  async renewEverything(): Promise<void> {
    await this.#renew([everything]);
  }

  /** @param first is written before the others */
  async #renew(names: readonly string[], first?: string): Promise<void> {
    const store = this.#store;
    const here = (name: string): (() => Promise<void>) => {
      if (store) this.#known.change(name, newVersion());
      else this.#known.set(name, newVersion());
      return async () => store && this.#write(store, name);
    };
    this.#epoch++;
    const writeFirst = first === undefined ? undefined : here(first);
    const writes = [...new Set(names)].map(here);
    this.#bound();
    const failures: unknown[] = [];
    // All are tried: a store that fails for a moment may do it later.
    const attempt = (write: () => Promise<void>): Promise<unknown> =>
      write().catch((error: unknown) => failures.push(error));
    if (writeFirst) await attempt(writeFirst);
    await Promise.all(writes.map(attempt));
    if (failures.length > 0) throw failures[0];
  }

  async #write(to: Store, name: string): Promise<void> {
    let isTaken = false;
    let store = to;
    let version = newVersion();
    try {
      await store.setVersion(name, version).catch(async (error: unknown) => {
        // Another one has taken its place meanwhile.
        if (!this.#store || this.#store === store) throw error;
        store = this.#store;
        version = newVersion();
        await store.setVersion(name, version);
      });
      isTaken = true;
    } finally {
      this.#epoch++;
      this.#known.arrived(name, version, isTaken);
      this.#reader.forget(name);
    }
  }

  async #learn(names: readonly string[]): Promise<void> {
    // What is told of while it is read has to be read once more.
    for (let left = names, tries = 0; left.length > 0 && tries < 3; tries++) {
      await this.#reader.read(left);
      left = this.#unknown(left, Date.now());
    }
  }

  #unknown(names: readonly string[], now: number): string[] {
    return names.filter((name) => this.#versionOf(name, now) === undefined);
  }

  async #read(names: readonly string[]): Promise<void> {
    const store = this.#store;
    const begun = this.#known.now;
    if (!store) return;
    try {
      const versions = await store.versions(names);
      if (store !== this.#store) return;
      for (const [index, name] of names.entries()) this.#learnt(name, versions[index] ?? firstVersion, begun);
      this.#bound();
    } catch (error) {
      this.#retryAt = Date.now() + trustMs;
      this.#options.onError("get", error);
    }
  }

  #learnt(name: string, version: string, begun: ReadingMoment): void {
    if (this.#known.learnt(name, version, begun)) this.#epoch++;
  }

  /** `undefined` where it has to be read. */
  #versionOf(name: string, now: number): string | undefined {
    const isKnown = !this.#store || this.#known.has(name) || now < this.#retryAt;
    return isKnown ? this.#known.latest(name) : undefined;
  }

  #isChanged({ key, since }: Tagged): boolean {
    return key !== undefined && (this.#changedKeys.get(key) ?? 0) > since;
  }

  /** Where nobody tells of changes, what is known has to be read again, each tag when it is next needed. */
  #checkTrust(now: number): void {
    if (now < this.#trustedUntil) return;
    this.#trustedUntil = now + trustMs;
    this.#known.beginReading();
    this.#epoch++;
    if (this.#unheardSince !== undefined) this.#unheardSince = this.#epoch;
  }

  #bound(): void {
    if (this.#known.size <= maxKnown && this.#changedKeys.size <= maxKnown) return;
    this.#options.onForget();
    this.#forget();
  }

  #forget(): void {
    this.#known.forgetAll();
    this.#changedKeys.clear();
    this.#retryAt = 0;
    this.#epoch++;
  }
}
