import type { Client } from "pg";
import { ChangeListeners } from "../change-listeners.js";
import { ChangeMessages } from "../change-messages.js";
import type { Location } from "../location.js";
import type { Change, ChangeFeed, ChangeListener } from "../store.js";
import { within } from "../time-limit.js";
import { destroy } from "./destroy.js";
import type { Library } from "./library.js";

/** Postgres takes less than 8000 bytes. */
const maxBytes = 7_900;
const patienceMs = 5_000;
/** How long a word to oneself may take. Milliseconds. */
const echoMs = 5_000;
const heartbeatMs = 10_000;
const [firstRetryMs, lastRetryMs] = [50, 2_000];

export interface ChangesOptions {
  readonly library: Library;
  readonly location: Location;
  readonly channel: string;
  /** Says a word to those who listen to a channel, on a connection of the others. */
  notify(channel: string): Promise<void>;
  /** Told each time that the connection that listens is lost, and once while it cannot be had. */
  onError(error: unknown): void;
}

/**
 * Changes by NOTIFY, and LISTEN on a connection of its own, made with the first subscription. What
 * is said while it is away is lost to it, and its listeners learn that. Poolers of transactions take
 * a LISTEN and deliver nothing: so a word is said to oneself, and where it is not heard they learn that too.
 */
export class PostgresChanges implements ChangeFeed {
  readonly latency = 50;
  readonly #options: ChangesOptions;
  readonly #messages = new ChangeMessages();
  /** Where a word to oneself is said. */
  readonly #ownChannel = `mlmcp_cache_echo_${this.#messages.origin}`;
  readonly #listeners = new ChangeListeners();
  #client: Client | undefined;
  #attempt: Promise<void> | undefined;
  #retry: NodeJS.Timeout | undefined;
  #heartbeat: NodeJS.Timeout | undefined;
  #echo: NodeJS.Timeout | undefined;
  #failures = 0;
  /** Nothing is heard, and why. */
  #isAway = false;
  #reason: unknown;
  #closed = false;

  constructor(options: ChangesOptions) {
    this.#options = options;
  }

  /** What a statement notifies the channel of that changes something. */
  messageOf(change: Change): string {
    const whole = this.#messages.write([change]);
    return Buffer.byteLength(whole) > maxBytes ? this.#messages.write([]) : whole;
  }

  async subscribe(listener: ChangeListener): Promise<() => Promise<void>> {
    if (!this.#client) await this.#open();
    if (this.#isAway) listener.listening?.(false, this.#reason);
    this.#listeners.add(listener);
    return async () => void this.#listeners.delete(listener);
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#retry);
    clearInterval(this.#heartbeat);
    this.#endEcho();
    if (this.#client) destroy(this.#client);
    await this.#attempt?.catch(() => undefined);
  }

  async #open(): Promise<void> {
    try {
      await (this.#attempt ??= this.#connect());
    } finally {
      this.#attempt = undefined;
    }
  }

  async #connect(): Promise<void> {
    // This is the attempt that was planned: a second one would leave a connection that nobody ends.
    clearTimeout(this.#retry);
    const { library, location, channel } = this.#options;
    const client = new library.Client({
      connectionString: location.url,
      application_name: "mlmcp-cache",
      connectionTimeoutMillis: patienceMs,
      keepAlive: true,
    });
    client.on("error", (error) => this.#lose(client, error));
    client.on("notification", (message) => {
      if (message.channel === this.#ownChannel) this.#heard();
      else this.#messages.read(message.payload ?? "", this.#listeners);
    });
    try {
      await client.connect();
      const listen = (to: string): string => `LISTEN ${client.escapeIdentifier(to)}`;
      await within(patienceMs, client.query(`${listen(channel)}; ${listen(this.#ownChannel)}`));
    } catch (error) {
      destroy(client);
      this.#again(error);
      throw error;
    }
    if (this.#closed) return destroy(client);
    this.#client = client;
    // Who only listens keeps no process alive. The types of `pg` do not know it.
    (client as Client & { unref(): void }).unref();
    this.#failures = 0;
    client.on("end", () => this.#lose(client, new Error(`${location.name} has closed the connection`)));
    this.#heartbeat = setInterval(() => void this.#beat(client), heartbeatMs).unref();
    this.#listeners.missed();
    this.#sayToOneself(client);
  }

  /** Whether it can be heard is not known before. */
  #sayToOneself(client: Client): void {
    const { notify, location } = this.#options;
    let reason: unknown = new Error(`${location.name} takes a LISTEN and delivers nothing`);
    this.#endEcho();
    const echo = setTimeout(() => {
      // Where the process stood still, the word may be there and only unread.
      setImmediate(() => this.#echo === echo && this.#client === client && this.#tell(false, reason));
    }, echoMs).unref();
    this.#echo = echo;
    notify(this.#ownChannel).catch((error: unknown) => void (reason = error));
  }

  #heard(): void {
    this.#endEcho();
    if (this.#isAway) this.#tell(true);
  }

  #endEcho(): void {
    clearTimeout(this.#echo);
    this.#echo = undefined;
  }

  /** A connection that only listens would not notice a peer that has gone silent. */
  async #beat(client: Client): Promise<void> {
    try {
      await within(patienceMs, client.query("SELECT 1"));
      if (this.#isAway) this.#sayToOneself(client);
    } catch (error) {
      this.#lose(client, error);
    }
  }

  #lose(client: Client, error: unknown): void {
    if (this.#client !== client) return;
    this.#client = undefined;
    clearInterval(this.#heartbeat);
    this.#endEcho();
    destroy(client);
    this.#again(error);
  }

  #again(reason: unknown): void {
    if (this.#closed) return;
    this.#tell(false, reason);
    // Attempts that fail are told once, until there is a connection again.
    if (this.#failures === 0) this.#options.onError(reason);
    const delay = Math.min(firstRetryMs * 2 ** this.#failures++, lastRetryMs);
    this.#retry = setTimeout(() => void this.#open().catch(() => undefined), delay).unref();
  }

  #tell(isListening: boolean, reason?: unknown): void {
    this.#isAway = !isListening;
    this.#reason = reason;
    this.#listeners.listening(isListening, reason);
  }
}
