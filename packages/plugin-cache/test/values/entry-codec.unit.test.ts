import { randomBytes } from "node:crypto";
import { brotliCompressSync, crc32 } from "node:zlib";
import { describe, expect, it } from "vitest";
import { KeyRing } from "../../src/values/encryption.js";
import { createEntryCodec } from "./awaited.js";
import type { Entry, EntryCodec } from "../../src/values/entry.js";
import { UnreadableError } from "../../src/values/marks.js";
import { copyOf, takeSnapshot } from "../../src/values/snapshot.js";

const entryOf = (value: unknown, more: Partial<Entry> = {}): Entry => ({
  operation: "Reports.summary",
  created: 1_000,
  freshUntil: 2_000,
  expires: 3_000,
  cost: 12.5,
  versions: { "*": "0", "op:Reports.summary": "v1", __proto__x: "2" },
  snapshot: takeSnapshot(value),
  ...more,
});

const rows = (count: number): object[] =>
  Array.from({ length: count }, (_, id) => ({ id, name: `customer ${id}`, region: id % 2 ? "EU" : "US" }));

const [first, second, third] = await Promise.all(
  ["first secret of the test", "second secret of the test", "third secret of the test"].map(async (secret) =>
    KeyRing.of([secret]),
  ),
);
const rotating = await KeyRing.of(["second secret of the test", "first secret of the test"]);

const expectUnreadable = async (
  codec: EntryCodec,
  bytes: Uint8Array,
  message: string | RegExp = /./,
  key = "k",
): Promise<void> => {
  const opening = codec.open(key, bytes);
  await expect(opening).rejects.toThrow(UnreadableError);
  await expect(opening).rejects.toThrow(message);
};

describe("entry codec", () => {
  const codec = createEntryCodec();

  it("keeps all that is known of a value", async () => {
    const entry = entryOf(new Map([["a", new Date(5)]]), { thrown: true, etag: 'W/"7"' });
    expect(await codec.open("k", await codec.seal("k", entry))).toEqual(entry);
    const plain = entryOf(undefined, { versions: JSON.parse('{"__proto__":"1","\\ud800":"2"}') as {} });
    const back = await codec.open("k", await codec.seal("k", plain));
    expect(Object.entries(back.versions)).toEqual(Object.entries(plain.versions));
    expect("thrown" in back || "etag" in back).toBe(false);
  });

  it("keeps a value that is shared, and copies it as it is then", async () => {
    const shared = { list: [1] };
    const sealing = codec.seal(
      "k",
      entryOf(0, { snapshot: { value: shared, shape: "shared", marked: false } }),
    );
    shared.list.push(2);
    expect(copyOf((await codec.open("k", await sealing)).snapshot)).toEqual({ list: [1] });
  });

  it.each([
    ["plain", createEntryCodec()],
    ["compressed", createEntryCodec({ compressOver: 10 })],
    ["encrypted", createEntryCodec({ keys: first })],
    ["compressed and encrypted", createEntryCodec({ compressOver: 10, keys: first })],
  ])("tells damaged bytes from %s ones, for every flipped bit and every length", async (_, one) => {
    const bytes = await one.seal("k", entryOf(rows(8)));
    expect(copyOf((await one.open("k", bytes)).snapshot)).toEqual(rows(8));
    for (let bit = 0; bit < 8 * bytes.length; bit++) {
      const damaged = Buffer.from(bytes);
      damaged[bit >> 3]! ^= 1 << (bit & 7);
      await expect(one.open("k", damaged)).rejects.toThrow(UnreadableError);
    }
    for (let length = 0; length < bytes.length; length++)
      await expectUnreadable(one, bytes.subarray(0, length));
    await expectUnreadable(one, Buffer.concat([bytes, Buffer.of(0)]), "the entry is damaged");
  });

  it("reads bytes that stand anywhere in a larger buffer", async () => {
    const bytes = await codec.seal("k", entryOf([1, new Float64Array([2])]));
    const within = Buffer.concat([Buffer.from("x"), bytes, Buffer.from("y")]);
    const view = new Uint8Array(within.buffer, within.byteOffset + 1, bytes.length);
    expect(copyOf((await codec.open("k", view)).snapshot)).toEqual([1, new Float64Array([2])]);
  });
});

