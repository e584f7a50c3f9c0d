import { DataLoadError, isMlmcpError, nearest } from "@mlmcp/core";
import { typedCsvRelation } from "./csv.js";
import { inspectFile, type DataFile } from "./data-file.js";
import type { Session } from "./duckdb.js";
import { quoteName, quotePath } from "./sql.js";

/** A column as the file has it. */
export interface SourceColumn {
  readonly name: string;
  /** The SQL type, such as `BIGINT` or `VARCHAR`. */
  readonly type: string;
}

/** A file that SQL can name. */
export interface SourceTable {
  readonly file: DataFile;
  /** What stands behind `FROM`. */
  readonly relation: string;
  readonly columns: readonly SourceColumn[];
}

/** Files that have been looked at, by their identity, so that types are checked once. */
export class Tables {
  readonly #known = new Map<string, SourceTable>();

  constructor(readonly limit = 100) {}

  /** @throws DataLoadError */
  async open(session: Session, name: string): Promise<SourceTable> {
    const file = await inspectFile(name);
    const known = this.#known.get(file.identity);
    if (known) return { ...known, file };
    const table = await explained([file], async () => {
      const relation =
        file.format === "csv"
          ? await typedCsvRelation(session, file)
          : `read_parquet(${quotePath(file.path)}, hive_partitioning = false)`;
      const rows = await session.rows(`DESCRIBE SELECT * FROM ${relation}`);
      const columns = rows.map((row) => ({ name: String(row["column_name"]), type: String(row["column_type"]) }));
      return { file, relation, columns };
    });
    this.#known.set(file.identity, table);
    if (this.#known.size > this.limit) this.#known.delete(this.#known.keys().next().value!);
    return table;
  }
}

/** Lets queries on one connection use files by name. */
export async function nameTables(session: Session, tables: Readonly<Record<string, SourceTable>>): Promise<void> {
  for (const [name, { relation }] of Object.entries(tables)) {
    await session.rows(`CREATE OR REPLACE TEMP VIEW ${quoteName(name)} AS SELECT * FROM ${relation}`);
  }
}

/** The columns asked for, in that order; all without names. */
export function pickColumns(table: SourceTable, names: readonly string[] | undefined): readonly SourceColumn[] {
  return names?.map((name) => table.columns.find((column) => column.name === name) ?? missing(name, [table])) ?? table.columns;
}

/** Runs a query on files and says in their terms what went wrong. */
export async function explained<T>(files: readonly DataFile[], query: () => Promise<T>, tables?: readonly SourceTable[]): Promise<T> {
  try {
    return await query();
  } catch (error) {
    throw explain(error, files, tables);
  }
}

function explain(error: unknown, files: readonly DataFile[], tables: readonly SourceTable[] = []): unknown {
  if (!(error instanceof Error) || isMlmcpError(error) || !/^[A-Z][\w ]+ Error: /.test(error.message)) return error;
  const column = /Referenced column "(.+?)" (?:was )?not found/.exec(error.message)?.[1];
  if (column !== undefined && tables.length > 0) return missingColumn(column, tables, error);
  const names = files.map(({ name }) => name).join(", ");
  const shown = shortened(error.message);
  return new DataLoadError(`${names} cannot be read as ${kinds(files)}: ${shown}`, {
    cause: error,
    context: { files: files.map(({ path }) => path) },
    suggestions: [suggestionFor(error.message)],
  });
}

function kinds(files: readonly DataFile[]): string {
  return [...new Set(files.map(({ format }) => (format === "csv" ? "CSV" : "Parquet")))].join(" and ");
}

function suggestionFor(message: string): string {
  if (/unicode|utf-8/i.test(message)) return "Convert the file to UTF-8.";
  if (/Number of Columns|sniffing/i.test(message)) return "Give every line as many fields as the first, and close every quote.";
  if (/^Out of Memory/.test(message)) return "Raise memory.maxMemoryMb, or read fewer columns.";
  if (/^(Binder|Parser|Catalog) Error/.test(message)) return "Correct the SQL.";
  return "Check what wrote the file, and write it again.";
}

/** What and where, without the pages of advice that follow, nor a line of data as long as the file. */
function shortened(message: string): string {
  const [first = "", ...rest] = message.split("\n").map((line) => line.slice(0, 200));
  const where = rest.find((line) => /^(Expected|Invalid|Error when conv|Value with unterm)/.test(line));
  return where === undefined ? first : `${first}: ${where}`;
}

/** @throws DataLoadError that names the file, the column and the nearest one there is. */
export function missing(column: string, tables: readonly SourceTable[]): never {
  throw missingColumn(column, tables);
}

function missingColumn(column: string, tables: readonly SourceTable[], cause?: Error): DataLoadError {
  const names = tables.flatMap(({ columns }) => columns.map(({ name }) => name));
  return columnError(column, names, tables.map(({ file }) => file.name).join(", "), cause);
}

/** As thrown for a column that a file or a table does not have. */
export function columnError(column: string, names: readonly string[], where: string, cause?: Error): DataLoadError {
  const near = nearest(column, names);
  const hint = near === undefined ? "" : ` Did you mean "${near}"?`;
  return new DataLoadError(`${where} has no column "${column}".${hint} It has: ${names.join(", ")}.`, {
    code: "MLMCP_DATA_COLUMN",
    ...(cause && { cause }),
    context: { column, columns: names, ...(near !== undefined && { nearest: near }) },
    suggestions: [near === undefined ? `Use one of: ${names.join(", ")}.` : `Use "${near}".`],
  });
}
