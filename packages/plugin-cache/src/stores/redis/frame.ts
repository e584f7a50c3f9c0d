import type { StoredEntry } from "../store.js";

/**
 * An entry as one value of Redis: the fence in 16 digits, so that a script compares it without
 * reading the rest; when it expires, a float64; the length of the operation's id, and the id; the
 * bytes.
 */
const fenceDigits = 16;
const expiresAt = fenceDigits;
const lengthAt = expiresAt + 8;
const operationAt = lengthAt + 2;

/** Bytes that hold the head of all but exotic entries. */
export const usualHeadLength = operationAt + 254;

/** A fence as texts compare it: none is smaller than all. */
export function fenceText(fence = 0): string {
  return String(fence).padStart(fenceDigits, "0");
}

export function toFrame({ operation, bytes, expires, fence }: StoredEntry): Buffer {
  const id = Buffer.from(operation);
  const frame = Buffer.allocUnsafe(operationAt + id.length + bytes.byteLength);
  frame.write(fenceText(fence), "latin1");
  frame.writeDoubleLE(expires, expiresAt);
  frame.writeUInt16LE(id.length, lengthAt);
  id.copy(frame, operationAt);
  frame.set(bytes, operationAt + id.length);
  return frame;
}

/** What is known of an entry from the beginning of its frame; `undefined` for what is not one. */
export interface FrameHead {
  readonly operation: string;
  readonly expires: number;
  readonly fence: number;
  /** Where its bytes begin. */
  readonly length: number;
}

export function readHead(frame: Buffer): FrameHead | undefined {
  if (frame.length < operationAt) return undefined;
  const length = operationAt + frame.readUInt16LE(lengthAt);
  const digits = frame.toString("latin1", 0, fenceDigits);
  const fence = Number(digits);
  const expires = frame.readDoubleLE(expiresAt);
  if (!/^\d+$/.test(digits) || !Number.isSafeInteger(fence) || Number.isNaN(expires)) return undefined;
  return {
    operation: frame.toString("utf8", operationAt, length),
    expires,
    fence,
    length,
  };
}

/** The entry of a frame; `undefined` for what is not one. @param frame `null`: there is none */
export function fromFrame(frame: Buffer | null): StoredEntry | undefined {
  const head = frame && readHead(frame);
  if (!head || frame.length < head.length) return undefined;
  const { operation, expires, fence, length } = head;
  return { operation, expires, bytes: frame.subarray(length), ...(fence > 0 && { fence }) };
}
