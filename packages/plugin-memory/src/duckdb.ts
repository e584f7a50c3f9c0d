import { randomUUID } from "node:crypto";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DuckDBConnection, DuckDBInstance, DuckDBResult, DuckDBValue } from "@duckdb/node-api";
import { ProcessingError } from "@mlmcp/core";
import type { MemoryOptions } from "./options.js";

/** A value in a row: what SQL's types become. Dates, times and other types are DuckDB's own objects. */
export type RowValue = DuckDBValue;

/** Values for `$name` in a query. */
export type QueryParameters = Readonly<Record<string, string | number | bigint | boolean | null>>;

/**
 * One in-memory DuckDB with a limit to its memory, opened by the first query. What does not fit
 * is spilled to a temporary directory that is gone after `close`.
 */
export class DuckDb {
  #options: MemoryOptions;
  readonly #spillDirectory: string;
  readonly #sessions = new Set<Session>();
  #instance: Promise<DuckDBInstance> | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: MemoryOptions) {
    this.#options = options;
    this.#spillDirectory = join(options.tempDirectory ?? tmpdir(), `mlmcp-memory-${randomUUID()}`);
  }

  /** Bytes that one query may keep in memory. */
  get memoryLimit(): number {
    return this.#options.maxMemoryMb * 1024 ** 2;
  }

  /** Sets another limit, also for queries that run. The directory stays the one that it began with. */
  async configure(options: MemoryOptions): Promise<void> {
    const unchanged = options.maxMemoryMb === this.#options.maxMemoryMb;
    this.#options = options;
    if (unchanged || !this.#instance || this.#closing) return;
    await this.use((session) => session.rows(`SET GLOBAL memory_limit = '${options.maxMemoryMb}MiB'`));
  }

  /** Runs `work` on a connection of its own; an aborted signal interrupts what it is doing. */
  async use<T>(work: (session: Session) => Promise<T>, signal?: AbortSignal): Promise<T> {
    const session = await this.open(signal);
    try {
      return await work(session);
    } finally {
      session.close();
    }
  }

  /** A connection that the caller closes. */
  async open(signal?: AbortSignal): Promise<Session> {
    signal?.throwIfAborted();
    if (this.#closing) throw closed();
    this.#instance ??= this.#start();
    const connection = await (await this.#instance).connect();
    // Closing may have begun while the connection was made.
    if (this.#closing) {
      connection.disconnectSync();
      throw closed();
    }
    const session: Session = new Session(connection, signal, () => this.#sessions.delete(session));
    this.#sessions.add(session);
    return session;
  }

  /** Interrupts what runs, closes everything and removes what was spilled. Any number of calls. */
  close(): Promise<void> {
    return (this.#closing ??= this.#stop());
  }

  async #start(): Promise<DuckDBInstance> {
    const { DuckDBInstance } = await import("@duckdb/node-api");
    return DuckDBInstance.create(":memory:", {
      memory_limit: `${this.#options.maxMemoryMb}MiB`,
      temp_directory: this.#spillDirectory,
      // CSV and Parquet are built in; nothing is ever fetched from the network.
      autoinstall_known_extensions: "false",
      autoload_known_extensions: "false",
    });
  }

  async #stop(): Promise<void> {
    const instance = await this.#instance?.catch(() => undefined);
    await Promise.all(Array.from(this.#sessions, (session) => session.stop()));
    instance?.closeSync();
    await rm(this.#spillDirectory, { recursive: true, force: true });
  }
}

/** One connection: queries on it run one after the other. */
export class Session {
  readonly #connection: DuckDBConnection;
  readonly #signal: AbortSignal | undefined;
  readonly #onClose: () => void;
  readonly #interrupt = (): void => this.#connection.interrupt();
  #running: Promise<unknown> = Promise.resolve();
  #stopping = false;
  #closed = false;

  constructor(connection: DuckDBConnection, signal: AbortSignal | undefined, onClose: () => void) {
    this.#connection = connection;
    this.#signal = signal;
    this.#onClose = onClose;
    signal?.addEventListener("abort", this.#interrupt);
  }

  /** All rows, by column name. */
  rows(sql: string, parameters?: QueryParameters): Promise<Record<string, RowValue>[]> {
    return this.#run(async () =>
      (await this.#connection.runAndReadAll(sql, bound(parameters))).getRowObjects(),
    );
  }

  /** A result to be read chunk by chunk through {@link fetch}. */
  stream(sql: string, parameters?: QueryParameters): Promise<DuckDBResult> {
    return this.#run(() => this.#connection.stream(sql, bound(parameters)));
  }

  /** The next chunk of a streamed result; `undefined` after the last one. */
  async fetch(result: DuckDBResult) {
    const chunk = await this.#run(() => result.fetchChunk());
    return chunk === null || chunk.rowCount === 0 ? undefined : chunk;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#signal?.removeEventListener("abort", this.#interrupt);
    this.#connection.disconnectSync();
    this.#onClose();
  }

  /** Interrupts the running query, waits for its end and closes. */
  async stop(): Promise<void> {
    if (this.#closed) return;
    this.#stopping = true;
    this.#connection.interrupt();
    await this.#running.catch(() => undefined);
    this.close();
  }

  async #run<T>(query: () => Promise<T>): Promise<T> {
    this.#signal?.throwIfAborted();
    if (this.#closed || this.#stopping) throw closed();
    const running = query();
    this.#running = running;
    try {
      return await running;
    } catch (error) {
      this.#signal?.throwIfAborted();
      throw this.#stopping ? closed() : error;
    }
  }
}

function bound(parameters: QueryParameters | undefined): Record<string, DuckDBValue> | undefined {
  return parameters && Object.keys(parameters).length > 0 ? { ...parameters } : undefined;
}

function closed(): ProcessingError {
  return new ProcessingError("The memory optimizer is closed: its kernel has stopped.", {
    code: "MLMCP_MEMORY_CLOSED",
    suggestions: [
      "Finish reading before `kernel.stop()`, or resolve MemoryOptimizer from a kernel that runs.",
    ],
  });
}
