import { RefusedError } from "../refused-error.js";
import type { Change, ChangeFeed, ChangeListener } from "../store.js";
import type { Backlog } from "./backlog.js";
import type { Circuit } from "./circuit.js";
import { entryId } from "./writes.js";

type End = () => Promise<void>;

/** Subscriptions that survive outages, and messages that are sent again after one. */
export class GuardedChanges implements ChangeFeed {
  readonly latency: number;
  readonly #feed: ChangeFeed;
  readonly #circuit: Circuit;
  readonly #backlog: Backlog;
  /** With what ends them, where the store has them. */
  readonly #listeners = new Map<ChangeListener, End | undefined>();

  constructor(feed: ChangeFeed, circuit: Circuit, backlog: Backlog) {
    this.latency = feed.latency;
    this.#feed = feed;
    this.#circuit = circuit;
    this.#backlog = backlog;
  }

  async publish(change: Change): Promise<void> {
    // Whoever hears of it reads the entry anew, and must not find the old one.
    if (change.kind === "key" && this.#backlog.announce(entryId(change.key))) return;
    await this.#circuit.inTime("publish", () => this.#backlog.put({ kind: "change", change }));
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
    for (const [listener, end] of this.#listeners)
      if (!end) await this.#circuit.inTime("subscribe", () => this.#begin(listener));
  }

  missed(): void {
    for (const listener of this.#listeners.keys()) listener.missed();
  }

  async #begin(listener: ChangeListener): Promise<void> {
    const end = await this.#feed.subscribe(listener);
    // Two attempts may overlap where the first took too long.
    if (this.#listeners.has(listener) && !this.#listeners.get(listener)) this.#listeners.set(listener, end);
    else await end();
  }
}
