import type { Data, DataType, Vector } from "apache-arrow";
import type { Storage } from "./storage.js";

type Arrow = typeof import("apache-arrow");

/** A value on its way into a column. Dates are days since 1970, points in time microseconds. */
export type BuilderValue = number | bigint | string | boolean | null | undefined;

/** Fills one column of a known length, in buffers that are exactly as large as they must be. */
export interface ColumnBuilder {
  append(value: BuilderValue): void;
  finish(): Data;
}

type Buffers = { [Name in "data" | "valueOffsets"]?: unknown } & { dictionary?: Vector };

/** @throws RangeError where more is appended than `rows`, or text than the storage foresees. */
export function columnBuilder(arrow: Arrow, storage: Storage, rows: number): ColumnBuilder {
  switch (storage.kind) {
    case "integer": {
      const { type, array } = integerType(arrow, storage.signed, storage.bits);
      if (storage.bits === 64)
        return filled(arrow, rows, type, array(rows), (value) => BigInt(value as bigint));
      return filled(arrow, rows, type, array(rows), (value) => Math.round(Number(value) * storage.scale));
    }
    case "float":
      return storage.bits === 32
        ? filled(arrow, rows, new arrow.Float32(), new Float32Array(rows), Number)
        : filled(arrow, rows, new arrow.Float64(), new Float64Array(rows), Number);
    case "date":
      return filled(arrow, rows, new arrow.DateDay(), new Int32Array(rows), Number);
    case "timestamp":
      return filled(arrow, rows, new arrow.TimestampMicrosecond(), new BigInt64Array(rows), (value) =>
        BigInt(value as bigint),
      );
    case "boolean": {
      const bits = new Uint8Array(Math.ceil(rows / 8));
      return validated(
        arrow,
        rows,
        new arrow.Bool(),
        (row, value) => value === true && setBit(bits, row),
        () => ({ data: bits }),
      );
    }
    case "text": {
      const texts = new TextBuffer(rows, storage.bytes);
      return validated(
        arrow,
        rows,
        new arrow.Utf8(),
        (_, value) => texts.append(String(value)),
        () => texts.buffers,
        () => texts.append(""),
      );
    }
    case "dictionary":
      return dictionary(arrow, storage, rows);
  }
}

function dictionary(arrow: Arrow, storage: Storage & { kind: "dictionary" }, rows: number): ColumnBuilder {
  const { type: index, array } = integerType(arrow, false, storage.bits);
  const codes = array(rows);
  const texts = new TextBuffer(storage.distinct, storage.distinctBytes);
  const known = new Map<string, number>();
  const write = (row: number, value: BuilderValue) => {
    const text = String(value);
    let code = known.get(text);
    if (code === undefined) {
      code = known.size;
      known.set(text, code);
      texts.append(text);
    }
    codes[row] = code;
  };
  const type = new arrow.Dictionary(new arrow.Utf8(), index as InstanceType<Arrow["Uint8"]>);
  return validated(arrow, rows, type, write, () => ({
    data: codes,
    dictionary: arrow.makeVector(
      arrow.makeData({ type: new arrow.Utf8(), length: known.size, ...texts.buffers }),
    ),
  }));
}

type Writable = { [row: number]: number | bigint };

function filled(
  arrow: Arrow,
  rows: number,
  type: DataType,
  data: Writable,
  convert: (value: Exclude<BuilderValue, null | undefined>) => number | bigint,
): ColumnBuilder {
  return validated(
    arrow,
    rows,
    type,
    (row, value) => (data[row] = convert(value)),
    () => ({ data }),
  );
}

/** Counts rows and keeps the bit map of nulls, which is there only where a null is. */
function validated(
  arrow: Arrow,
  rows: number,
  type: DataType,
  write: (row: number, value: Exclude<BuilderValue, null | undefined>) => unknown,
  buffers: () => Buffers,
  writeNull?: () => void,
): ColumnBuilder {
  let row = 0;
  let nullCount = 0;
  let nullBitmap: Uint8Array | undefined;
  return {
    append(value) {
      if (row >= rows)
        throw new RangeError(`The column has room for ${rows} rows; its source has grown while it was read.`);
      if (value === null || value === undefined) {
        nullBitmap ??= new Uint8Array(Math.ceil(rows / 8)).fill(0xff);
        nullBitmap[row >> 3]! &= ~(1 << (row & 7));
        nullCount += 1;
        writeNull?.();
      } else {
        write(row, value);
      }
      row += 1;
    },
    finish: () => arrow.makeData({ type, length: row, nullCount, nullBitmap, ...buffers() } as never) as Data,
  };
}

/** UTF-8 of many texts in one buffer, and where each begins. */
class TextBuffer {
  readonly #offsets: Int32Array;
  readonly #bytes: Uint8Array;
  readonly #encoder = new TextEncoder();
  #count = 0;

  constructor(count: number, bytes: number) {
    this.#offsets = new Int32Array(count + 1);
    this.#bytes = new Uint8Array(bytes);
  }

  append(text: string): void {
    const start = this.#offsets[this.#count]!;
    const { read, written } = this.#encoder.encodeInto(text, this.#bytes.subarray(start));
    if (read < text.length || this.#count + 1 >= this.#offsets.length)
      throw new RangeError("The source has grown while it was read.");
    this.#count += 1;
    this.#offsets[this.#count] = start + written;
  }

  get buffers() {
    return { valueOffsets: this.#offsets, data: this.#bytes };
  }
}

function setBit(bits: Uint8Array, row: number): void {
  bits[row >> 3]! |= 1 << (row & 7);
}

function integerType(
  arrow: Arrow,
  signed: boolean,
  bits: 8 | 16 | 32 | 64,
): { type: DataType; array: (rows: number) => Writable } {
  switch (bits) {
    case 8:
      return {
        type: signed ? new arrow.Int8() : new arrow.Uint8(),
        array: (rows) => new (signed ? Int8Array : Uint8Array)(rows),
      };
    case 16:
      return {
        type: signed ? new arrow.Int16() : new arrow.Uint16(),
        array: (rows) => new (signed ? Int16Array : Uint16Array)(rows),
      };
    case 32:
      return {
        type: signed ? new arrow.Int32() : new arrow.Uint32(),
        array: (rows) => new (signed ? Int32Array : Uint32Array)(rows),
      };
    case 64:
      return {
        type: signed ? new arrow.Int64() : new arrow.Uint64(),
        array: (rows) => new (signed ? BigInt64Array : BigUint64Array)(rows),
      };
  }
}
