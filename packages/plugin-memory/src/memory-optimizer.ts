import { chunksOf, rowsOf, type ColumnChunk, type Row } from "./chunks.js";
import { DuckDb, type QueryParameters, type Session } from "./duckdb.js";
import { explained } from "./errors.js";
import { chosenColumns, narrowColumns, narrowFile, type Narrowing, type TableColumns } from "./narrow.js";
import { memoryDefaults, type MemoryOptions } from "./options.js";
import { processStats, type ProcessStats } from "./process-stats.js";
import { columnStatistics, type AnalyzeOptions, type TableStatistics } from "./statistics.js";
import { nameTables, pickColumns, Tables, type SourceTable } from "./tables.js";

/** One file, which SQL calls `data`, or several by the names that SQL calls them. */
export type DataSources = string | Readonly<Record<string, string>>;

export interface OptimizeOptions {
  /** @default all columns */
  readonly columns?: readonly string[];
  /** Interrupts the work on a file; the promise rejects with its reason. */
  readonly signal?: AbortSignal;
}

export interface QueryOptions {
  /** Values for `$name` in the SQL, which are never taken for SQL themselves. */
  readonly parameters?: QueryParameters;
  /** Interrupts the query; the next chunk, or the promise, rejects with its reason. */
  readonly signal?: AbortSignal;
}

/**
 * Reads CSV and Parquet files that are larger than memory, and keeps tables in as few bytes as
 * their values allow.
 *
 * ```ts
 * const memory = kernel.resolve(MemoryOptimizer);
 * const { rows, columns } = await memory.analyze("flights.parquet");
 * const { table, bytesBefore, bytesAfter } = await memory.optimize("flights.parquet");
 * table.column("origin").get(0); // "LAS"
 * ```
 *
 * Every method that reads a file throws `DataLoadError` where the file is missing, unreadable,
 * neither CSV nor Parquet, or lacks a column.
 */
export class MemoryOptimizer {
  readonly #database: DuckDb;
  readonly #tables = new Tables();

  constructor(options: Partial<MemoryOptions> = {}) {
    this.#database = new DuckDb({ ...memoryDefaults, ...options });
  }

  /** Column statistics of a file, and how large it is. */
  async analyze(file: string, options: AnalyzeOptions = {}): Promise<TableStatistics> {
    const { quantiles = [0.05, 0.25, 0.5, 0.75, 0.95], signal } = options;
    const wrong = quantiles.find((p) => !(p >= 0 && p <= 1));
    if (wrong !== undefined)
      throw new RangeError(`A quantile is a probability between 0 and 1, not ${wrong}.`);
    return this.#read(file, signal, async (session, table) => {
      const columns = pickColumns(table, options.columns);
      const statistics = await columnStatistics(
        session,
        table,
        columns,
        quantiles,
        this.#database.memoryLimit,
      );
      return { file, format: table.file.format, bytes: table.file.bytes, ...statistics };
    });
  }

  /**
   * The same values in fewer bytes: the smallest integers that hold them, a dictionary for texts
   * that repeat, integers with a scale for decimals that come back exactly. Float64 stays where
   * anything else would lose a digit.
   */
  async optimize(source: string | TableColumns, options: OptimizeOptions = {}): Promise<Narrowing> {
    if (typeof source !== "string") return narrowColumns(chosenColumns(source, options.columns));
    return this.#read(source, options.signal, (session, table) =>
      narrowFile(session, table, pickColumns(table, options.columns)),
    );
  }

  /**
   * The result of a query, column by column, a few thousand rows at a time. Leaving the loop
   * ends the query.
   *
   * ```ts
   * for await (const { columns } of memory.stream("flights.csv", "SELECT delay FROM data WHERE delay > 0")) {
   *   for (const delay of columns.delay) total += delay;
   * }
   * ```
   */
  async *stream(
    sources: DataSources,
    sql = "SELECT * FROM data",
    options: QueryOptions = {},
  ): AsyncGenerator<ColumnChunk, void> {
    const session = await this.#database.open(options.signal);
    try {
      const tables = await this.#name(session, sources);
      const chunks = chunksOf(session, sql, options.parameters);
      for (;;) {
        const next = await explained(filesOf(tables), () => chunks.next(), tables);
        if (next.done) return;
        yield next.value;
      }
    } finally {
      session.close();
    }
  }

  /**
   * All rows of a query's result. For results that fit in memory.
   *
   * ```ts
   * await memory.query({ flights: "flights.parquet" }, "SELECT avg(delay) AS mean FROM flights WHERE origin = $from", {
   *   parameters: { from: "LAX" },
   * }); // [{ mean: 7.1 }]
   * ```
   */
  async query<R extends Row = Row>(
    sources: DataSources,
    sql: string,
    options: QueryOptions = {},
  ): Promise<R[]> {
    const rows: Row[] = [];
    for await (const chunk of this.stream(sources, sql, options)) {
      for (const row of rowsOf(chunk)) rows.push(row);
    }
    return rows as R[];
  }

  /** What the process holds in memory now. */
  processStats(): ProcessStats {
    return processStats();
  }

  /** Sets another limit to the engine's memory. The kernel calls it when its configuration is reloaded. */
  configure(options: Partial<MemoryOptions>): Promise<void> {
    return this.#database.configure({ ...memoryDefaults, ...options });
  }

  /** Interrupts what runs and frees the engine and its temporary files. The kernel calls it when it stops. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#database.close();
  }

  async #read<T>(
    file: string,
    signal: AbortSignal | undefined,
    work: (session: Session, table: SourceTable) => Promise<T>,
  ): Promise<T> {
    return this.#database.use(async (session) => {
      const table = await this.#tables.open(session, file);
      return explained([table.file], () => work(session, table), [table]);
    }, signal);
  }

  async #name(session: Session, sources: DataSources): Promise<SourceTable[]> {
    const tables: Record<string, SourceTable> = {};
    for (const [name, file] of Object.entries(typeof sources === "string" ? { data: sources } : sources)) {
      tables[name] = await this.#tables.open(session, file);
    }
    await nameTables(session, tables);
    return Object.values(tables);
  }
}

function filesOf(tables: readonly SourceTable[]) {
  return tables.map(({ file }) => file);
}
