import { DataLoadError } from "@mlmcp/core";
import { scales, survives, type ColumnFacts } from "./storage.js";

/** The values of a column in memory. */
export type ColumnValues = ArrayLike<number | bigint | string | boolean | Date | null | undefined>;

/** Looks at every value of a column in memory. A column without any value is one of texts. */
export function factsOfArray(name: string, values: ColumnValues): ColumnFacts {
  const sample = firstValue(values);
  const type = ArrayBuffer.isView(values)
    ? values.constructor.name
    : `${sample instanceof Date ? "Date" : typeof sample}[]`;
  const base = { name, type, nulls: 0 };
  switch (typeof sample) {
    case "number":
      return numberFacts(base, values);
    case "bigint":
      return { ...base, ...range(values, name), width: 8 };
    case "boolean":
      return { ...base, kind: "boolean", nulls: visit(values, name, "boolean", () => {}) };
    case "object":
      return timeFacts(base, values);
    default:
      return textFacts({ ...base, type: "string[]" }, values);
  }
}

type Base = Pick<ColumnFacts, "name" | "type" | "nulls">;

function numberFacts(base: Base, values: ColumnValues): ColumnFacts {
  let min = Infinity;
  let max = -Infinity;
  let step = 0;
  const nulls = visit<number>(values, base.name, "number", (value) => {
    min = Math.min(min, value);
    max = Math.max(max, value);
    // A value that survives one scale survives the larger ones too, as long as it stays small.
    while (step < scales.length && !survives(value, scales[step]!)) step += 1;
  });
  const integers = ArrayBuffer.isView(values) && !/Float/.test(base.type);
  if (integers) {
    const width = (values as Uint8Array).BYTES_PER_ELEMENT;
    return { ...base, nulls, kind: "integer", min: BigInt(min), max: BigInt(max), width };
  }
  const scale = scales.slice(step).find((candidate) => visitsAll(values, candidate));
  return { ...base, nulls, kind: "float", width: base.type === "Float32Array" ? 4 : 8, scale, min, max };
}

function visitsAll(values: ColumnValues, scale: number): boolean {
  for (let row = 0; row < values.length; row += 1) {
    const value = values[row];
    if (typeof value === "number" && !survives(value, scale)) return false;
  }
  return true;
}

function range(values: ColumnValues, name: string) {
  let min: bigint | undefined;
  let max: bigint | undefined;
  const nulls = visit<bigint>(values, name, "bigint", (value) => {
    if (min === undefined || value < min) min = value;
    if (max === undefined || value > max) max = value;
  });
  if (min! < -(2n ** 63n) || max! >= 2n ** 64n || (min! < 0n && max! >= 2n ** 63n)) {
    throw new DataLoadError(
      `Column "${name}" holds integers from ${min} to ${max}, which do not fit in 64 bits. Give them as texts.`,
      {
        code: "MLMCP_DATA_TYPE",
        context: { column: name },
      },
    );
  }
  return { kind: "integer", nulls, min: min!, max: max! } as const;
}

function timeFacts(base: Base, values: ColumnValues): ColumnFacts {
  let daily = true;
  const nulls = visit<Date>(values, base.name, "object", (value) => {
    if (Number.isNaN(value.getTime())) throw mixed(base.name, "an invalid Date");
    daily &&= value.getTime() % 86_400_000 === 0;
  });
  return { ...base, nulls, kind: "timestamp", daily };
}

function textFacts(base: Base, values: ColumnValues): ColumnFacts {
  const distinct = new Set<string>();
  let bytes = 0;
  let distinctBytes = 0;
  const nulls = visit<string>(values, base.name, "string", (value) => {
    const length = Buffer.byteLength(value);
    bytes += length;
    if (distinct.has(value)) return;
    if (Buffer.from(value).toString() !== value)
      throw mixed(base.name, "a text with half a character (a lone surrogate)");
    distinct.add(value);
    distinctBytes += length;
  });
  return { ...base, nulls, kind: "text", bytes, distinct: distinct.size, distinctBytes };
}

function firstValue(values: ColumnValues): unknown {
  for (let row = 0; row < values.length; row += 1) {
    if (values[row] !== null && values[row] !== undefined) return values[row];
  }
  return undefined;
}

/** Calls back for each value that is there; returns how many are not. */
function visit<T>(values: ColumnValues, name: string, type: string, see: (value: T) => void): number {
  let nulls = 0;
  for (let row = 0; row < values.length; row += 1) {
    const value = values[row];
    if (value === null || value === undefined) nulls += 1;
    else if (typeof value === type && (type !== "object" || value instanceof Date)) see(value as T);
    else throw mixed(name, `a ${typeof value} in row ${row}`, type === "object" ? "Date" : type);
  }
  return nulls;
}

function mixed(name: string, found: string, type?: string): DataLoadError {
  const others = type === undefined ? "" : `, but a ${type} before it`;
  return new DataLoadError(
    `Column "${name}" holds ${found}${others}. Give it values of one type, and null where there is none.`,
    {
      code: "MLMCP_DATA_TYPE",
      context: { column: name },
    },
  );
}
