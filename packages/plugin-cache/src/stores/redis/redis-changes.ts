import { randomBytes } from "node:crypto";
import type { Change, ChangeFeed, ChangeListener } from "../store.js";
import type { Commands } from "./commands.js";
import type { Prepare, RedisConnection } from "./redis-connection.js";

/** What is sent: a change and whose it is, or, without either, that changes were lost. */
interface Message {
  readonly from?: string;
  readonly change?: Change;
}

/** Says to everybody that changes were lost. */
export const lostMessage = JSON.stringify({} satisfies Message);

/** Changes by publish and subscribe. What is said while a subscriber is away is lost to it, and it learns that. */
export class RedisChanges implements ChangeFeed {
  readonly latency = 50;
  readonly #commands: Commands;
  readonly #channel: string;
  readonly #subscriber: RedisConnection;
  readonly #origin = randomBytes(9).toString("base64url");
  readonly #listeners = new Set<ChangeListener>();

  /** @param connect makes the connection that listens, for `prepare` to make it listen each time */
  constructor(commands: Commands, channel: string, connect: (prepare: Prepare) => RedisConnection) {
    this.#commands = commands;
    this.#channel = channel;
    this.#subscriber = connect(async (client) => {
      await client.subscribe(this.#channel, (message) => this.#hear(message));
      this.#missed();
    });
  }

  async publish(change: Change): Promise<void> {
    const message = JSON.stringify({ from: this.#origin, change } satisfies Message);
    await this.#commands.run((client) => client.publish(this.#channel, message));
  }

  async subscribe(listener: ChangeListener): Promise<() => Promise<void>> {
    await this.#subscriber.ready();
    this.#listeners.add(listener);
    return async () => void this.#listeners.delete(listener);
  }

  close(): Promise<void> {
    return this.#subscriber.close();
  }

  #hear(text: string): void {
    const { from, change } = parse(text);
    if (!change) this.#missed();
    else if (from !== this.#origin) for (const listener of this.#listeners) listener.changed(change);
  }

  #missed(): void {
    for (const listener of this.#listeners) listener.missed();
  }
}

/** Nobody else should speak on the channel; what is not understood may have been a change. */
function parse(text: string): Message {
  try {
    return (JSON.parse(text) ?? {}) as Message;
  } catch {
    return {};
  }
}
