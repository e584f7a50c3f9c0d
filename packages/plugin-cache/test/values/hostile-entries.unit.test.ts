import { brotliCompressSync, crc32 } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createEntryCodec } from "./awaited.js";
import type { Entry } from "../../src/values/entry.js";
import { UnreadableError } from "../../src/values/marks.js";
import { takeSnapshot } from "../../src/values/snapshot.js";

const codec = createEntryCodec({ compressOver: 200 });

const entryOf = (value: unknown): Entry => ({
  operation: "Reports.summary",
  created: 1_000,
  freshUntil: 2_000,
  expires: 3_000,
  cost: 12.5,
  versions: { "*": "0", "op:Reports.summary": "v1" },
  etag: "e",
  snapshot: takeSnapshot(value),
});

const sealed = await codec.seal("k", entryOf({ rows: [1, "two", { three: 3 }] }));
const compressed = await codec.seal("k", entryOf("the same words, ".repeat(100)));

/** With the right checksum, as somebody writes it who knows the format. */
function checked(bytes: Uint8Array): Buffer {
  const copy = Buffer.from(bytes);
  copy.writeUInt32LE(crc32(copy.subarray(6), crc32(copy.subarray(0, 2))), 2);
  return copy;
}

/** The sealed entry with another head, and other lengths where they are given. */
function withHead(head: string, headLength?: number, valueLength?: number): Buffer {
  const original = Buffer.from(sealed);
  const value = original.subarray(14 + original.readUInt32LE(6));
  const lengths = Buffer.alloc(8);
  lengths.writeUInt32LE(headLength ?? Buffer.byteLength(head), 0);
  lengths.writeUInt32LE(valueLength ?? value.length, 4);
  return checked(Buffer.concat([original.subarray(0, 6), lengths, Buffer.from(head), value]));
}

/** That opening ends with an entry whose head is what types say, or is refused as unreadable. */
async function expectSafe(bytes: Uint8Array): Promise<void> {
  let entry: Entry;
  try {
    entry = await codec.open("k", bytes);
  } catch (error) {
    expect(error).toBeInstanceOf(UnreadableError);
    return;
  }
  const { operation, created, freshUntil, expires, cost, versions, thrown, etag } = entry;
  expect([typeof operation, typeof (etag ?? ""), thrown ?? true]).toEqual(["string", "string", true]);
  expect([created, freshUntil, expires, cost].every(Number.isFinite)).toBe(true);
  expect(cost).toBeGreaterThanOrEqual(0);
  expect(Array.isArray(versions)).toBe(false);
  expect(Object.values(versions).every((version) => typeof version === "string")).toBe(true);
}

describe("bytes that are no entry, with a checksum that is right", () => {
  it("are unreadable or an entry with a whole head, whatever was changed in them", async () => {
    const changes = fc.array(
      fc.record({ at: fc.nat({ max: sealed.length - 1 }), byte: fc.nat({ max: 255 }) }),
      { minLength: 1, maxLength: 6 },
    );
    for (const original of [sealed, compressed])
      await fc.assert(
        fc.asyncProperty(changes, fc.option(fc.nat({ max: sealed.length })), async (changed, length) => {
          const bytes = Buffer.from(original);
          for (const { at, byte } of changed) bytes[at % bytes.length] = byte;
          bytes[0] = 2;
          await expectSafe(checked(bytes.subarray(0, Math.max(length ?? bytes.length, 6))));
        }),
      );
  });

  it("are unreadable or an entry with a whole head, whatever JSON the head is", async () => {
    const fields = fc.tuple(
      fc.oneof(fc.constant("A.b"), fc.jsonValue()),
      ...Array.from({ length: 4 }, () => fc.oneof(fc.nat(), fc.jsonValue())),
      fc.oneof(fc.dictionary(fc.string(), fc.string()), fc.jsonValue()),
      fc.oneof(fc.constantFrom(0, 1), fc.jsonValue()),
      fc.jsonValue(),
    );
    await fc.assert(
      fc.asyncProperty(fc.oneof(fields, fc.jsonValue()), (head) =>
        expectSafe(withHead(JSON.stringify(head))),
      ),
    );
  });

  it.each([
    ["another kind", '{"operation":"A.b"}'],
    ["null", "null"],
    ["empty", "[]"],
    ["a number for an operation", "[1,1000,2000,3000,1,{},0]"],
    ["a text for a time", '["A.b",1000,2000,"9e15",1,{},0]'],
    ["null for a time", '["A.b",1000,null,3000,1,{},0]'],
    ["a time beyond all numbers", '["A.b",1000,2000,1e999,1,{},0]'],
    ["a negative cost", '["A.b",1000,2000,3000,-1,{},0]'],
    ["no versions", '["A.b",1000,2000,3000,1,null,0]'],
    ["a list of versions", '["A.b",1000,2000,3000,1,["v"],0]'],
    ["a number for a version", '["A.b",1000,2000,3000,1,{"*":0},0]'],
    ["something else than 0 or 1", '["A.b",1000,2000,3000,1,{},true]'],
    ["a number for an etag", '["A.b",1000,2000,3000,1,{},0,7]'],
  ])("are unreadable where the head is or has %s", async (_, head) => {
    await expect(codec.open("k", withHead(head))).rejects.toBeInstanceOf(UnreadableError);
  });

  it("are unreadable where a few bytes were compressed from very many, which are not made of them", async () => {
    const most = 64 * 2 ** 20;
    const lengths = Buffer.alloc(8);
    const original = Buffer.from(compressed);
    const head = original.subarray(14, 14 + original.readUInt32LE(6));
    lengths.writeUInt32LE(head.length, 0);
    lengths.writeUInt32LE(most, 4);
    const bomb = brotliCompressSync(Buffer.alloc(most));
    expect(bomb.length).toBeLessThan(1_000);
    const forged = checked(Buffer.concat([original.subarray(0, 6), lengths, head, bomb]));
    await expect(codec.open("k", forged)).rejects.toMatchObject({
      cause: { message: `${most} bytes are more than ${bomb.length} are ever made of` },
    });
  });

  it("are kept as they are where they could be compressed by more than is ever undone", async () => {
    for (const zeros of [new Uint8Array(2 ** 19), new Uint8Array(2 ** 23)]) {
      const bytes = await codec.seal("k", entryOf(zeros));
      expect(bytes.length < 10_000).toBe(zeros.length < 2 ** 20);
      const { value } = (await codec.open("k", bytes)).snapshot;
      expect(Buffer.compare(value as Uint8Array, zeros)).toBe(0);
    }
  });

  it("are unreadable where they claim to be longer than they are, and nothing is made of that length", async () => {
    const head = '["A.b",1000,2000,3000,1,{},0]';
    await codec.open("k", withHead(head));
    const before = process.memoryUsage().arrayBuffers;
    for (const claimed of [2 ** 31, 2 ** 32 - 1]) {
      await expect(codec.open("k", withHead(head, claimed))).rejects.toBeInstanceOf(UnreadableError);
      await expect(codec.open("k", withHead(head, undefined, claimed))).rejects.toBeInstanceOf(
        UnreadableError,
      );
      const longer = Buffer.from(compressed);
      longer.writeUInt32LE(claimed, 10);
      await expect(codec.open("k", checked(longer))).rejects.toBeInstanceOf(UnreadableError);
    }
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 ** 30);
  });
});
