import { RefusedError } from "../refused-error.js";
import type { ChangeFeed, ChangeListener } from "../store.js";
import type { Circuit } from "./circuit.js";

type End = () => Promise<void>;

export interface GuardedChangesOptions {
  readonly feed: ChangeFeed;
  readonly circuit: Circuit;
  /** Rejects where the store does not answer. */
  ping(): Promise<void>;
  /** Told once of each time that nothing is told for long although the store answers. */
  onDeaf(reason: unknown): void;
}

/** How long a connection that listens may be away before that is told. Milliseconds. */
const patienceMs = 5_000;

/** Subscriptions that survive outages. */
export class GuardedChanges implements ChangeFeed {
  readonly #options: GuardedChangesOptions;
  /** With what ends them, where the store has them. */
  readonly #listeners = new Map<ChangeListener, End | undefined>();
  /** Those that are told nothing now, why, and whether that was told. */
  readonly #deaf = new Map<ChangeListener, { reason: unknown; isTold: boolean }>();
  #watch: NodeJS.Timeout | undefined;

  constructor(options: GuardedChangesOptions) {
    this.#options = options;
  }

  get latency(): number {
    return this.#options.feed.latency;
  }

  /** @throws RefusedError where the store lets nobody listen; other failures are mended in the background */
  async subscribe(listener: ChangeListener): Promise<End> {
    this.#listeners.set(listener, undefined);
    const { circuit } = this.#options;
    try {
      await circuit.call("subscribe", () => this.#begin(listener));
    } catch (error) {
      if (error instanceof RefusedError) {
        this.#listeners.delete(listener);
        throw error;
      }
      circuit.open(error);
    }
    return async () => {
      const end = this.#listeners.get(listener);
      this.#listeners.delete(listener);
      this.#heard(listener);
      await end?.();
    };
  }

  /** Subscribes for those that could not be before. A store that answers and cannot be listened to is used all the same. */
  async recover(): Promise<void> {
    const { circuit } = this.#options;
    for (const listener of this.#unsubscribed)
      await this.#recoverOne(listener, () => circuit.inTime("subscribe", () => this.#begin(listener)));
  }

  missed(): void {
    for (const listener of this.#listeners.keys()) listener.missed();
  }

  /** Ends its timer. */
  close(): void {
    clearInterval(this.#watch);
    this.#listeners.clear();
    this.#deaf.clear();
  }

  get #unsubscribed(): ChangeListener[] {
    return [...this.#listeners].flatMap(([listener, end]) => (end ? [] : [listener]));
  }

  async #recoverOne(listener: ChangeListener, begin: () => Promise<void>): Promise<void> {
    try {
      await begin();
    } catch (error) {
      if (!(error instanceof RefusedError)) return this.#listening(listener, false, error);
      this.#listeners.delete(listener);
      this.#heard(listener);
      listener.refused?.(error);
    }
  }

  async #begin(listener: ChangeListener): Promise<void> {
    let isListening = true;
    // Two attempts may overlap where the first took too long: each is one of its own, so that it ends alone.
    const end = await this.#options.feed.subscribe({
      changed: (change) => listener.changed(change),
      missed: () => listener.missed(),
      listening: (on, reason) => {
        isListening = on;
        this.#listening(listener, on, reason);
      },
    });
    if (!this.#listeners.has(listener) || this.#listeners.get(listener)) return end();
    this.#listeners.set(listener, end);
    if (isListening) this.#listening(listener, true);
  }

  #listening(listener: ChangeListener, on: boolean, reason?: unknown): void {
    if (!this.#listeners.has(listener)) return;
    const known = this.#deaf.get(listener);
    if (on) this.#heard(listener);
    else if (known) known.reason = reason;
    else this.#deaf.set(listener, { reason, isTold: false });
    if (this.#deaf.size > 0) this.#watch ??= setInterval(() => void this.#look(), patienceMs).unref();
    if (on === (known !== undefined)) listener.listening?.(on, reason);
  }

  #heard(listener: ChangeListener): void {
    this.#deaf.delete(listener);
    if (this.#deaf.size > 0) return;
    clearInterval(this.#watch);
    this.#watch = undefined;
  }

  async #look(): Promise<void> {
    const { ping, onDeaf } = this.#options;
    try {
      await ping();
    } catch {
      // In an outage nothing else is to be expected, and those who could not subscribe do so at its end.
      return;
    }
    for (const state of this.#deaf.values()) {
      if (!state.isTold) onDeaf(state.reason);
      state.isTold = true;
    }
    for (const listener of this.#unsubscribed) void this.#recoverOne(listener, () => this.#begin(listener));
  }
}