describe("compression", () => {
  it("begins over the size that is set, and only where it gains", async () => {
    const plain = await createEntryCodec().seal("k", entryOf(rows(100)));
    const packed = await createEntryCodec({ compressOver: 1_000 }).seal("k", entryOf(rows(100)));
    const below = await createEntryCodec({ compressOver: 100_000 }).seal("k", entryOf(rows(100)));
    expect(packed.length).toBeLessThan(plain.length / 3);
    expect(below.length).toBe(plain.length);
    const noise = entryOf(randomBytes(5_000));
    const kept = await createEntryCodec({ compressOver: 1_000 }).seal("k", noise);
    expect(kept).toEqual(await createEntryCodec().seal("k", noise));
  });

  it("is undone by a codec that compresses nothing itself", async () => {
    const packed = await createEntryCodec({ compressOver: 1_000 }).seal("k", entryOf(rows(100)));
    expect(copyOf((await createEntryCodec().open("k", packed)).snapshot)).toEqual(rows(100));
  });

  it("never unpacks more than the entry says, nor more than it may say", async () => {
    const codec = createEntryCodec({ compressOver: 0 });
    const bomb = brotliCompressSync(Buffer.alloc(64 * 2 ** 20));
    expect(bomb.length).toBeLessThan(1_000);
    const before = process.memoryUsage().arrayBuffers;
    for (const claimed of [1_000, 2 ** 32 - 1]) await expectUnreadable(codec, withBody(bomb, claimed));
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(32 * 2 ** 20);
    await expectUnreadable(codec, withBody(brotliCompressSync(Buffer.alloc(10)), 1_000));
  });
});

describe("encryption", () => {
  const codec = createEntryCodec({ keys: first });

  it("leaves nothing of the value, the operation and the tags to be read", async () => {
    const entry = entryOf("the secret value");
    const bytes = Buffer.from(await codec.seal("k", entry)).toString("latin1");
    for (const text of ["secret value", "Reports", "versions", "op:"]) expect(bytes).not.toContain(text);
    expect(await codec.open("k", await codec.seal("k", entry))).toEqual(entry);
    expect(await codec.seal("k", entry)).not.toEqual(await codec.seal("k", entry));
  });

  it("encrypts with the first key, and reads what any of them encrypted", async () => {
    const old = await codec.seal("k", entryOf("old"));
    const both = createEntryCodec({ keys: rotating });
    expect(copyOf((await both.open("k", old)).snapshot)).toBe("old");
    const young = await both.seal("k", entryOf("young"));
    expect(copyOf((await createEntryCodec({ keys: second }).open("k", young)).snapshot)).toBe("young");
    await expectUnreadable(codec, young, "a key that `cache.encryptionKey` does not have");
    await expectUnreadable(
      createEntryCodec({ keys: third }),
      old,
      "a key that `cache.encryptionKey` does not have",
    );
  });

  it("refuses an entry that stands under another key than its own", async () => {
    await expectUnreadable(
      codec,
      await codec.seal("k", entryOf("mine")),
      "stands under another key",
      "other",
    );
  });

  it("takes no entry that is not encrypted, and none that is without the key", async () => {
    const plain = createEntryCodec();
    await expectUnreadable(codec, await plain.seal("k", entryOf(1)), "is not encrypted");
    await expectUnreadable(plain, await codec.seal("k", entryOf(1)), "`cache.encryptionKey` is not set");
  });

  it("tells bytes that somebody altered and gave a right checksum", async () => {
    const bytes = await codec.seal("k", entryOf(rows(3)));
    for (let at = 6; at < bytes.length; at++) {
      const altered = Buffer.from(bytes);
      altered[at]! ^= 1;
      await expectUnreadable(codec, resum(altered));
    }
    const claimed = Buffer.from(bytes);
    claimed[1]! ^= 1;
    await expectUnreadable(codec, resum(claimed), "altered");
  });
});

/** A compressed entry whose value is what is given, with a right checksum. */
function withBody(body: Buffer, claimed: number): Buffer {
  const head = Buffer.from(JSON.stringify(["op", 0, 1, 2, 0, {}, 0]));
  const lengths = Buffer.alloc(8);
  lengths.writeUInt32LE(head.length, 0);
  lengths.writeUInt32LE(claimed, 4);
  return resum(Buffer.concat([Buffer.of(2, 1, 0, 0, 0, 0), lengths, head, body]));
}

function resum(bytes: Buffer): Buffer {
  bytes.writeUInt32LE(crc32(bytes.subarray(6), crc32(bytes.subarray(0, 2))), 2);
  return bytes;
}
