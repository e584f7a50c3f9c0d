import {
  Dictionary,
  Int32,
  tableFromArrays,
  Utf8,
  vectorFromArray,
  Table,
  tableToIPC,
  tableFromIPC,
} from "apache-arrow";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { deserializeSnapshot, serializeSnapshot } from "./awaited.js";
import { UnreadableError } from "../../src/values/marks.js";
import { copyOf, takeSnapshot, UnstorableError } from "../../src/values/snapshot.js";

const kinds = vectorFromArray(["a", "b", "a", null], new Dictionary(new Utf8(), new Int32()));

function makeTable(): Table {
  const plain = tableFromArrays({ x: new Float64Array([1, 2, 3, 4]), n: ["one", "two", "three", "four"] });
  return new Table({ x: plain.getChild("x")!, n: plain.getChild("n")!, kind: kinds });
}

describe("Arrow tables", () => {
  it("come back from memory and from a store, within other values, with columns of their own", async () => {
    const table = makeTable();
    const rows = table.toArray().map(String);
    const snapshot = takeSnapshot({ found: [table] });
    const bytes = await serializeSnapshot(snapshot);
    const takers = [copyOf(snapshot), copyOf(await deserializeSnapshot(bytes))] as { found: [Table] }[];
    for (const { found } of takers) {
      expect(found[0]).not.toBe(table);
      expect(found[0]).toBeInstanceOf(Table);
      expect(String(found[0].schema)).toBe(String(table.schema));
      expect(found[0].toArray().map(String)).toEqual(rows);
      // The columns are memory that can be written to.
      (found[0].getChild("x")!.data[0]!.values as Float64Array).fill(7);
    }
    expect((copyOf(snapshot) as { found: [Table] }).found[0].toArray().map(String)).toEqual(rows);
    expect(table.toArray().map(String)).toEqual(rows);
  });

  it("keep several batches, slices, nulls and dictionaries", async () => {
    const table = makeTable();
    const parts = table.concat(makeTable()).slice(2, 7);
    const expected = parts.toArray().map(String);
    const snapshot = takeSnapshot(parts);
    expect((copyOf(snapshot) as Table).batches.length).toBe(2);
    expect((copyOf(snapshot) as Table).toArray().map(String)).toEqual(expected);
    const back = copyOf(await deserializeSnapshot(await serializeSnapshot(snapshot))) as Table;
    expect(back.toArray().map(String)).toEqual(expected);
    expect(back.getChild("kind")!.nullCount).toBe(1);
  });

  it("that were read from a file are the same again", async () => {
    const table = tableFromIPC(tableToIPC(makeTable(), "file"));
    const back = copyOf(await deserializeSnapshot(await serializeSnapshot(takeSnapshot(table)))) as Table;
    expect(Buffer.compare(tableToIPC(back), tableToIPC(table))).toBe(0);
  });

  it("say what to install where the library is missing, in either direction", async () => {
    const snapshot = takeSnapshot(makeTable());
    const bytes = await serializeSnapshot(snapshot);
    vi.resetModules();
    vi.doMock("apache-arrow", () => {
      throw new Error("Cannot find package 'apache-arrow'");
    });
    onTestFinished(() => void vi.doUnmock("apache-arrow"));
    const fresh = await import("../../src/values/codec.js");
    const missing = "apache-arrow cannot be loaded; install it with `npm install apache-arrow`";
    await expect(fresh.serializeSnapshot(snapshot)).rejects.toMatchObject({
      name: UnstorableError.name,
      message: `the value is an Arrow table, or holds one, and ${missing}`,
    });
    await expect(fresh.deserializeSnapshot(bytes)).rejects.toMatchObject({
      name: UnreadableError.name,
      message: `the entry holds an Arrow table, and ${missing}`,
    });
    // Memory does without.
    const { copyOf: copy } = await import("../../src/values/snapshot.js");
    expect((copy(snapshot) as Table).numRows).toBe(4);
  });
});
