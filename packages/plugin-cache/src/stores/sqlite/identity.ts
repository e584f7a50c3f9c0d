import type { BigIntStats } from "node:fs";
import { stat } from "node:fs/promises";
import { codeOf, OccupiedPathError } from "./errors.js";

/** Which file stands at a path: another one has another identity. */
export interface Identity {
  readonly device: bigint;
  readonly inode: bigint;
}

/**
 * The identity of the file at a path, `undefined` where there is none. It is never opened: closing
 * it would drop all locks that SQLite holds on it in this process.
 *
 * @throws OccupiedPathError where something else stands there, such as a directory or a device
 * @throws Error where the path cannot be reached
 */
export async function identityOf(path: string): Promise<Identity | undefined> {
  try {
    const stats = await stat(path, { bigint: true });
    if (!stats.isFile()) throw new OccupiedPathError(`${path} is ${kindOf(stats)}, not a file`);
    return { device: stats.dev, inode: stats.ino };
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

function kindOf(stats: BigIntStats): string {
  if (stats.isDirectory()) return "a directory";
  if (stats.isFIFO()) return "a pipe";
  return stats.isSocket() ? "a socket" : "a device";
}

export function isSame(one: Identity | undefined, other: Identity | undefined): boolean {
  return one?.inode === other?.inode && one?.device === other?.device;
}
