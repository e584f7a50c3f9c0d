import { CircuitOpenError, ResourceExhaustedError } from "@mlmcp/core";
import { everything, newVersion } from "../../tags/names.js";
import { RefusedError } from "../refused-error.js";
import type { Store } from "../store.js";
import { within } from "../time-limit.js";
import type { Circuit } from "./circuit.js";
import { belongsTo, Episode } from "./episode.js";
import { bytesOf, idOf, isByHand, perform, replayOrder, type Write, type WriteKind } from "./writes.js";

export interface BacklogOptions {
  readonly store: Store;
  readonly circuit: Circuit;
  /** Told of writes that are given up, where nobody waits for them any more. */
  onError(error: unknown): void;
  /** Told where everything is outdated in place of what waits: this process does not know that yet either. */
  onOutdated(): void;
  /** Entries that may wait. @default 5,000 */
  readonly maxSets?: number;
  /** Bytes of the entries that may wait, and of those that may be under way, the last one aside. @default 32 MiB each */
  readonly maxBytes?: number;
  /** Invalidations of one kind that may wait; more become one of everything. @default 10,000 */
  readonly maxInvalidations?: number;
}

/** One write that the store has not taken, and who waits for it. */
interface Slot {
  write: Write;
  /** How often it failed. */
  attempts: number;
  /** Bytes of what is under way, which may be an older write. */
  sentBytes: number;
  /** Since when it is under way, as a number that grows with every time; 0 where it is not. */
  sent: number;
  readonly waiting: Array<{ resolve(answer: unknown): void; reject(error: unknown): void }>;
}

const maxUnderWay = 256;
const groupSize = 64;
/** When a write that neither succeeds nor fails is tried again, at the latest. */
const patienceMs = 30_000;
const maxAttempts = 5;
const [firstRetryMs, lastRetryMs] = [100, 5_000];

/**
 * Writes that a store has not taken yet, the newest of each key. Those that fail are tried again:
 * entries a few times, within bounds; invalidations until the store has them. An entry that was made
 * by hand and is given up becomes the invalidation of its key.
 */
