import { KeyvSqlite } from "@keyv/sqlite";

/** Rows of a query, by column. */
type Row = Record<string, unknown>;

interface Job {
  readonly sql: string;
  readonly parameters: readonly unknown[];
  resolve(rows: Row[]): void;
  reject(error: unknown): void;
}

export interface ConnectionOptions {
  /** Absolute. */
  readonly file: string;
  readonly table: string;
  /** How long SQLite itself waits for a lock, on a thread of the pool. In milliseconds. */
  readonly busyTimeout: number;
  /** How long a statement is tried again while another process holds the lock. In milliseconds. */
  readonly retryFor: number;
  /** Statements that may wait for their turn; further ones are refused. */
  readonly maxWaiting: number;
}

/**
 * A connection of `@keyv/sqlite` that runs one statement at a time and tries it again while the
 * file is locked. Both are needed: `sqlite3` does not reset a statement that met a lock, so that
 * later ones on the same connection report success and are rolled back with it, and a statement
 * that is finished while another runs on the connection waits for it on the event loop.
 */
export class SerialConnection {
  readonly #adapter: KeyvSqlite;
  readonly #options: ConnectionOptions;
  readonly #waiting: Job[] = [];
  #running: Promise<void> | undefined;
  #endPause: (() => void) | undefined;
  #hurried = false;
  #closed = false;

  private constructor(adapter: KeyvSqlite, options: ConnectionOptions) {
    this.#adapter = adapter;
    this.#options = options;
  }

  /** Connects to a file that exists. */
  static async open(options: ConnectionOptions): Promise<SerialConnection> {
    const until = Date.now() + options.retryFor;
    for (;;) {
      const adapter = new KeyvSqlite({
        uri: options.file,
        table: options.table,
        busyTimeout: options.busyTimeout,
      });
      // The same error rejects the query below; without a listener it would be thrown a second time.
      adapter.on("error", () => undefined);
      try {
        // One after another: pragmas in parallel race, and this one belongs to the connection.
        await adapter.query("PRAGMA synchronous = NORMAL");
        return new SerialConnection(adapter, options);
      } catch (error) {
        // An adapter that met a lock while it connected never recovers.
        await adapter.close().catch(() => undefined);
        if (!isBusy(error) || Date.now() > until) throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  }

  run(sql: string, ...parameters: unknown[]): Promise<Row[]> {
    return new Promise((resolve, reject) => {
      if (this.#closed) return reject(new Error("the connection is closed"));
      if (this.#waiting.length >= this.#options.maxWaiting) {
        return reject(new Error(`${this.#options.maxWaiting} statements wait for the file already`));
      }
      this.#waiting.push({ sql, parameters, resolve, reject });
      this.#running ??= this.#work();
    });
  }

  /** From now on a statement that meets a lock fails at once. */
  hurry(): void {
    this.#hurried = true;
    this.#endPause?.();
  }

  /** Runs what waits and closes. */
  async close(): Promise<void> {
    this.#closed = true;
    this.hurry();
    await this.#running;
    await this.#adapter.close();
  }

  async #work(): Promise<void> {
    for (let job = this.#waiting.shift(); job; job = this.#waiting.shift()) {
      try {
        job.resolve(await this.#runUnlessLocked(job));
      } catch (error) {
        job.reject(error);
      }
    }
    this.#running = undefined;
  }

  async #runUnlessLocked({ sql, parameters }: Job): Promise<Row[]> {
    const until = Date.now() + this.#options.retryFor;
    for (let delay = 5; ; delay = Math.min(2 * delay, 100)) {
      const last = this.#hurried;
      try {
        return (await this.#adapter.query(sql, ...(parameters as never[]))) as Row[];
      } catch (error) {
        if (!isBusy(error) || last || Date.now() > until) throw error;
      }
      await this.#pause(delay);
    }
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#endPause = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

function isBusy(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  return code === "SQLITE_BUSY" || code === "SQLITE_LOCKED";
}
