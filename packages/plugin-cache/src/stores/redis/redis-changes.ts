import { ChangeListeners } from "../change-listeners.js";
import { ChangeMessages } from "../change-messages.js";
import { RefusedError } from "../refused-error.js";
import type { Change, ChangeFeed, ChangeListener } from "../store.js";
import { toStoreError, type RedisClient } from "./library.js";
import type { Prepare, RedisConnection } from "./redis-connection.js";

/** Says to everybody that changes were lost: it has neither a change nor whose it is. */
export const lostMessage = "{}";

export interface ChangesOptions {
  /** The store's. */
  readonly name: string;
  readonly channel: string;
  /** Told once where others cannot be told of changes. */
  onError(error: unknown): void;
  /** Takes what the connection that listens does not. */
  readonly commands: RedisConnection;
  /** Makes the connection that listens, for `prepare` to make it listen each time. */
  connect(prepare: Prepare, onAway: (reason: unknown) => void): RedisConnection;
}

/** Changes in one message; more become several. */
const maxTogether = 500;

/** What is changed before the event loop goes on. */
interface Group {
  /** Of all of them, so that the server learns of them before it is told to tell of them. */
  readonly connection: RedisConnection;
  readonly changes: Change[];
  readonly told: Promise<unknown>;
}

/** Changes by publish and subscribe. What is said while a subscriber is away is lost to it, and it learns that. */
export class RedisChanges implements ChangeFeed {
  readonly latency = 50;
  readonly #options: ChangesOptions;
  readonly #subscriber: RedisConnection;
  readonly #messages = new ChangeMessages();
  readonly #listeners = new ChangeListeners();
  #group: Group | undefined;
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
   * Makes a change and tells others of it. What is changed at the same time is one message: every
   * process reads each. Where it can be, that is done on the connection that listens, on which the
   * process hears its own messages together with the answers.
   */
  make<T>(change: Change, command: (client: RedisClient) => Promise<T>): Promise<T> {
    const group = (this.#group ??= this.#newGroup());
    group.changes.push(change);
    return Promise.all([group.connection.run(command), group.told]).then(([answer]) => answer);
  }

  /** @param failure what the server said to a message; nothing where it was told */
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

  #newGroup(): Group {
    const connection = this.#subscriber.isForAll ? this.#subscriber : this.#options.commands;
    const changes: Change[] = [];
    const told = new Promise<unknown>((resolve, reject) => {
      // Commands are written later in the same turn of the event loop: the message goes with them, and after them.
      process.nextTick(() => {
        this.#group = undefined;
        this.#publish(connection, changes).then(resolve, (error: unknown) => {
          if (!(error instanceof RefusedError)) return reject(error as Error);
          this.told((error.cause as Error).message);
          resolve(undefined);
        });
      });
    });
    return { connection, changes, told };
  }

  #publish(connection: RedisConnection, changes: readonly Change[]): Promise<unknown> {
    const { channel } = this.#options;
    const publish = (together: readonly Change[]): Promise<unknown> => {
      const message = this.#messages.write(together);
      return connection.run((client) => client.sendCommand(["PUBLISH", channel, message]));
    };
    const said: Array<Promise<unknown>> = [];
    for (let at = 0; at < changes.length; at += maxTogether)
      said.push(publish(changes.slice(at, at + maxTogether)));
    return Promise.all(said);
  }

  #listening(isListening: boolean, reason?: unknown): void {
    this.#isAway = !isListening;
    this.#listeners.listening(isListening, reason);
  }
}
