import { ChangeListeners } from "../change-listeners.js";
import { ChangeMessages } from "../change-messages.js";
import { RefusedError } from "../refused-error.js";
import { toStoreError } from "./library.js";
import type { Change, ChangeFeed, ChangeListener } from "../store.js";
import type { Prepare, RedisConnection } from "./redis-connection.js";

/**
 * Publishes as a part of a script, after that which it tells of. An expression, for
 * {@link RedisChanges.told}: what failed, or nothing. That a user may not publish is no reason for
 * what is changed to fail.
 */
export function publish(channel: string, message: string): string {
  return `(function(told) return type(told) == "table" and told.err or "" end)(redis.pcall("PUBLISH", ${channel}, ${message}))`;
}

/** Says to everybody that changes were lost: it has neither a change nor whose it is. */
export const lostMessage = "{}";

export interface ChangesOptions {
  /** The store's. */
  readonly name: string;
  readonly channel: string;
  /** Told once where others cannot be told of changes. */
  onError(error: unknown): void;
  /** Makes the connection that listens, for `prepare` to make it listen each time. */
  connect(prepare: Prepare, onAway: (reason: unknown) => void): RedisConnection;
}

/** Changes by publish and subscribe. What is said while a subscriber is away is lost to it, and it learns that. */
export class RedisChanges implements ChangeFeed {
  readonly latency = 50;
  readonly #options: ChangesOptions;
  readonly #subscriber: RedisConnection;
  readonly #messages = new ChangeMessages();
  readonly #listeners = new ChangeListeners();
  #isMute = false;
  #isAway = false;

  constructor(options: ChangesOptions) {
    this.#options = options;
    this.#subscriber = options.connect(
      async (client) => {
        await client.subscribe(options.channel, (message) => this.#messages.read(message, this.#listeners));
        this.#listeners.missed();
        if (this.#isAway) this.#tell(true);
      },
      (reason) => this.#tell(false, toStoreError(reason, options.name)),
    );
  }

  /** What is published by who changes something. */
  messageOf(change: Change): string {
    return this.#messages.write(change);
  }

  /** @param failure what {@link publish} answered */
  told(failure: unknown): void {
    if (failure === "" || this.#isMute) return;
    this.#isMute = true;
    const { name, onError } = this.#options;
    onError(new RefusedError(`${name} does not let others be told of changes: ${String(failure)}`));
  }

  async subscribe(listener: ChangeListener): Promise<() => Promise<void>> {
    try {
      await this.#subscriber.ready();
    } catch (error) {
      const reason = toStoreError(error, this.#options.name);
      if (!(reason instanceof RefusedError)) throw error;
      // It goes on being tried: users may be let listen later.
      listener.listening?.(false, reason);
    }
    this.#listeners.add(listener);
    return async () => void this.#listeners.delete(listener);
  }

  close(): Promise<void> {
    return this.#subscriber.close();
  }

  #tell(isListening: boolean, reason?: unknown): void {
    this.#isAway = !isListening;
    this.#listeners.listening(isListening, reason);
  }
}
