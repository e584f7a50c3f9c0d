import type { DuckDBDataChunk, DuckDBDecimalValue, DuckDBResult, DuckDBVector } from "@duckdb/node-api";
import { DataLoadError } from "@mlmcp/core";
import type { QueryParameters, RowValue, Session } from "./duckdb.js";
import { kindOf } from "./statistics.js";

/**
 * One column of a chunk. Numbers are a `Float64Array` in which null is NaN; everything else is an
 * array: texts, booleans, dates and times as ISO texts, and null.
 */
export type ChunkColumn = Float64Array | ReadonlyArray<string | boolean | null>;

/** Some rows of a result, column by column. The arrays are the receiver's own. */
export interface ColumnChunk {
  readonly rows: number;
  readonly columns: Readonly<Record<string, ChunkColumn>>;
}

/** One row of a result. Dates and times are ISO texts. */
export type Row = Readonly<Record<string, number | string | boolean | null>>;

/** The chunks of a result, one in memory at a time. */
export async function* chunksOf(
  session: Session,
  sql: string,
  parameters?: QueryParameters,
): AsyncGenerator<ColumnChunk> {
  const result = await session.stream(sql, parameters);
  const columns = columnsOf(result);
  for (let chunk = await session.fetch(result); chunk; chunk = await session.fetch(result)) {
    yield {
      rows: chunk.rowCount,
      columns: Object.fromEntries(columns.map(({ name, read }) => [name, read(chunk)])),
    };
  }
}

/** All rows of a chunk as objects. */
export function rowsOf({ rows, columns }: ColumnChunk): Row[] {
  const entries = Object.entries(columns);
  return Array.from({ length: rows }, (_, row) =>
    Object.fromEntries(
      entries.map(([name, values]) => {
        const value = values[row]!;
        return [name, values instanceof Float64Array && Number.isNaN(value) ? null : value];
      }),
    ),
  );
}

function columnsOf(result: DuckDBResult) {
  return result.deduplicatedColumnNames().map((name, index) => {
    const numeric = kindOf(String(result.columnType(index))) === "number";
    const read = (chunk: DuckDBDataChunk): ChunkColumn => {
      const vector = chunk.getColumnVector(index);
      return numeric ? numbers(name, vector, chunk.rowCount) : texts(vector, chunk.rowCount);
    };
    return { name, read };
  });
}

function numbers(name: string, vector: DuckDBVector, rows: number): Float64Array {
  const values = new Float64Array(rows);
  for (let row = 0; row < rows; row += 1) values[row] = asNumber(name, vector.getItem(row) as RowValue);
  return values;
}

function asNumber(name: string, value: RowValue): number {
  if (typeof value === "number") return value;
  if (value === null) return NaN;
  if (typeof value === "bigint") {
    if (Number.isSafeInteger(Number(value))) return Number(value);
  } else {
    const decimal = value as DuckDBDecimalValue;
    if (Number.isSafeInteger(Number(decimal.value))) return decimal.toDouble();
  }
  throw new DataLoadError(
    `Column "${name}" holds ${String(value)}, which no JavaScript number can be exactly.`,
    {
      code: "MLMCP_DATA_PRECISION",
      context: { column: name },
      suggestions: [
        `Select it as text, CAST("${name}" AS VARCHAR), or as an approximate number, CAST("${name}" AS DOUBLE).`,
      ],
    },
  );
}

function texts(vector: DuckDBVector, rows: number): (string | boolean | null)[] {
  return Array.from({ length: rows }, (_, row) => {
    const value = vector.getItem(row) as RowValue;
    return value === null || typeof value === "boolean" ? value : String(value);
  });
}
