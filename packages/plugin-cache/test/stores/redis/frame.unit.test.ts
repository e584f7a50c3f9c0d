import fc from "fast-check";
import { expect, it } from "vitest";
import { fromFrame, readHead, toFrame } from "../../../src/stores/redis/frame.js";

const entries = fc.record(
  {
    operation: fc.string({ unit: "grapheme", maxLength: 400 }),
    bytes: fc.uint8Array({ maxLength: 300 }),
    expires: fc.double({ noNaN: true }),
    fence: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
  },
  { requiredKeys: ["operation", "bytes", "expires"] },
);

it("gives back every entry as it was", () => {
  fc.assert(
    fc.property(entries, (entry) => {
      const { bytes, ...rest } = fromFrame(toFrame(entry))!;
      expect({ ...rest, bytes: Uint8Array.from(bytes) }).toEqual(entry);
    }),
  );
});

it("has fences that compare as texts as they do as numbers", () => {
  const fences = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
  const beginning = (fence: number) =>
    toFrame({ operation: "", bytes: new Uint8Array(), expires: 0, fence }).toString("latin1", 0, 16);
  fc.assert(fc.property(fences, fences, (a, b) => beginning(a) < beginning(b) === a < b));
});

it("takes nothing else for an entry, and throws at nothing", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      const frame = Buffer.from(bytes);
      if (!readHead(frame)) expect(fromFrame(frame)).toBeUndefined();
    }),
  );
  expect(fromFrame(Buffer.from("not a number at all, but long enough"))).toBeUndefined();
  expect(
    fromFrame(toFrame({ operation: "A.b", bytes: new Uint8Array(), expires: 0 }).subarray(0, 27)),
  ).toBeUndefined();
});

it("takes what is no fence or no time for no entry", () => {
  const frame = toFrame({ operation: "A.b", bytes: new Uint8Array(3), expires: 9e15 });
  for (const fence of [
    "                ",
    "-000000000000001",
    "0x00000000000001",
    "1e00000000000001",
    "+000000000000001",
  ])
    expect(fromFrame(Buffer.concat([Buffer.from(fence), frame.subarray(16)]))).toBeUndefined();
  frame.writeDoubleLE(NaN, 16);
  expect(fromFrame(frame)).toBeUndefined();
});
