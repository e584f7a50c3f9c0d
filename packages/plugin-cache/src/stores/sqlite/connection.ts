import type { Database, Statement } from "sqlite3";
import { loadBinding } from "./binding.js";

export type Row = Record<string, unknown>;
export type Parameter = string | number | null | Uint8Array;

export interface ConnectionOptions {
  /** How long SQLite itself waits for a lock, on a thread of the pool. Milliseconds. */
  readonly busyTimeout: number;
  /** Whether a missing file is made. @default false */
  readonly create?: boolean;
}

/**
 * A connection with prepared statements. Its user runs one at a time: `sqlite3` finalizes on the
 * event loop, which would wait there for a statement that runs.
 */
export class Connection {
  readonly #database: Database;
  readonly #statements = new Map<string, Statement>();

  private constructor(database: Database) {
    this.#database = database;
  }

  /** @throws Error with SQLite's code */
  static async open(file: string, { busyTimeout, create = false }: ConnectionOptions): Promise<Connection> {
    const { Database: Driver, OPEN_READWRITE, OPEN_CREATE, OPEN_FULLMUTEX } = await loadBinding();
    const mode = OPEN_READWRITE | OPEN_FULLMUTEX | (create ? OPEN_CREATE : 0);
    const database = await new Promise<Database>((resolve, reject) => {
      const opening = new Driver(file, mode, (error) => (error ? reject(error) : resolve(opening)));
    });
    database.configure("busyTimeout", busyTimeout);
    return new Connection(database);
  }

  /** Runs one statement to its end. It is prepared once and kept, so texts must be few. */
  all(sql: string, parameters: readonly Parameter[] = []): Promise<Row[]> {
    const statement = this.#statements.get(sql);
    if (statement) return this.#run(statement, parameters);
    return this.#prepare(sql).then((prepared) => this.#run(prepared, parameters));
  }

  #run(statement: Statement, parameters: readonly Parameter[]): Promise<Row[]> {
    return new Promise((resolve, reject) => {
      statement.all<Row>(parameters, (error, rows) => {
        if (!error) return resolve(rows);
        // One that failed keeps its transaction open: later ones would succeed within it and be rolled back with it.
        statement.reset(() => reject(error));
      });
    });
  }

  /** Runs several statements, one after another, until one fails. They are not kept. */
  run(script: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#database.exec(script, (error) => (error ? reject(error) : resolve()));
    });
  }

  /** The only column of the only row. */
  async value(sql: string, ...parameters: readonly Parameter[]): Promise<unknown> {
    const [row] = await this.all(sql, parameters);
    return row && Object.values(row)[0];
  }

  /** Once the last statement has ended. */
  async close(): Promise<void> {
    for (const statement of this.#statements.values()) statement.finalize();
    this.#statements.clear();
    await new Promise<void>((resolve, reject) => {
      this.#database.close((error) => (error ? reject(error) : resolve()));
    });
  }

  #prepare(sql: string): Promise<Statement> {
    return new Promise((resolve, reject) => {
      const statement = this.#database.prepare(sql, (error: Error | null) => {
        if (error) return reject(error);
        this.#statements.set(sql, statement);
        resolve(statement);
      });
    });
  }
}

/** A text that differs only by how many rows or values it is for, written once for each number. */
export function textBy(write: (count: number) => string): (count: number) => string {
  const texts: string[] = [];
  return (count) => (texts[count] ??= write(count));
}

/** `(?, ?), (?, ?)` for two rows of two columns. */
export function rowsOf(columns: number, rows: number): string {
  const row = `(${Array.from({ length: columns }, () => "?").join(", ")})`;
  return Array.from({ length: rows }, () => row).join(", ");
}

/** `?, ?` for two values. */
export function valuesOf(values: number): string {
  return Array.from({ length: values }, () => "?").join(", ");
}
