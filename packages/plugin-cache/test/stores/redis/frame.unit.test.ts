import fc from "fast-check";
import { expect, it } from "vitest";
import { fromFrame, lockLength, noLock, readHead, toFrame } from "../../../src/stores/redis/frame.js";

const entries = fc.record({
  operation: fc.string({ unit: "grapheme", maxLength: 400 }),
  bytes: fc.uint8Array({ maxLength: 300 }),
  expires: fc.double({ noNaN: true }),
});

it("gives back every entry as it was", () => {
  fc.assert(
    fc.property(entries, (entry) => {
      const { bytes, ...rest } = fromFrame(toFrame(entry))!;
      expect({ ...rest, bytes: Uint8Array.from(bytes) }).toEqual(entry);
    }),
  );
});

it("finds no entry where there is only a lock", () => {
  expect(noLock).toHaveLength(lockLength);
  expect(fromFrame(Buffer.from(noLock, "latin1"))).toBeUndefined();
});

it("takes nothing else for an entry, and throws at nothing", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 120 }), (bytes) => {
      const frame = Buffer.from(bytes);
      if (!readHead(frame)) expect(fromFrame(frame)).toBeUndefined();
    }),
  );
  const frame = toFrame({ operation: "A.b", bytes: new Uint8Array(), expires: 9e15 });
  expect(fromFrame(frame)).toBeDefined();
  expect(fromFrame(frame.subarray(0, -1))).toBeUndefined();
  expect(fromFrame(Buffer.concat([Buffer.from("0"), frame.subarray(1)]))).toBeUndefined();
  frame.writeDoubleLE(NaN, lockLength);
  expect(fromFrame(frame)).toBeUndefined();
});
