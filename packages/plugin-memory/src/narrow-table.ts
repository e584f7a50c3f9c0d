import type { Data, Table, Vector } from "apache-arrow";
import { columnError } from "./errors.js";

/** Field metadata in which a column of scaled integers keeps its scale. */
export const scaleKey = "mlmcp:scale";

/** A value of a narrow table: dates and points in time are milliseconds since 1970, UTC. */
export type NarrowValue = number | bigint | string | boolean | null;

/** One column of a {@link NarrowTable}, read as if it had never been narrowed. */
export class NarrowColumn implements Iterable<NarrowValue> {
  readonly name: string;
  readonly length: number;
  readonly #vector: Vector;
  readonly #scale: number;

  constructor(name: string, vector: Vector, scale: number) {
    this.name = name;
    this.length = vector.length;
    this.#vector = vector;
    this.#scale = scale;
  }

  get(row: number): NarrowValue {
    const value = this.#vector.get(row) as NarrowValue;
    return this.#scale === 1 || value === null ? value : (value as number) / this.#scale;
  }

  *[Symbol.iterator](): Generator<NarrowValue> {
    for (let row = 0; row < this.length; row += 1) yield this.get(row);
  }
}

/**
 * A table in memory that takes as few bytes as its values allow. `arrow` is the Arrow table
 * below, for any tool that reads Arrow; there a column of scaled integers has its scale in the
 * field's metadata as `mlmcp:scale`.
 */
export class NarrowTable {
  constructor(readonly arrow: Table) {}

  get rows(): number {
    return this.arrow.numRows;
  }

  get columns(): readonly string[] {
    return this.arrow.schema.names.map(String);
  }

  /** Bytes of all its buffers. */
  get bytes(): number {
    return this.columns.reduce((sum, name) => sum + bytesOf(this.arrow.getChild(name)!), 0);
  }

  /** @throws DataLoadError where there is no such column. */
  column(name: string): NarrowColumn {
    const field = this.arrow.schema.fields.find((candidate) => candidate.name === name);
    if (!field) throw columnError(name, this.columns, "The table");
    return new NarrowColumn(name, this.arrow.getChild(name)!, Number(field.metadata.get(scaleKey) ?? 1));
  }
}

function bytesOf(vector: Vector): number {
  return vector.data.reduce((sum, data) => sum + bufferBytes(data), 0);
}

/** Bytes of one column's buffers, its dictionary included. */
export function bufferBytes(data: Data): number {
  const { valueOffsets, values, nullBitmap, dictionary } = data as { [Name in keyof Data]?: Data[Name] };
  const own = [valueOffsets, values, nullBitmap] as ReadonlyArray<{ byteLength?: number } | undefined>;
  return (
    own.reduce((sum, buffer) => sum + (buffer?.byteLength ?? 0), 0) + (dictionary ? bytesOf(dictionary) : 0)
  );
}