export class Backlog {
  #options: Required<BacklogOptions>;
  readonly #slots = new Map<string, Slot>();
  /** Ids of those that wait for their turn. */
  readonly #queue = new Set<string>();
  readonly #counts: Record<WriteKind, number> = { set: 0, delete: 0, version: 0, clear: 0 };
  readonly #settled = new Set<() => void>();
  #bytes = 0;
  #bytesUnderWay = 0;
  #lost = 0;
  /** Since writes began to be given up, something has always waited. */
  #losing: Episode | undefined;
  #underWay = 0;
  #lastSent = 0;
  /** What was sent up to here was under way when it was last looked. */
  #watchedFrom = 0;
  #watch: NodeJS.Timeout | undefined;
  #retry: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: BacklogOptions) {
    this.#options = { maxSets: 5_000, maxBytes: 32 * 1024 * 1024, maxInvalidations: 10_000, ...options };
  }

  /** Writes that the store has not taken. */
  get size(): number {
    return this.#slots.size;
  }

  /** Writes that were given up so far, besides those that the store refused. */
  get lost(): number {
    return this.#lost;
  }

  /** What waits under an id. */
  find(id: string): Write | undefined {
    return this.#slots.get(id)?.write;
  }

  get isClearing(): boolean {
    return this.#counts.clear > 0;
  }

  /**
   * Gives a write to the store, now or as soon as it can be. Answers when it is there; where a newer
   * one takes its place, when that is.
   *
   * @throws what it failed with the first time: it is tried again all the same
   */
  put(write: Write): Promise<unknown> {
    const id = idOf(write);
    if (write.kind === "clear") this.#supersede("set", "delete");
    const slot = this.#slots.get(id) ?? this.#add(id, write);
    this.#replace(slot, write);
    const { error } = this.#options.circuit;
    if (error) {
      this.#bound();
      return Promise.reject(error);
    }
    const answer = new Promise((resolve, reject) => slot.waiting.push({ resolve, reject }));
    if (slot.sent === 0) this.#queue.add(id);
    this.#bound();
    this.#pump();
    return answer;
  }

  /** What waits, but for entries. */
  get invalidations(): Write[] {
    return Array.from(this.#slots.values(), ({ write }) => write).filter(({ kind }) => kind !== "set");
  }

  /**
   * Gives the store everything that waits, in order.
   *
   * @param patience how long each write may take. Milliseconds. @default the usual time
   * @throws what the first of them fails with
   */
  async replay(patience?: number): Promise<void> {
    this.#queue.clear();
    for (const kind of replayOrder) {
      // Versions in their order: who finds a later one may rely on those before it.
      const size = kind === "version" ? 1 : groupSize;
      for (let ids = this.#idsOf(kind); ids.length > 0; ids = ids.slice(size))
        await Promise.all(ids.slice(0, size).map((id) => this.#replayOne(id, patience)));
    }
  }

  /** From now on gives another store on the same place what waits, and what comes, each after what is under way of its key. */
  async serve(options: BacklogOptions): Promise<void> {
    this.#options = { ...this.#options, ...options };
    if (options.circuit.isOpen) return;
    await this.replay().catch(() => undefined);
    this.resume();
  }

  /** Goes on with what waits. */
  resume(): void {
    for (const [id, { sent }] of this.#slots) if (sent === 0) this.#queue.add(id);
    this.#pump();
  }

  /**
   * Answers when the store has taken everything, has taken nothing for a while, or the time is over.
   *
   * @param idleMs how long it may take nothing
   * @param limitMs how long it may take in all
   * @param gone answers `false` as soon as it is known that the store will take nothing
   */
  async drain(idleMs: number, limitMs: number, gone?: Promise<false>): Promise<void> {
    const until = performance.now() + limitMs;
    while (this.#slots.size > 0) {
      const patience = Math.min(idleMs, until - performance.now());
      if (patience <= 0) return;
      const moved = new Promise<boolean>((resolve) => {
        this.#settled.add(() => resolve(true));
        void gone?.then(resolve);
      });
      if (!(await within(patience, moved).catch(() => false))) return;
    }
  }

  /** Ends its timers. What waits is lost. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#retry);
    clearInterval(this.#watch);
    this.#queue.clear();
  }

  #add(id: string, write: Write): Slot {
    const slot: Slot = { write, attempts: 0, sentBytes: 0, sent: 0, waiting: [] };
    this.#slots.set(id, slot);
    this.#count(write, 1);
    return slot;
  }

  #replace(slot: Slot, write: Write): void {
    this.#count(slot.write, -1);
    this.#count(write, 1);
    slot.write = write;
    slot.attempts = 0;
  }

  #remove(id: string, { write }: Slot): void {
    if (this.#slots.delete(id)) this.#count(write, -1);
    this.#queue.delete(id);
    if (this.#slots.size === 0) this.#losing = undefined;
    for (const told of this.#settled) told();
    this.#settled.clear();
  }

  #count(write: Write, by: 1 | -1): void {
    this.#counts[write.kind] += by;
    this.#bytes += by * bytesOf(write);
  }

  #idsOf(kind: WriteKind): string[] {
    if (this.#counts[kind] === 0) return [];
    return [...this.#slots].filter(([, { write }]) => write.kind === kind).map(([id]) => id);
  }

  #pump(): void {
    const { circuit, maxBytes } = this.#options;
    for (const id of this.#queue) {
      if (this.#underWay >= maxUnderWay || this.#bytesUnderWay >= maxBytes) return;
      if (circuit.isOpen || this.#closed) return;
      this.#queue.delete(id);
      const slot = this.#slots.get(id);
      if (slot && slot.sent === 0) this.#send(id, slot);
    }
  }

  #send(id: string, slot: Slot): void {
    const { store, circuit } = this.#options;
    const { write } = slot;
    const sent = this.#leave(slot);
    circuit
      .pass(() => perform(write, store))
      .then(
        (answer) => {
          if (this.#isBack(slot, sent)) this.#taken(id, slot, write, answer);
          this.#pump();
        },
        (error: unknown) => {
          if (this.#isBack(slot, sent)) this.#failed(id, slot, write, error);
          this.#pump();
        },
      );
  }

  async #replayOne(id: string, patience: number | undefined): Promise<void> {
    const { store, circuit } = this.#options;
    const slot = this.#slots.get(id);
    if (!slot) return;
    const { write } = slot;
    if (slot.sent > 0) {
      // From before the outage. An entry may come when it likes; after an invalidation everything is read.
      if (write.kind === "set") return;
      throw new Error(`an earlier ${write.kind} is still under way`);
    }
    const work = (): Promise<unknown> => perform(write, store);
    const sent = this.#leave(slot);
    try {
      const answer = await circuit.inTime(write.kind, work, { patience });
      if (this.#isBack(slot, sent)) this.#taken(id, slot, write, answer);
    } catch (error) {
      if (this.#isBack(slot, sent)) this.#failed(id, slot, write, error);
      if (!(error instanceof RefusedError)) throw error;
    }
  }

  /** @returns what tells this time from others */
  #leave(slot: Slot): number {
    this.#underWay++;
    slot.sentBytes = bytesOf(slot.write);
    this.#bytesUnderWay += slot.sentBytes;
    this.#watch ??= setInterval(() => this.#giveUpStuck(), patienceMs / 2).unref();
    return (slot.sent = ++this.#lastSent);
  }

  /** `false` where it was given up meanwhile. */
  #isBack(slot: Slot, sent: number): boolean {
    if (slot.sent !== sent) return false;
    slot.sent = 0;
    this.#underWay--;
    this.#bytesUnderWay -= slot.sentBytes;
    return true;
  }

  /** Writes that neither succeed nor fail are tried again; what comes of the first time is of no interest. */
  #giveUpStuck(): void {
    const [from, until] = [this.#watchedFrom, this.#lastSent];
    this.#watchedFrom = until;
    for (const [id, slot] of this.#slots) {
      if (slot.sent === 0 || slot.sent > from) continue;
      const error = new Error(`${this.#options.store.name} has not answered a ${slot.write.kind}`);
      this.#isBack(slot, slot.sent);
      this.#options.circuit.gaveUp(error);
      this.#failed(id, slot, slot.write, error);
    }
    if (this.#underWay > 0) return;
    clearInterval(this.#watch);
    this.#watch = undefined;
  }

  #taken(id: string, slot: Slot, write: Write, answer: unknown): void {
    if (slot.write !== write) return void this.#queue.add(id);
    this.#remove(id, slot);
    for (const { resolve } of slot.waiting.splice(0)) resolve(answer);
  }

  #failed(id: string, slot: Slot, write: Write, error: unknown): void {
    if (slot.write !== write) return void this.#queue.add(id);
    if (!(error instanceof CircuitOpenError)) slot.attempts++;
    const isGivenUp = error instanceof RefusedError || (write.kind === "set" && slot.attempts >= maxAttempts);
    if (isGivenUp) return this.#giveUp(id, slot, error);
    for (const { reject } of slot.waiting.splice(0)) reject(error);
    this.#retryLater(slot.attempts);
  }

  #giveUp(id: string, slot: Slot, error: unknown): void {
    const { write } = slot;
    const isAlone = slot.waiting.length === 0;
    const isLost = isAlone || !(error instanceof RefusedError);
    if (isLost) {
      // Where many are lost together the first is told, and how many they are is counted.
      belongsTo(error, (this.#losing ??= new Episode()));
      this.#lost++;
    }
    if (isAlone) this.#options.onError(error);
    if (isLost && isByHand(write)) {
      // What the store has of the key is older, and must not be there once it takes something.
      this.#replace(slot, { kind: "delete", key: write.key });
      this.#retryLater(1);
    } else this.#remove(id, slot);
    for (const { reject } of slot.waiting.splice(0)) reject(error);
  }

  #retryLater(attempts: number): void {
    if (this.#retry || this.#closed) return;
    const delay = Math.min(firstRetryMs * 2 ** Math.max(0, attempts - 1), lastRetryMs);
    this.#retry = setTimeout(() => {
      this.#retry = undefined;
      if (!this.#options.circuit.isOpen) this.resume();
    }, delay).unref();
  }

  /** Drops what something greater takes the place of. */
  #supersede(...kinds: readonly WriteKind[]): void {
    for (const [id, slot] of this.#slots) {
      if (slot.sent > 0 || !kinds.includes(slot.write.kind)) continue;
      this.#remove(id, slot);
      for (const { resolve } of slot.waiting.splice(0)) resolve(false);
    }
  }

  /** What is under way cannot be dropped any more, and must not make what is newer go. */
  get #waitingBytes(): number {
    return this.#bytes - this.#bytesUnderWay;
  }

  #bound(): void {
    const { maxSets, maxBytes, maxInvalidations } = this.#options;
    if (this.#counts.set > maxSets || this.#waitingBytes > maxBytes) this.#dropOldest();
    if (this.#counts.delete > maxInvalidations) this.#outdateEverything({ kind: "clear" });
    if (this.#counts.version > maxInvalidations) this.#outdateEverything();
  }

  #dropOldest(): void {
    const { maxSets, maxBytes, store } = this.#options;
    for (const [id, slot] of this.#slots) {
      if (this.#counts.set <= maxSets && this.#waitingBytes <= maxBytes) return;
      if (slot.write.kind !== "set" || slot.sent > 0) continue;
      const error = new ResourceExhaustedError(
        `More than ${maxSets} entries or ${maxBytes} bytes wait for ${store.name}: the oldest is not kept.`,
        { code: "MLMCP_CACHE_BACKLOG" },
      );
      this.#giveUp(id, slot, error);
    }
  }

  /** In place of single tags and keys: others hold them in memory, and cannot be told of so many. */
  #outdateEverything(...before: readonly Write[]): void {
    this.#supersede("version");
    const version: Write = { kind: "version", name: everything, version: newVersion() };
    for (const write of [...before, version]) this.put(write).catch(() => undefined);
    this.#options.onOutdated();
  }
}
