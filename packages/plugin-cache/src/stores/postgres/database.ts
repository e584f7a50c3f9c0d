import type { ClientBase, Pool, QueryResultRow } from "pg";
import { destroy } from "./destroy.js";
import type { Location } from "../location.js";
import { Once } from "../once.js";
import { within } from "../time-limit.js";
import { isInTheWay, isWithoutTables, toStoreError, type Library } from "./library.js";
import { createTables, type Tables } from "./tables.js";

/** Statements are short; more connections would only be more work for the server. */
const maxConnections = 4;
const connectTimeoutMs = 2_000;
/** After that a connection is taken for dead. */
const patienceMs = 10_000;
const closeMs = 2_000;
/** How often a statement is tried that stands in another's way. */
const maxTries = 10;

/** A small pool of connections to tables that are made where they are missing. */
export class Database {
  readonly #pool: Pool;
  readonly #tables: Tables;
  readonly #name: string;
  readonly #clients = new Set<ClientBase>();
  readonly #running = new Set<Promise<unknown>>();
  readonly #tablesMade = new Once(() => this.#create());

  /** @param onError told of connections that are lost while nobody uses them */
  constructor(library: Library, location: Location, tables: Tables, onError: (error: unknown) => void) {
    this.#tables = tables;
    this.#name = location.name;
    this.#pool = new library.Pool({
      connectionString: location.url,
      application_name: "mlmcp-cache",
      max: maxConnections,
      connectionTimeoutMillis: connectTimeoutMs,
      query_timeout: patienceMs,
      keepAlive: true,
      allowExitOnIdle: true,
    });
    this.#pool.on("error", onError);
    this.#pool.on("connect", (client) => this.#clients.add(client));
    this.#pool.on("remove", (client) => this.#clients.delete(client));
    // Otherwise one that has gone silent would be waited for until it says goodbye.
    this.#pool.on("release", (error, client) => error && destroy(client));
  }

  /** Connects, and makes the tables where they are missing. @throws the error of the server or of the connection */
  ready(): Promise<void> {
    return this.#tablesMade.done();
  }

  /** @throws RefusedError, or the error of the server or of the connection */
  async query<Row extends QueryResultRow>(sql: string, values: readonly unknown[] = []): Promise<Row[]> {
    const running = this.#query<Row>(sql, values);
    this.#running.add(running);
    try {
      return await running;
    } catch (error) {
      if (isWithoutTables(error)) this.#tablesMade.undo();
      throw toStoreError(error, this.#name);
    } finally {
      this.#running.delete(running);
    }
  }

  /** Ends it, once what was asked is answered, or two seconds later. */
  async close(): Promise<void> {
    // A pool that ends serves nobody any more who waits for a connection.
    const end = Promise.allSettled(this.#running).then(() => this.#pool.end());
    await within(closeMs, end).catch(() => undefined);
    for (const client of this.#clients) destroy(client);
  }

  async #query<Row extends QueryResultRow>(sql: string, values: readonly unknown[]): Promise<Row[]> {
    await this.ready();
    for (let tries = 1; ; tries++) {
      try {
        return (await this.#pool.query<Row>(sql, [...values])).rows;
      } catch (error) {
        // Only where the isolation level of this user or database is a stricter one than the usual.
        if (!isInTheWay(error) || tries === maxTries) throw error;
      }
    }
  }

  async #create(): Promise<void> {
    const client = await this.#pool.connect();
    try {
      await createTables(client, this.#tables);
      client.release();
    } catch (error) {
      client.release(error as Error);
      throw error;
    }
  }
}
