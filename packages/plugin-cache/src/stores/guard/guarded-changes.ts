import { RefusedError } from "../refused-error.js";
import type { ChangeFeed, ChangeListener } from "../store.js";
import type { Circuit } from "./circuit.js";

type End = () => Promise<void>;

/** Subscriptions that survive outages. */
export class GuardedChanges implements ChangeFeed {
  readonly #feed: ChangeFeed;
  readonly #circuit: Circuit;
  /** With what ends them, where the store has them. */
  readonly #listeners = new Map<ChangeListener, End | undefined>();

  constructor(feed: ChangeFeed, circuit: Circuit) {
    this.#feed = feed;
    this.#circuit = circuit;
  }

  get latency(): number {
    return this.#feed.latency;
  }

  /** @throws RefusedError where the store lets nobody listen; other failures are mended in the background */
  async subscribe(listener: ChangeListener): Promise<End> {
    this.#listeners.set(listener, undefined);
    try {
      await this.#circuit.call("subscribe", () => this.#begin(listener));
    } catch (error) {
      if (error instanceof RefusedError) {
        this.#listeners.delete(listener);
        throw error;
      }
      this.#circuit.open(error);
    }
    return async () => {
      const end = this.#listeners.get(listener);
      this.#listeners.delete(listener);
      await end?.();
    };
  }

  /** Subscribes for those that could not be before. */
  async recover(): Promise<void> {
    for (const [listener, end] of this.#listeners) if (!end) await this.#recoverOne(listener);
  }

  missed(): void {
    for (const listener of this.#listeners.keys()) listener.missed();
  }

  async #recoverOne(listener: ChangeListener): Promise<void> {
    try {
      await this.#circuit.inTime("subscribe", () => this.#begin(listener));
    } catch (error) {
      if (!(error instanceof RefusedError)) throw error;
      this.#listeners.delete(listener);
      listener.refused?.(error);
    }
  }

  async #begin(listener: ChangeListener): Promise<void> {
    // Two attempts may overlap where the first took too long: each is one of its own, so that it ends alone.
    const end = await this.#feed.subscribe({
      changed: (change) => listener.changed(change),
      missed: () => listener.missed(),
    });
    if (this.#listeners.has(listener) && !this.#listeners.get(listener)) this.#listeners.set(listener, end);
    else await end();
  }
}
