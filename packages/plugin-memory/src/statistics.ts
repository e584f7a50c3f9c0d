import type { RowValue, Session } from "./duckdb.js";
import { quoteName } from "./sql.js";
import type { SourceColumn, SourceTable } from "./tables.js";

/** How a column's values are counted and ordered. */
export type ColumnKind = "number" | "text" | "boolean" | "temporal" | "other";

/** A value of a column: integers beyond 2^53 are bigints, dates and times are ISO texts. */
export type StatisticValue = number | bigint | string | boolean;

/**
 * What one column holds. Values that are not finite (NaN, ±Infinity, also of dates) are counted in `nonFinite`
 * and left out of `min`, `max`, `mean`, `std` and the quantiles.
 */
export interface ColumnStatistics {
  readonly name: string;
  /** The SQL type in the file, such as `BIGINT`. */
  readonly type: string;
  readonly kind: ColumnKind;
  /** Values that are not null. */
  readonly count: number;
  /** In CSV an empty field is null. */
  readonly nulls: number;
  readonly nonFinite: number;
  readonly min: StatisticValue | null;
  readonly max: StatisticValue | null;
  /** Arithmetic mean of numbers, and of dates as a point in time. */
  readonly mean: StatisticValue | null;
  /** Sample standard deviation (n - 1) of numbers; null for fewer than two. */
  readonly std: number | null;
  /** Different values, counted exactly. Absent where that takes more memory than there is. */
  readonly distinct?: number;
  /** Stands in for `distinct`: HyperLogLog, which may be off by a quarter either way. */
  readonly approximateDistinct?: number;
  /** By name: `p50` is the median. Exact, interpolated linearly between neighbours (R type 7, as numpy). */
  readonly quantiles?: Readonly<Record<string, StatisticValue | null>>;
  /** Stands in for `quantiles`: a t-digest. */
  readonly approximateQuantiles?: Readonly<Record<string, StatisticValue | null>>;
}

/** What one file holds. */
export interface TableStatistics {
  readonly file: string;
  readonly format: "csv" | "parquet";
  /** Size of the file. */
  readonly bytes: number;
  readonly rows: number;
  readonly columns: readonly ColumnStatistics[];
}

export interface AnalyzeOptions {
  /** @default all columns */
  readonly columns?: readonly string[];
  /** Probabilities between 0 and 1. @default [0.05, 0.25, 0.5, 0.75, 0.95] */
  readonly quantiles?: readonly number[];
  /** Interrupts the analysis; the promise rejects with its reason. */
  readonly signal?: AbortSignal;
}

interface Summary {
  readonly column: SourceColumn;
  readonly kind: ColumnKind;
  readonly count: number;
  readonly approximateDistinct: number;
  /** Mean length of a text. */
  readonly width: number;
  readonly facts: Omit<ColumnStatistics, "name" | "type" | "kind" | "distinct" | "quantiles">;
}

/**
 * Column statistics in two or more passes over the file: sums first, then what needs all values
 * at once, for as many columns together as fit in half of `memoryLimit`. A column that does not
 * fit even alone gets the approximate figures instead, under their own names.
 */
export async function columnStatistics(
  session: Session,
  table: SourceTable,
  columns: readonly SourceColumn[],
  probabilities: readonly number[],
  memoryLimit: number,
): Promise<{ rows: number; columns: ColumnStatistics[] }> {
  const { rows, summaries } = await summarise(session, table, columns);
  const exact = new Map<SourceColumn, Partial<ColumnStatistics>>();
  for (const batch of batches(summaries, memoryLimit / 2)) {
    for (const [column, figures] of await distributions(session, table, batch, probabilities))
      exact.set(column, figures);
  }
  return {
    rows,
    columns: summaries.map(({ column, kind, facts }) => ({
      name: column.name,
      type: column.type,
      kind,
      ...facts,
      ...exact.get(column),
    })),
  };
}

async function summarise(session: Session, table: SourceTable, columns: readonly SourceColumn[]) {
  const figures = columns.flatMap(({ name, type }, index) => {
    const kind = kindOf(type);
    const value = quoteName(name);
    const finite = finiteOnly(value, type);
    const ordered = kind === "other" ? "NULL" : value;
    return [
      `count(${value}) AS count_${index}`,
      `approx_count_distinct(${kind === "other" ? `${value}::VARCHAR` : value}) AS distinct_${index}`,
      `${endless(type) ? `count(*) FILTER (NOT ${isFinite(value, type)})` : 0} AS nonfinite_${index}`,
      `${plain(`min(${ordered})${finite}`, kind)} AS min_${index}`,
      `${plain(`max(${ordered})${finite}`, kind)} AS max_${index}`,
      `${meanOf(value, type, kind)} AS mean_${index}`,
      `${kind === "number" ? `stddev_samp(${value}::DOUBLE)${finite}` : "NULL"} AS std_${index}`,
      `${kind === "text" ? `avg(strlen(${value}::VARCHAR))` : 8} AS width_${index}`,
    ];
  });
  const [row = {}] = await session.rows(
    `SELECT count(*) AS total, ${figures.join(", ")} FROM ${table.relation}`,
  );
  const rows = Number(row["total"]);
  const summaries = columns.map((column, index): Summary => {
    const kind = kindOf(column.type);
    const figure = (name: string) => plainValue(row[`${name}_${index}`]);
    const count = Number(figure("count"));
    return {
      column,
      kind,
      count,
      width: Number(figure("width") ?? 0),
      approximateDistinct: Math.min(count, Number(figure("distinct"))),
      facts: {
        count,
        nulls: rows - count,
        nonFinite: Number(figure("nonfinite")),
        min: figure("min"),
        max: figure("max"),
        mean: figure("mean"),
        std: figure("std") as number | null,
      },
    };
  });
  return { rows, summaries };
}

