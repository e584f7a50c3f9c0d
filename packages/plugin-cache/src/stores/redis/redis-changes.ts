import { ChangeListeners } from "../change-listeners.js";
import { ChangeMessages } from "../change-messages.js";
import { RefusedError } from "../refused-error.js";
import { toStoreError } from "./library.js";
import type { Change, ChangeFeed, ChangeListener } from "../store.js";
import type { Prepare, RedisConnection } from "./redis-connection.js";

/** Says to everybody that changes were lost: it has neither a change nor whose it is. */
export const lostMessage = "{}";

export interface ChangesOptions {
  /** The store's. */
  readonly name: string;
  readonly channel: string;
  /** Told once where others cannot be told of changes. */
  onError(error: unknown): void;
  /** Says a message on the channel, on the connection that changes are made on. */
  publish(message: string): Promise<unknown>;
  /** Makes the connection that listens, for `prepare` to make it listen each time. */
  connect(prepare: Prepare, onAway: (reason: unknown) => void): RedisConnection;
}

/** Changes in one message; more become several. */
const maxTogether = 500;

/** Changes by publish and subscribe. What is said while a subscriber is away is lost to it, and it learns that. */
export class RedisChanges implements ChangeFeed {
  readonly latency = 50;
  readonly #options: ChangesOptions;
  readonly #subscriber: RedisConnection;
  readonly #messages = new ChangeMessages();
  readonly #listeners = new ChangeListeners();
  /** What is changed before the event loop goes on, and the promise that it is said. */
  #untold: Change[] = [];
  #telling: Promise<void> | undefined;
  #isMute = false;
  #isAway = false;

  constructor(options: ChangesOptions) {
    this.#options = options;
    this.#subscriber = options.connect(
      async (client) => {
        await client.subscribe(options.channel, (message) => this.#messages.read(message, this.#listeners));
        this.#listeners.missed();
        if (this.#isAway) this.#listening(true);
      },
      (reason) => this.#listening(false, toStoreError(reason, options.name)),
    );
  }

  /**
   * Tells others of a change that the server was asked for before. What is changed at the same time
   * is one message: each is read by every process there is.
   */
  tell(change: Change): Promise<void> {
    this.#untold.push(change);
    // Commands are written later in the same turn of the event loop: the message goes with them.
    return (this.#telling ??= new Promise((resolve, reject) => {
      process.nextTick(() => this.#tellAll().then(resolve, reject));
    }));
  }

  /** @param failure what the server said to a message of a script; nothing where it was told */
  told(failure: unknown): void {
    if (failure !== "") this.#mute(`${this.#options.name} refuses: ${String(failure)}`);
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

  async #tellAll(): Promise<void> {
    const changes = this.#untold;
    this.#untold = [];
    this.#telling = undefined;
    const messages: string[] = [];
    for (let at = 0; at < changes.length; at += maxTogether)
      messages.push(this.#messages.write(...changes.slice(at, at + maxTogether)));
    try {
      await Promise.all(messages.map((message) => this.#options.publish(message)));
    } catch (error) {
      if (!(error instanceof RefusedError)) throw error;
      this.#mute(error.message);
    }
  }

  #mute(reason: string): void {
    if (this.#isMute) return;
    this.#isMute = true;
    const { name, onError } = this.#options;
    onError(new RefusedError(`${name} does not let others be told of changes: ${reason}`));
  }

  #listening(isListening: boolean, reason?: unknown): void {
    this.#isAway = !isListening;
    this.#listeners.listening(isListening, reason);
  }
}
