import type { RowValue, Session } from "./duckdb.js";
import { quoteName } from "./sql.js";
import { scales, type ColumnFacts } from "./storage.js";
import type { SourceColumn, SourceTable } from "./tables.js";

/** A column of a file, and the SQL that reads it as a column builder wants it. */
export interface ReadableColumn {
  readonly facts: ColumnFacts;
  readonly select: string;
}

/** Looks at every value of a file's columns: one pass for all numbers and times, one for each column of texts. */
export async function factsOfFile(
  session: Session,
  table: SourceTable,
  columns: readonly SourceColumn[],
): Promise<{ rows: number; columns: ReadableColumn[] }> {
  const figures = columns.flatMap((column, index) => [
    `count(${quoteName(column.name)}) AS count_${index}`,
    ...Object.entries(probeOf(column)).map(([name, figure]) => `${figure} AS ${name}_${index}`),
  ]);
  const [row = {}] = await session.rows(
    `SELECT count(*) AS total, ${figures.join(", ")} FROM ${table.relation}`,
  );
  const rows = Number(row["total"]);
  const readable: ReadableColumn[] = [];
  for (const [index, column] of columns.entries()) {
    const nulls = rows - Number(row[`count_${index}`]);
    const found = valuesOf(column, nulls === rows, (name) => row[`${name}_${index}`] ?? null);
    const facts = found ?? (await textFacts(session, table, column));
    const base = { name: column.name, type: column.type, nulls };
    readable.push({ facts: { ...base, ...facts }, select: selectOf(column, facts) });
  }
  return { rows, columns: readable };
}

type Values = ColumnFacts extends infer Facts
  ? Facts extends ColumnFacts
    ? Omit<Facts, "name" | "type" | "nulls">
    : never
  : never;

/** How a type of SQL is kept. What none of them can keep exactly becomes text. */
function familyOf(type: string): ColumnFacts["kind"] {
  if (/^U?(TINYINT|SMALLINT|INTEGER|BIGINT)$/.test(type)) return "integer";
  // Up to 15 digits a double gives every decimal back.
  const digits = /^DECIMAL\((\d+),/.exec(type)?.[1];
  if (type === "DOUBLE" || type === "FLOAT" || (digits !== undefined && Number(digits) <= 15)) return "float";
  if (type === "BOOLEAN") return "boolean";
  if (type === "DATE") return "date";
  if (/^TIMESTAMP(_S|_MS| WITH TIME ZONE)?$/.test(type)) return "timestamp";
  return "text";
}

/** The figures that `valuesOf` reads. */
function probeOf({ name, type }: SourceColumn): Record<string, string> {
  const column = quoteName(name);
  const finite = `bool_and(isfinite(${column}))`;
  switch (familyOf(type)) {
    case "integer":
      return { min: `min(${column})`, max: `max(${column})` };
    case "float": {
      const value = `${column}::DOUBLE`;
      return {
        min: `min(${value})`,
        max: `max(${value})`,
        ...Object.fromEntries(
          scales.map((scale) => [`exact${scale}`, `bool_and(${survivesSql(value, scale)})`]),
        ),
      };
    }
    case "date":
      return { finite };
    case "timestamp":
      return { finite, daily: `bool_and(NOT isfinite(${column}) OR epoch_us(${column}) % 86400000000 = 0)` };
    case "boolean":
    case "text":
      return {};
  }
}

/** As `survives` in `storage.ts`, in SQL. */
function survivesSql(value: string, scale: number): string {
  const scaled = `round(${value} * ${scale})`;
  return `${scaled} / ${scale} = ${value} AND abs(${scaled}) < 4294967296 AND NOT (${value} = 0 AND signbit(${value}))`;
}

/** Nothing where only text keeps the column exactly, or where it holds nothing at all. */
function valuesOf(
  { type }: SourceColumn,
  empty: boolean,
  figure: (name: string) => RowValue,
): Values | undefined {
  if (empty) return undefined;
  const kind = familyOf(type);
  switch (kind) {
    case "integer":
      return {
        kind,
        min: BigInt(figure("min") as bigint),
        max: BigInt(figure("max") as bigint),
        width: widthOf(type),
      };
    case "float": {
      const scale = scales.find((candidate) => figure(`exact${candidate}`) === true);
      return {
        kind,
        width: type === "FLOAT" ? 4 : 8,
        scale,
        min: Number(figure("min")),
        max: Number(figure("max")),
      };
    }
    case "boolean":
      return { kind };
    case "date":
      return figure("finite") === true ? { kind } : undefined;
    case "timestamp":
      return figure("finite") === true ? { kind, daily: figure("daily") === true } : undefined;
    case "text":
      return undefined;
  }
}

async function textFacts(session: Session, table: SourceTable, { name }: SourceColumn): Promise<Values> {
  const column = `${quoteName(name)}::VARCHAR`;
  const [row = {}] = await session.rows(
    `SELECT count(*) AS "distinct", sum(strlen(value)) AS distinct_bytes, sum(strlen(value) * times) AS bytes
     FROM (SELECT ${column} AS value, count(*) AS times FROM ${table.relation} WHERE ${quoteName(name)} IS NOT NULL GROUP BY 1)`,
  );
  return {
    kind: "text",
    bytes: Number(row["bytes"]),
    distinct: Number(row["distinct"]),
    distinctBytes: Number(row["distinct_bytes"]),
  };
}

function selectOf({ name }: SourceColumn, facts: Values): string {
  const column = quoteName(name);
  switch (facts.kind) {
    case "integer":
    case "boolean":
      return column;
    case "float":
      return `${column}::DOUBLE`;
    case "date":
      return `${column} - DATE '1970-01-01'`;
    case "timestamp":
      return facts.daily ? `epoch_us(${column}) // 86400000000` : `epoch_us(${column})`;
    case "text":
      return `${column}::VARCHAR`;
  }
}

function widthOf(type: string): number {
  return { TINYINT: 1, SMALLINT: 2, INTEGER: 4, BIGINT: 8 }[type.replace(/^U/, "")] ?? 8;
}