/** Columns that are counted in one pass. Each alone where it is larger than the budget. */
function batches(summaries: readonly Summary[], budget: number): Summary[][] {
  const result: Summary[][] = [];
  let left = 0;
  for (const summary of summaries) {
    // From above: vectors of 8-byte values that double as they grow, and a hash set.
    const values = ordersByValue(summary.kind) ? summary.count * 16 : 0;
    const need = values + summary.approximateDistinct * 1.3 * (summary.width + 48);
    if (result.length === 0 || need > left) {
      result.push([]);
      left = budget;
    }
    result.at(-1)!.push(summary);
    left -= need;
  }
  return result;
}

async function distributions(
  session: Session,
  table: SourceTable,
  batch: readonly Summary[],
  probabilities: readonly number[],
): Promise<Map<SourceColumn, Partial<ColumnStatistics>>> {
  try {
    return await measure(session, table, batch, probabilities, "exact");
  } catch (error) {
    if (!(error instanceof Error && error.message.startsWith("Out of Memory"))) throw error;
    return measure(session, table, batch, probabilities, "approximate");
  }
}

async function measure(
  session: Session,
  table: SourceTable,
  batch: readonly Summary[],
  probabilities: readonly number[],
  mode: "exact" | "approximate",
): Promise<Map<SourceColumn, Partial<ColumnStatistics>>> {
  const list = `[${probabilities.join(", ")}]`;
  const figures = batch.flatMap(({ column, kind }, index) => {
    const value = quoteName(column.name);
    const quantile = mode === "exact" ? "quantile_cont" : "approx_quantile";
    // As doubles, since interpolated decimals would be rounded to their scale.
    const input = kind === "number" ? `${value}::DOUBLE` : momentOf(value, column.type);
    const ordered = `${quantile}(${input}, ${list})${finiteOnly(value, column.type)}`;
    return [
      `${mode === "exact" ? `count(DISTINCT ${kind === "other" ? `${value}::VARCHAR` : value})` : "NULL"} AS distinct_${index}`,
      `${ordersByValue(kind) ? `CAST(${ordered} AS ${kind === "number" ? "DOUBLE" : "VARCHAR"}[])` : "NULL"} AS quantiles_${index}`,
    ];
  });
  const [row = {}] = await session.rows(`SELECT ${figures.join(", ")} FROM ${table.relation}`);
  return new Map(
    batch.map(({ column, approximateDistinct }, index) => {
      const values = row[`quantiles_${index}`] as { items: readonly RowValue[] } | null;
      const quantiles =
        values &&
        Object.fromEntries(probabilities.map((p, at) => [quantileName(p), plainValue(values.items[at])]));
      const distinct = Number(row[`distinct_${index}`]);
      return [
        column,
        mode === "exact"
          ? { distinct, ...(quantiles && { quantiles }) }
          : { approximateDistinct, ...(quantiles && { approximateQuantiles: quantiles }) },
      ];
    }),
  );
}

/** `p50` for 0.5, `p99.9` for 0.999. */
function quantileName(probability: number): string {
  return `p${Number((probability * 100).toFixed(6))}`;
}

/** What a column of an SQL type holds. */
export function kindOf(type: string): ColumnKind {
  if (/^(U?(TINYINT|SMALLINT|INTEGER|BIGINT|HUGEINT)|DOUBLE|FLOAT|DECIMAL\(.*\))$/.test(type))
    return "number";
  if (/^(VARCHAR|UUID|ENUM\(.*\))$/s.test(type)) return "text";
  if (type === "BOOLEAN") return "boolean";
  if (/^(DATE|TIME|TIMESTAMP)(_S|_MS|_NS)?( WITH TIME ZONE)?$/.test(type)) return "temporal";
  return "other";
}

function ordersByValue(kind: ColumnKind): boolean {
  return kind === "number" || kind === "temporal";
}

/** Whether a column of the type may hold infinities or NaN. */
function endless(type: string): boolean {
  return /^(DOUBLE|FLOAT|DATE|TIMESTAMP.*)$/.test(type);
}

function isFinite(value: string, type: string): string {
  return `isfinite(${momentOf(value, type)})`;
}

function finiteOnly(value: string, type: string): string {
  return endless(type) ? ` FILTER (${isFinite(value, type)})` : "";
}

/** Dates and times of other precisions as points in time, which can be averaged and interpolated. */
function momentOf(value: string, type: string): string {
  return /^(DATE|TIMESTAMP_.*)$/.test(type) ? `${value}::TIMESTAMP` : value;
}

function meanOf(value: string, type: string, kind: ColumnKind): string {
  if (kind === "number") return `avg(${value})${finiteOnly(value, type)}`;
  return /^(DATE|TIMESTAMP)/.test(type)
    ? `(avg(${momentOf(value, type)})${finiteOnly(value, type)})::VARCHAR`
    : "NULL";
}

function plain(expression: string, kind: ColumnKind): string {
  if (kind === "temporal" || kind === "text") return `(${expression})::VARCHAR`;
  return expression;
}

/** Numbers where a number is exact, else bigints; decimals as the nearest number. */
function plainValue(value: RowValue | undefined): StatisticValue | null {
  if (value === undefined || value === null) return null;
  if (typeof value === "bigint") return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  if (typeof value === "object" && "toDouble" in value) return value.toDouble();
  return value as StatisticValue;
}
