import { within } from "../time-limit.js";
import { replyKind, toStoreError, type Library, type RedisClient } from "./library.js";

/** Makes a new connection fit for use. */
export type Prepare = (client: RedisClient) => Promise<void>;

export interface ConnectionOptions {
  readonly url: string;
  /** For messages. */
  readonly name: string;
  readonly prepare?: Prepare;
  /**
   * Whether it also takes commands while it listens: not where the server does not know RESP3, see
   * {@link RedisConnection.isForAll}. @default it only does one of the two
   */
  readonly isForAll?: boolean;
  /** Told each time that a connection is lost, and once while it cannot be had. */
  onError(error: unknown): void;
  /** Told each time that there is none: it is lost, or one more attempt has failed. */
  onAway?(reason: unknown): void;
}

const connectTimeoutMs = 2_000;
/** What a server may take to let somebody in, and for an answer to the heartbeat. */
const patienceMs = 5_000;
const heartbeatMs = 10_000;
const [firstRetryMs, lastRetryMs] = [50, 2_000];
const closeMs = 1_000;

/**
 * One connection that mends itself, each time with a new client. The client's own way of
 * reconnecting leaves timers behind, queues what is asked meanwhile, and does not notice a peer that
 * has gone silent.
 */
export class RedisConnection {
  readonly #library: Library;
  readonly #options: ConnectionOptions;
  #client: RedisClient | undefined;
  #isForAll = false;
  /** How much the present client has not answered. */
  #asked = { count: 0 };
  #attempt: Promise<void> | undefined;
  #abandon: () => void = () => undefined;
  #retry: NodeJS.Timeout | undefined;
  #heartbeat: NodeJS.Timeout | undefined;
  #failures = 0;
  /** Why there is none. */
  #reason = "not yet";
  #closed = false;

  constructor(library: Library, options: ConnectionOptions) {
    this.#library = library;
    this.#options = options;
  }

  /**
   * Connects. Where that fails it goes on trying, until it is closed.
   *
   * @throws what the attempt failed with
   */
  async open(): Promise<void> {
    try {
      await (this.#attempt ??= this.#connect());
    } finally {
      this.#attempt = undefined;
    }
  }

  /** Connects where there is no connection now. @throws as {@link open} */
  async ready(): Promise<void> {
    if (!this.#client) await this.open();
  }

  /** Whether there is a connection now that takes commands while it listens. */
  get isForAll(): boolean {
    return this.#isForAll && this.#client !== undefined;
  }

  /**
   * Asks something on the connection that there is now. Until it is answered, it keeps the process
   * alive; an idle connection does not.
   *
   * @throws Error where there is none, or what the command fails with, as guards know it
   */
  run<T>(command: (client: RedisClient) => Promise<T>): Promise<T> {
    const client = this.#client;
    const { name } = this.#options;
    if (!client) return Promise.reject(new Error(`${name} is not connected: ${this.#reason}`));
    const asked = this.#asked;
    const isAnswered = (): void => {
      if (--asked.count === 0) client.unref();
    };
    if (asked.count++ === 0) client.ref();
    return command(client).then(
      (answer) => {
        isAnswered();
        return answer;
      },
      (error: unknown) => {
        isAnswered();
        throw toStoreError(error, name);
      },
    );
  }

  /** Ends it, once what was asked is answered, or a second later. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#retry);
    clearInterval(this.#heartbeat);
    this.#abandon();
    await this.#attempt?.catch(() => undefined);
    const client = this.#client;
    this.#client = undefined;
    if (client?.isOpen !== true) return;
    // Answered after everything before it. The client's `close` waits for ever, and cannot be ended.
    await within(closeMs, client.ping()).catch(() => undefined);
    destroy(client);
  }

  async #connect(): Promise<void> {
    // This is the attempt that was planned: a second one would leave a connection that nobody ends.
    clearTimeout(this.#retry);
    let client: RedisClient;
    try {
      client = await this.#newClient();
    } catch (error) {
      this.#again(error);
      throw error;
    }
    if (this.#closed) return destroy(client);
    this.#failures = 0;
    this.#client = client;
    this.#asked = { count: 0 };
    client.unref();
    client.on("error", (error) => this.#lose(client, error));
    this.#heartbeat = setInterval(() => void this.#beat(client), heartbeatMs).unref();
  }

  async #newClient(): Promise<RedisClient> {
    if (this.#options.isForAll) {
      try {
        const client = await this.#newClientOf(3);
        this.#isForAll = true;
        return client;
      } catch (error) {
        // Whatever the server says to it: what else is wrong, the next attempt is told, too.
        if (replyKind(error) === undefined) throw error;
      }
    }
    this.#isForAll = false;
    return this.#newClientOf(2);
  }

  async #newClientOf(protocol: 2 | 3): Promise<RedisClient> {
    const client = this.#library.createClient({
      url: this.#options.url,
      // Asked for the other one, servers that know only that answer with an error.
      ...(protocol === 3 && { RESP: protocol }),
      socket: { connectTimeout: connectTimeoutMs, reconnectStrategy: false },
      disableOfflineQueue: true,
      // Asked for by newer clients of their own accord; older servers answer with errors.
      disableClientInfo: true,
      maintNotifications: "disabled",
    }) as unknown as RedisClient;
    try {
      await this.#prepare(client);
      return client;
    } catch (error) {
      destroy(client);
      throw error;
    }
  }

  async #prepare(client: RedisClient): Promise<void> {
    // A socket can be taken down only once it is there.
    const abandoned = new Promise<never>((_, reject) => {
      let isThere = false;
      client.on("connect", () => (isThere = true));
      client.on("connect", () => this.#closed && destroy(client));
      client.on("error", () => undefined);
      this.#abandon = () => {
        if (isThere) reject(new Error(`${this.#options.name} is closed`));
      };
    });
    const ready = async (): Promise<void> => {
      await client.connect();
      await this.#options.prepare?.(client);
    };
    await within(patienceMs, Promise.race([ready(), abandoned]));
  }

  async #beat(client: RedisClient): Promise<void> {
    try {
      await within(patienceMs, client.ping());
    } catch (error) {
      this.#lose(client, error);
    }
  }

  #lose(client: RedisClient, error: unknown): void {
    if (this.#client !== client) return;
    this.#client = undefined;
    clearInterval(this.#heartbeat);
    destroy(client);
    this.#again(error);
  }

  #again(reason: unknown): void {
    if (this.#closed) return;
    this.#reason = reason instanceof Error ? reason.message : String(reason);
    this.#options.onAway?.(reason);
    // Attempts that fail are told once, until there is a connection again.
    if (this.#failures === 0) this.#options.onError(reason);
    const delay = Math.min(firstRetryMs * 2 ** this.#failures++, lastRetryMs);
    this.#retry = setTimeout(() => void this.open().catch(() => undefined), delay).unref();
  }
}

function destroy(client: RedisClient): void {
  if (client.isOpen) client.destroy();
}
