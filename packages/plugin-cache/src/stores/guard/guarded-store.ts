import { newVersion } from "../../tags/names.js";
import type { EntryInfo, Store, StoredEntry, StoreFile } from "../store.js";
import { within } from "../time-limit.js";
import { Backlog, type BacklogOptions } from "./backlog.js";
import { Circuit } from "./circuit.js";
import { belongsTo } from "./episode.js";
import { GuardedChanges } from "./guarded-changes.js";
import { GuardedLocks } from "./guarded-locks.js";
import { entryId, versionId, type Write } from "./writes.js";

export interface GuardOptions extends Pick<BacklogOptions, "maxSets" | "maxBytes" | "maxInvalidations"> {
  /** How long a caller waits for the store. Milliseconds. */
  readonly timeout: number;
  /** Told of failures that no caller waits for. */
  onError(error: unknown): void;
  /** Told each time that the store is cut off. @param waiting writes that it has not taken yet */
  onDown?(reason: Error, waiting: number): void;
  /** Told each time that it is there again, and has what it missed. */
  onUp?(outage: OutageReport): void;
  /** Told each time that the store answers, and has told nothing of what others change for five seconds. */
  onDeaf?(reason: unknown): void;
  /** Told once, when the store is cut off for the first time. @default a process warning */
  onFirstOutage?(reason: Error): void;
}

/** What an outage came to. */
export interface OutageReport {
  /** How long the store was cut off. Milliseconds. */
  readonly ms: number;
  /** Writes that waited for it, and that it has now. */
  readonly written: number;
  /** Writes that were given up meanwhile. */
  readonly lost: number;
}

/** How a guarded store is, for health checks. */
export interface StoreStatus {
  /** `down`: it is asked nothing but whether it is there again. */
  readonly state: "up" | "down";
  /** Writes that it has not taken yet. */
  readonly waitingWrites: number;
  /** Writes that were given up since it was opened, besides those that it refused. */
  readonly lostWrites: number;
}

/** How long work may take whose time depends on how much there is. Milliseconds. */
const longPatienceMs = 30_000;
/** How long the end waits for a store that takes nothing. Milliseconds. */
const idleMs = 1_000;

/**
 * A store that answers or rejects within its time. One that does not answer is cut off; what it
 * should have taken waits, within bounds. When it is there again, it is first told what was
 * invalidated, and then asked. Until then what waits is what it holds.
 */
export class GuardedStore implements Store {
  readonly name: string;
  readonly locks?: GuardedLocks;
  readonly changes?: GuardedChanges;
  readonly deleteExpired?: () => Promise<number>;
  readonly entries?: (filter?: { readonly operation?: string }) => AsyncIterable<EntryInfo>;
  readonly #store: Store;
  readonly #options: GuardOptions;
  readonly #circuit: Circuit;
  readonly #backlogOptions: BacklogOptions;
  #backlog: Backlog;
  #hasWarned = false;
  #next: GuardedStore | undefined;
  /** What waits is another one's by now. */
  #hasHandedOver = false;
  /** When it was cut off, and how many writes had been given up by then. */
  #cutOff: { readonly since: number; readonly lost: number } | undefined;
  /** Writes that waited when it was last asked whether it is there. */
  #waited = 0;

