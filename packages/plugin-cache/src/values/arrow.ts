import type { Data, RecordBatch, Table, Vector } from "apache-arrow";

type Library = typeof import("apache-arrow");

/** What apache-arrow puts on every table, whichever copy of it made the table. */
const brand = Symbol.for("apache-arrow/Table");

let library: Library | undefined;

/**
 * Loads apache-arrow, which only those need who cache tables.
 *
 * @throws Error that says how to install it where it is missing.
 */
export async function loadArrow(): Promise<void> {
  try {
    library ??= await import("apache-arrow");
  } catch (cause) {
    throw new Error("apache-arrow cannot be loaded; install it with `npm install apache-arrow`", { cause });
  }
}

export function isArrowTable(value: object): value is Table {
  return (value as { [brand]?: unknown })[brand] === true;
}

/** The table in the streaming format of Arrow IPC. Call {@link loadArrow} before. */
export function tableToBytes(table: Table): Uint8Array {
  return library!.tableToIPC(table, "stream");
}

/** The table of which {@link tableToBytes} made the bytes; its columns are views of them. */
export function bytesToTable(bytes: Uint8Array): Table {
  return library!.tableFromIPC(bytes);
}

/** A table with buffers of its own. Made with the classes of the one given, so that the library need not be loaded. */
export function copyTable(table: Table): Table {
  const dictionaries = new Map<Vector, Vector>();
  const copyVector = (vector: Vector): Vector => {
    const known = dictionaries.get(vector);
    if (known) return known;
    const bare = new (vectorClass(vector))(vector.data.map(copyData));
    const copy = vector.isMemoized ? bare.memoize() : bare;
    dictionaries.set(vector, copy);
    return copy;
  };
  const copyData = (data: Data): Data => {
    const DataClass = data.constructor as new (...parts: unknown[]) => Data;
    return new DataClass(
      data.type,
      data.offset,
      data.length,
      data.nullCount,
      (data.buffers as unknown as Array<Uint8Array | undefined>).map(copyBuffer),
      data.children.map(copyData),
      data.dictionary && copyVector(data.dictionary),
      data.variadicBuffers.map(copyBuffer),
    );
  };
  const batches = table.batches.map((batch) => {
    const BatchClass = batch.constructor as new (
      schema: unknown,
      data: Data,
      metadata: unknown,
    ) => RecordBatch;
    return new BatchClass(batch.schema, copyData(batch.data), batch.metadata);
  });
  const TableClass = table.constructor as new (schema: unknown, batches: readonly RecordBatch[]) => Table;
  return new TableClass(table.schema, batches);
}

type VectorClass = new (data: readonly Data[]) => Vector;

/** A memoized vector is of a subclass, whose constructor takes a vector. */
function vectorClass(vector: Vector): VectorClass {
  let found = vector.constructor as VectorClass;
  for (let base = found; base !== Function.prototype; base = Object.getPrototypeOf(base) as VectorClass)
    found = base;
  return found;
}

/** Of what kind they are, depends on the column's type; absent ones stay absent. */
function copyBuffer(buffer: { slice(): unknown } | undefined): unknown {
  return buffer?.slice();
}

/** Bytes of all buffers. */
export function sizeOfTable(table: Table): number {
  const sizeOfAll = (all: readonly Data[]): number => all.reduce((sum, data) => sum + sizeOf(data), 0);
  // Dictionaries of the children are not part of their `byteLength`.
  const sizeOf = (data: Data): number => data.byteLength + dictionariesOf(data);
  const dictionariesOf = (data: Data): number =>
    data.children.reduce((sum, child) => sum + dictionariesOf(child), sizeOfAll(data.dictionary?.data ?? []));
  return sizeOfAll(table.batches.map((batch) => batch.data));
}
