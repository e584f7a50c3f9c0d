import type { Data, Table } from "apache-arrow";
import { DataLoadError, ResourceExhaustedError } from "@mlmcp/core";
import { factsOfArray, type ColumnValues } from "./array-facts.js";
import { columnBuilder, type BuilderValue, type ColumnBuilder } from "./column-builder.js";
import type { RowValue, Session } from "./duckdb.js";
import { columnError } from "./errors.js";
import { factsOfFile } from "./file-facts.js";
import { bufferBytes, NarrowTable, scaleKey } from "./narrow-table.js";
import { chooseStorage, describeStorage, plainBytes, type ColumnFacts, type Storage } from "./storage.js";
import type { SourceColumn, SourceTable } from "./tables.js";

/** Columns in memory by name, all of one length. */
export type TableColumns = Readonly<Record<string, ColumnValues>>;

/** What was done to one column. Bytes are those of Arrow's layout: values or offsets and texts, and a bit a row for nulls. */
export interface ColumnNarrowing {
  readonly name: string;
  /** The type it came in. */
  readonly from: string;
  /** The Arrow type that it is kept in. */
  readonly to: string;
  readonly bytesBefore: number;
  readonly bytesAfter: number;
}

export interface Narrowing {
  readonly table: NarrowTable;
  readonly rows: number;
  readonly bytesBefore: number;
  readonly bytesAfter: number;
  readonly columns: readonly ColumnNarrowing[];
}

type Arrow = typeof import("apache-arrow");

interface Plan {
  readonly facts: ColumnFacts;
  readonly storage: Storage;
  readonly builder: ColumnBuilder;
}

/** Narrows a file without ever holding more than a chunk of it wide. */
export async function narrowFile(
  session: Session,
  table: SourceTable,
  columns: readonly SourceColumn[],
): Promise<Narrowing> {
  const arrow = await import("apache-arrow");
  const { rows, columns: readable } = await factsOfFile(session, table, columns);
  const plans = readable.map(({ facts }) => plan(arrow, facts, rows));
  const result = await session.stream(
    `SELECT ${readable.map(({ select }) => select).join(", ")} FROM ${table.relation}`,
  );
  for (let chunk = await session.fetch(result); chunk; chunk = await session.fetch(result)) {
    for (const [index, { builder }] of plans.entries()) {
      const vector = chunk.getColumnVector(index);
      for (let row = 0; row < chunk.rowCount; row += 1)
        builder.append(vector.getItem(row) as RowValue & BuilderValue);
    }
  }
  return assemble(arrow, plans, rows);
}

/** Narrows columns in memory, which are only read. */
export async function narrowColumns(columns: TableColumns): Promise<Narrowing> {
  const arrow = await import("apache-arrow");
  const entries = Object.entries(columns);
  const rows = entries[0]?.[1].length ?? 0;
  const plans = entries.map(([name, values]) => {
    if (values.length !== rows) throw uneven(name, values.length, entries[0]![0], rows);
    const column = plan(arrow, factsOfArray(name, values), rows);
    for (let row = 0; row < rows; row += 1) column.builder.append(builderValue(values[row], column.storage));
    return column;
  });
  return assemble(arrow, plans, rows);
}

/** @throws DataLoadError where a column is not there. */
export function chosenColumns(columns: TableColumns, names: readonly string[] | undefined): TableColumns {
  const picked = names?.map((name) => {
    if (!Object.hasOwn(columns, name)) throw columnError(name, Object.keys(columns), "The table");
    return [name, columns[name]!] as const;
  });
  return picked ? Object.fromEntries(picked) : columns;
}

function plan(arrow: Arrow, facts: ColumnFacts, rows: number): Plan {
  const storage = chooseStorage(facts, rows);
  // Arrow counts the bytes of texts in 32 bits.
  if (storage.kind === "text" && storage.bytes >= 2 ** 31) {
    throw new ResourceExhaustedError(
      `Column "${facts.name}" holds ${storage.bytes} bytes of text; a table in memory has room for 2147483647 in each.`,
      {
        context: { column: facts.name },
        suggestions: ["Leave the column out with `columns`, or read the file with `stream`."],
      },
    );
  }
  return { facts, storage, builder: columnBuilder(arrow, storage, rows) };
}

function assemble(arrow: Arrow, plans: readonly Plan[], rows: number): Narrowing {
  const columns: ColumnNarrowing[] = [];
  const fields: InstanceType<Arrow["Field"]>[] = [];
  const children: Data[] = [];
  for (const { facts, storage, builder } of plans) {
    const data = builder.finish();
    const scale = storage.kind === "integer" ? storage.scale : 1;
    children.push(data);
    fields.push(
      new arrow.Field(facts.name, data.type, true, new Map(scale === 1 ? [] : [[scaleKey, String(scale)]])),
    );
    columns.push({
      name: facts.name,
      from: facts.type,
      to: describeStorage(storage),
      bytesBefore: plainBytes(facts, rows),
      bytesAfter: bufferBytes(data),
    });
  }
  const schema = new arrow.Schema(fields);
  const struct = arrow.makeData({ type: new arrow.Struct(fields), length: rows, nullCount: 0, children });
  const table = new arrow.Table(schema, new arrow.RecordBatch(schema, struct)) as Table;
  const sum = (bytes: "bytesBefore" | "bytesAfter") =>
    columns.reduce((total, column) => total + column[bytes], 0);
  return {
    table: new NarrowTable(table),
    rows,
    bytesBefore: sum("bytesBefore"),
    bytesAfter: sum("bytesAfter"),
    columns,
  };
}

function builderValue(value: ColumnValues[number], storage: Storage): BuilderValue {
  if (!(value instanceof Date)) return value;
  return storage.kind === "date" ? value.getTime() / 86_400_000 : BigInt(value.getTime()) * 1000n;
}

function uneven(name: string, length: number, first: string, rows: number): DataLoadError {
  return new DataLoadError(
    `Column "${name}" has ${length} rows, and "${first}" has ${rows}. Give all columns of a table the same number of rows.`,
    { code: "MLMCP_DATA_COLUMN", context: { column: name } },
  );
}