  constructor(store: Store, options: GuardOptions) {
    this.name = store.name;
    this.#store = store;
    this.#options = options;
    this.#circuit = new Circuit({
      name: store.name,
      timeout: options.timeout,
      recover: (patience) => this.#recover(patience),
      opened: (reason) => this.#opened(reason),
      closed: () => this.#recovered(),
    });
    this.#backlogOptions = {
      ...options,
      store,
      circuit: this.#circuit,
      onOutdated: () => this.changes?.missed(),
    };
    this.#backlog = new Backlog(this.#backlogOptions);
    if (store.locks) this.locks = new GuardedLocks(store.locks, this.#circuit, (key) => this.#waiting(key));
    if (store.changes) {
      this.changes = new GuardedChanges({
        feed: store.changes,
        circuit: this.#circuit,
        ping: () => this.ping(),
        onDeaf: (reason) => options.onDeaf?.(reason),
      });
    }
    if (store.deleteExpired)
      this.deleteExpired = () => this.#long("deleteExpired", () => store.deleteExpired!());
    if (store.entries) this.entries = (filter) => store.entries!(filter);
    if (store.unopened) this.#circuit.open(store.unopened.reason);
  }

  get file(): StoreFile | undefined {
    return this.#store.file;
  }

  get unopened(): Store["unopened"] {
    return this.#store.unopened;
  }

  get status(): StoreStatus {
    return {
      state: this.#circuit.isOpen ? "down" : "up",
      waitingWrites: this.#backlog.size,
      lostWrites: this.#backlog.lost,
    };
  }

  /** Asks at once whether a store is there that is cut off. @throws what it fails with */
  async reconnect(): Promise<void> {
    if (this.#circuit.isOpen) await this.#circuit.reconnect();
  }

  /**
   * Has another store told of all invalidations that this one has not taken, and of all to come: of
   * those that are made while one takes the place of the other, neither may miss any. Where both are
   * on the same place it gets everything that waits: what the two take is written in the order of the calls.
   *
   * @param next that nobody has used so far
   */
  passOn(next: GuardedStore, { samePlace = false }: { readonly samePlace?: boolean } = {}): void {
    if (samePlace) {
      this.#hasHandedOver = true;
      next.#backlog = this.#backlog;
      void this.#backlog.serve(next.#backlogOptions);
      return;
    }
    this.#next = next;
    for (const write of this.#backlog.invalidations) next.#inherit(write);
  }

  /** Tells of a failure beside the calls, such as a lost connection, as a part of what calls meet. */
  notice(error: unknown): void {
    belongsTo(error, this.#circuit.outage);
    this.#options.onError(error);
  }

  get(key: string): Promise<StoredEntry | undefined> {
    const waiting = this.#waiting(key);
    return waiting ? Promise.resolve(waiting.entry) : this.#circuit.call("get", () => this.#store.get(key));
  }

  async getMany(keys: readonly string[]): Promise<readonly (StoredEntry | undefined)[]> {
    const waiting = keys.map((key) => this.#waiting(key));
    const asked = keys.filter((_, index) => !waiting[index]);
    const found =
      asked.length > 0 ? await this.#circuit.call("getMany", () => this.#store.getMany(asked)) : [];
    let next = 0;
    return waiting.map((one) => (one ? one.entry : found[next++]));
  }

  async set(key: string, entry: StoredEntry): Promise<void> {
    const answer = await this.#write({ kind: "set", key, entry });
    // `false` where a clear came before it.
    if (entry.fence && answer !== false) this.locks?.ended(entry.fence);
  }

  async delete(key: string): Promise<boolean> {
    return (await this.#write({ kind: "delete", key })) === true;
  }

  async clear(): Promise<void> {
    await this.#write({ kind: "clear" }, longPatienceMs);
  }

  async versions(names: readonly string[]): Promise<readonly (string | undefined)[]> {
    const found = await this.#circuit.call("versions", () => this.#store.versions(names));
    return names.map((name, index) => {
      const waiting = this.#backlog.find(versionId(name));
      return waiting?.kind === "version" ? waiting.version : found[index];
    });
  }

  async setVersion(name: string, version: string): Promise<void> {
    await this.#write({ kind: "version", name, version });
  }

  count(): Promise<Map<string, number> | undefined> {
    return this.#long("count", () => this.#store.count());
  }

  ping(): Promise<void> {
    return this.#circuit.call("ping", () => this.#store.ping());
  }

  /**
   * Gives the store what waits for it, as long as it takes it, and closes it. One that is cut off is
   * asked once more whether it is there. What it has not taken by then is lost, and told.
   *
   * @param limit how long it may take what waits. Milliseconds. @default 1,000
   */
  async close(limit = idleMs): Promise<void> {
    if (!this.#hasHandedOver) await this.#drain(limit);
    if (this.locks && !this.#circuit.isOpen)
      await within(idleMs, this.locks.releaseAll()).catch(() => undefined);
    this.#circuit.dispose();
    this.changes?.close();
    if (!this.#hasHandedOver) this.#closeBacklog();
    await this.#store.close();
  }

  #closeBacklog(): void {
    this.#backlog.close();
    const [waiting, lost] = [this.#backlog.size, this.#lostMeanwhile];
    if (waiting + lost > 0) {
      const before = lost > 0 ? `, ${lost} more were given up` : "";
      this.#options.onError(
        new Error(`${this.name} is closed, and ${waiting} writes have not reached it${before}`),
      );
    }
  }

  /** What the store would answer, had it taken all; `undefined` where it is to be asked. */
  #waiting(key: string): { readonly entry: StoredEntry | undefined } | undefined {
    const write = this.#backlog.find(entryId(key));
    if (write?.kind === "set") return { entry: write.entry.expires > Date.now() ? write.entry : undefined };
    return write || this.#backlog.isClearing ? { entry: undefined } : undefined;
  }

  async #drain(limit: number): Promise<void> {
    const circuit = this.#circuit;
    if (this.#backlog.size === 0 || !circuit.isOpen) return this.#backlog.drain(idleMs, limit);
    const gone = new Promise<false>((resolve) => circuit.reconnect(limit).catch(() => resolve(false)));
    await this.#backlog.drain(idleMs, limit, gone);
  }

  #inherit(write: Write): void {
    // Entries that were made since under a version of the other one must not be valid again.
    const own = write.kind === "version" ? { ...write, version: newVersion() } : write;
    this.#backlog.put(own).catch(() => undefined);
  }

  #write(write: Write, patience?: number): Promise<unknown> {
    if (this.#next && write.kind !== "set") this.#next.#inherit(write);
    return this.#circuit.inTime(write.kind, () => this.#backlog.put(write), { patience });
  }

  #long<T>(what: string, work: () => Promise<T>): Promise<T> {
    return this.#circuit.call(what, work, { patience: longPatienceMs });
  }

  async #recover(patience?: number): Promise<void> {
    await this.#store.reopen?.();
    await this.#circuit.inTime("ping", () => this.#store.ping(), {
      patience: patience ?? this.#options.timeout,
    });
    await this.changes?.recover();
    this.#waited = this.#backlog.size;
    if (!this.#hasHandedOver) await this.#backlog.replay(patience);
  }

  #recovered(): void {
    const ms = Date.now() - (this.#cutOff?.since ?? Date.now());
    const lost = this.#lostMeanwhile;
    this.#cutOff = undefined;
    this.#options.onUp?.({ ms, written: Math.max(0, this.#waited - this.#backlog.size), lost });
    this.changes?.missed();
    this.#backlog.resume();
  }

  get #lostMeanwhile(): number {
    return this.#cutOff ? this.#backlog.lost - this.#cutOff.lost : 0;
  }

  #opened(reason: Error): void {
    this.#cutOff = { since: Date.now(), lost: this.#backlog.lost };
    this.#options.onDown?.(reason, this.#backlog.size);
    this.#warn(reason);
  }

  #warn(reason: Error): void {
    // Of one that could not be opened who opens it warns.
    if (this.#hasWarned || this.#store.unopened) return;
    this.#hasWarned = true;
    const { onFirstOutage = warn } = this.#options;
    onFirstOutage(reason);
  }
}

function warn({ message }: Error): void {
  process.emitWarning(`The cache ${message}. Until it does, results are kept in memory only.`, {
    code: "MLMCP_CACHE_STORE",
  });
}
