/** What a column was found to hold, from a file by SQL or from an array by looking at each value. */
export type ColumnFacts = {
  readonly name: string;
  /** The type before: SQL's, or the array's. */
  readonly type: string;
  readonly nulls: number;
} & Values;

type Values =
  | { readonly kind: "integer"; readonly min: bigint; readonly max: bigint; readonly width: number }
  | {
      readonly kind: "float";
      readonly width: 4 | 8;
      /** The smallest power of ten that makes integers of all values and gives them back exactly. */
      readonly scale: number | undefined;
      readonly min: number;
      readonly max: number;
    }
  | { readonly kind: "boolean" }
  /** `bytes` in UTF-8; of each different text once in `distinctBytes`. */
  | {
      readonly kind: "text";
      readonly bytes: number;
      readonly distinct: number;
      readonly distinctBytes: number;
    }
  | { readonly kind: "date" }
  /** `daily`: every one at midnight. */
  | { readonly kind: "timestamp"; readonly daily: boolean };

/** How a column is kept. */
export type Storage =
  | {
      readonly kind: "integer";
      readonly signed: boolean;
      readonly bits: 8 | 16 | 32 | 64;
      readonly scale: number;
    }
  | { readonly kind: "float"; readonly bits: 32 | 64 }
  | { readonly kind: "boolean" }
  | {
      readonly kind: "dictionary";
      readonly bits: 8 | 16 | 32;
      readonly distinct: number;
      readonly distinctBytes: number;
    }
  | { readonly kind: "text"; readonly bytes: number }
  | { readonly kind: "date" }
  | { readonly kind: "timestamp" };

/** Powers of ten that are tried on decimals. */
export const scales: readonly number[] = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000];

/** Whether a decimal comes back the same from an integer. NaN, infinities and -0 do not. */
export function survives(value: number, scale: number): boolean {
  const scaled = Math.round(value * scale);
  return scaled / scale === value && !Object.is(value, -0) && Math.abs(scaled) < 2 ** 32;
}

/** The narrowest storage from which every value comes back the same. */
export function chooseStorage(facts: ColumnFacts, rows: number): Storage {
  switch (facts.kind) {
    case "integer":
      return integerStorage(facts.min, facts.max, 1);
    case "float": {
      const kept = { kind: "float", bits: facts.width === 4 ? 32 : 64 } as const;
      if (facts.scale === undefined) return kept;
      const [min, max] = [facts.min, facts.max].map((value) => BigInt(Math.round(value * facts.scale!)));
      const integers = integerStorage(min!, max!, facts.scale);
      return integers.bits < kept.bits ? integers : kept;
    }
    case "text": {
      const bits = facts.distinct <= 2 ** 8 ? 8 : facts.distinct <= 2 ** 16 ? 16 : 32;
      const { distinct, distinctBytes } = facts;
      const dictionary = (rows * bits) / 8 + distinctBytes + 4 * (distinct + 1);
      if (dictionary < facts.bytes + 4 * (rows + 1))
        return { kind: "dictionary", bits, distinct, distinctBytes };
      return { kind: "text", bytes: facts.bytes };
    }
    case "timestamp":
      return { kind: facts.daily ? "date" : "timestamp" };
    case "boolean":
    case "date":
      return { kind: facts.kind };
  }
}

/** Bytes of the column as it was, in Arrow's layout: values or offsets and UTF-8, and a bit a row for nulls. */
export function plainBytes(facts: ColumnFacts, rows: number): number {
  const validity = facts.nulls > 0 ? Math.ceil(rows / 8) : 0;
  switch (facts.kind) {
    case "integer":
    case "float":
      return validity + rows * facts.width;
    case "boolean":
      return validity + Math.ceil(rows / 8);
    case "text":
      return validity + facts.bytes + 4 * (rows + 1);
    case "date":
      return validity + rows * 4;
    case "timestamp":
      return validity + rows * 8;
  }
}

/** What was done, for a reader: `Int16, hundredths`. */
export function describeStorage(storage: Storage): string {
  switch (storage.kind) {
    case "integer": {
      const type = `${storage.signed ? "Int" : "Uint"}${storage.bits}`;
      return storage.scale === 1 ? type : `${type} in units of 1/${storage.scale}`;
    }
    case "float":
      return `Float${storage.bits}`;
    case "boolean":
      return "Bool";
    case "dictionary":
      return `Dictionary<Uint${storage.bits}>`;
    case "text":
      return "Utf8";
    case "date":
      return "DateDay";
    case "timestamp":
      return "TimestampMicrosecond";
  }
}

function integerStorage(min: bigint, max: bigint, scale: number) {
  const signed = min < 0n;
  const bits = ([8, 16, 32] as const).find((size) =>
    signed
      ? BigInt.asIntN(size, min) === min && BigInt.asIntN(size, max) === max
      : BigInt.asUintN(size, max) === max,
  );
  // 64 bits are signed unless only an unsigned number can be that large.
  if (bits === undefined) return { kind: "integer", signed: max < 2n ** 63n, bits: 64, scale } as const;
  return { kind: "integer", signed, bits, scale } as const;
}
