import type { StoredEntry } from "../store.js";

/**
 * A key of Redis has an entry, the lock of that entry, or both. What is set by hand thus ends the
 * lock by being there, in one plain SET.
 *
 * First the lock, in characters of one byte, so that scripts read and write it in place; then the
 * entry: when it expires, a float64; the length of the operation's id, and the id; the bytes.
 * All of them begin with this.
 */
export const frameMark = "\u0001";
/** Of each number of a lock. */
export const digits = 16;

/** Where each part of the lock begins. All but the owner are numbers. */
export const lockAt = {
  fence: 1,
  /** Until when it is held, by the server's clock. */
  until: 1 + digits,
  /** When the entry expires, by the server's clock: a lock keeps the key for longer. */
  ends: 1 + 2 * digits,
  owner: 1 + 3 * digits,
} as const;
export const ownerLength = 11;
export const lockLength = lockAt.owner + ownerLength;

/** In place of a lock where nobody has one: it has no numbers, so that no fence is its. */
export const noLock = frameMark.padEnd(lockLength, "-");

const expiresAt = lockLength;
const lengthAt = expiresAt + 8;
const operationAt = lengthAt + 2;

/** Bytes that hold the head of all but exotic entries. */
export const usualHeadLength = operationAt + 254;

/** A fence as it is written. */
export function fenceText(fence: number): string {
  return String(fence).padStart(digits, "0");
}

const beginning = Buffer.from(noLock, "latin1");

/** An entry whose lock nobody has. */
export function toFrame({ operation, bytes, expires }: Omit<StoredEntry, "fence">): Buffer {
  const id = Buffer.from(operation);
  const frame = Buffer.allocUnsafe(operationAt + id.length + bytes.byteLength);
  beginning.copy(frame);
  frame.writeDoubleLE(expires, expiresAt);
  frame.writeUInt16LE(id.length, lengthAt);
  id.copy(frame, operationAt);
  frame.set(bytes, operationAt + id.length);
  return frame;
}

/** What is known of an entry from the beginning of its frame. */
export interface FrameHead {
  readonly operation: string;
  readonly expires: number;
  /** Where its bytes begin. */
  readonly length: number;
}

/** `undefined` where there is only a lock, or what is no frame. */
export function readHead(frame: Buffer): FrameHead | undefined {
  if (frame.length < operationAt || frame[0] !== beginning[0]) return undefined;
  const length = operationAt + frame.readUInt16LE(lengthAt);
  const expires = frame.readDoubleLE(expiresAt);
  if (Number.isNaN(expires)) return undefined;
  return { operation: frame.toString("utf8", operationAt, length), expires, length };
}

/** The entry of a frame; `undefined` where there is none. @param frame `null`: there is no key */
export function fromFrame(frame: Buffer | null): StoredEntry | undefined {
  const head = frame && readHead(frame);
  if (!head || frame.length < head.length) return undefined;
  const { operation, expires, length } = head;
  return { operation, expires, bytes: frame.subarray(length) };
}
