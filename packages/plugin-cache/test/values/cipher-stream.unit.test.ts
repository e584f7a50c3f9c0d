import { randomBytes } from "node:crypto";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createCipherStream, createDecipherStream } from "../../src/values/cipher-stream.js";
import { KeyRing } from "../../src/values/encryption.js";
import { UnreadableError } from "../../src/values/marks.js";

const ring = await KeyRing.of(["a secret of the test"]);
const rotated = await KeyRing.of(["a younger secret of the test", "a secret of the test"]);
const other = await KeyRing.of(["another secret of the test"]);

const header = 43;
const chunk = 65_536;
const sealed = chunk + 16;

async function seal(plain: Buffer, context = "model", keys = ring): Promise<Buffer> {
  return buffer(Readable.from([plain]).pipe(createCipherStream(keys, context)));
}

async function open(bytes: Buffer, context = "model", keys = ring, step = 50_000): Promise<Buffer> {
  const pieces = Array.from({ length: Math.ceil(bytes.length / step) }, (_, at) =>
    bytes.subarray(at * step, (at + 1) * step),
  );
  const parts: Buffer[] = [];
  await pipeline(Readable.from(pieces), createDecipherStream(keys, context), async (source) => {
    for await (const part of source) parts.push(part as Buffer);
  });
  return Buffer.concat(parts);
}

describe("cipher streams", () => {
  it("give back what went in, whatever its length and however it is cut", async () => {
    const lengths = fc.oneof(
      fc.constantFrom(0, 1, chunk - 1, chunk, chunk + 1, 2 * chunk, 3 * chunk + 5),
      fc.nat(3 * chunk),
    );
    await fc.assert(
      fc.asyncProperty(lengths, fc.constantFrom(1_000, sealed, 7 * chunk), async (length, step) => {
        const plain = randomBytes(length);
        const bytes = await seal(plain);
        expect(bytes.length).toBe(header + length + 16 * Math.max(1, Math.ceil(length / chunk)));
        expect((await open(bytes, "model", ring, step)).equals(plain)).toBe(true);
      }),
      { numRuns: 60 },
    );
    expect((await open(await seal(Buffer.from("abc")), "model", ring, 1)).toString()).toBe("abc");
  });

  it("read what an older key of the ring encrypted", async () => {
    expect((await open(await seal(Buffer.from("old")), "model", rotated)).toString()).toBe("old");
  });

  const plain = randomBytes(3 * chunk + 10);
  it.each<[string, (bytes: Buffer) => Buffer]>([
    ["an altered byte", (bytes) => flip(bytes, header + chunk + 100)],
    ["an altered tag", (bytes) => flip(bytes, bytes.length - 1)],
    ["an altered salt", (bytes) => flip(bytes, 20)],
    ["another format", (bytes) => flip(bytes, 0)],
    ["an end within a chunk", (bytes) => bytes.subarray(0, -1)],
    ["an end between two chunks", (bytes) => bytes.subarray(0, header + 2 * sealed)],
    ["an end after the header", (bytes) => bytes.subarray(0, header)],
    ["an end within the header", (bytes) => bytes.subarray(0, 30)],
    ["nothing at all", () => Buffer.alloc(0)],
    ["bytes after the end", (bytes) => Buffer.concat([bytes, Buffer.of(0)])],
    ["two chunks that changed places", (bytes) => spliced(bytes, [0, 2, 1, 3])],
    ["a chunk left out", (bytes) => spliced(bytes, [0, 2, 3])],
    ["a chunk twice", (bytes) => spliced(bytes, [0, 1, 1, 2, 3])],
  ])("tell %s", async (_, alter) => {
    await expect(open(alter(Buffer.from(await seal(plain))))).rejects.toThrow(UnreadableError);
  });

  it("tell a chunk of another stream of the same key", async () => {
    const [one, two] = [await seal(plain), await seal(plain)];
    const mixed = Buffer.concat([one.subarray(0, header + sealed), two.subarray(header + sealed)]);
    await expect(open(mixed)).rejects.toThrow(UnreadableError);
  });

  it("are bound to their key and their context", async () => {
    const bytes = await seal(plain);
    await expect(open(bytes, "another model")).rejects.toThrow("belongs elsewhere");
    await expect(open(bytes, "model", other)).rejects.toThrow("does not have");
  });
});

function flip(bytes: Buffer, at: number): Buffer {
  bytes[at]! ^= 1;
  return bytes;
}

function spliced(bytes: Buffer, order: readonly number[]): Buffer {
  const part = (index: number): Buffer =>
    bytes.subarray(header + index * sealed, header + (index + 1) * sealed);
  return Buffer.concat([bytes.subarray(0, header), ...order.map(part)]);
}
