import { typedCsvRelation } from "./csv.js";
import { inspectFile, type DataFile } from "./data-file.js";
import type { Session } from "./duckdb.js";
import { explained, missingColumn } from "./errors.js";
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
      const columns = rows.map((row) => ({
        name: String(row["column_name"]),
        type: String(row["column_type"]),
      }));
      return { file, relation, columns };
    });
    this.#known.set(file.identity, table);
    if (this.#known.size > this.limit) this.#known.delete(this.#known.keys().next().value!);
    return table;
  }
}

/** Lets queries on one connection use files by name. */
export async function nameTables(
  session: Session,
  tables: Readonly<Record<string, SourceTable>>,
): Promise<void> {
  for (const [name, { relation }] of Object.entries(tables)) {
    await session.rows(`CREATE OR REPLACE TEMP VIEW ${quoteName(name)} AS SELECT * FROM ${relation}`);
  }
}

/** The columns asked for, in that order; all without names. */
export function pickColumns(
  table: SourceTable,
  names: readonly string[] | undefined,
): readonly SourceColumn[] {
  return (
    names?.map((name) => {
      const column = table.columns.find((candidate) => candidate.name === name);
      if (!column) throw missingColumn(name, [table]);
      return column;
    }) ?? table.columns
  );
}
