import { access, constants, open, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { Connection } from "./connection.js";
import { isBusy } from "./errors.js";
import { identityOf, isSame } from "./identity.js";

const patience = 30_000;
const pauseTime = 10;
// Not to wait where somebody has put a pipe there.
const making = constants.O_CREAT | constants.O_WRONLY | constants.O_NONBLOCK;

/**
 * Does some work on a file while no other process does its own: whoever makes, moves or replaces
 * one has this lock. It is SQLite's on an empty file beside it, so that it ends with the process
 * that holds it; that file is gone afterwards.
 *
 * @throws Error where the lock is not free within 30 seconds, or the directory takes no files
 */
export async function withFileLock<T>(file: string, work: () => Promise<T>): Promise<T> {
  const path = `${file}.lock`;
  // SQLite itself says only that it cannot open the file.
  await access(dirname(path), constants.W_OK);
  for (const until = performance.now() + patience; ;) {
    await (await open(path, making, 0o600)).close();
    const before = await identityOf(path);
    const connection = await Connection.open(path, { busyTimeout: 0, create: true });
    try {
      // Where it has gone meanwhile, nobody knows which file was opened.
      if (!before) continue;
      if (await locks(connection)) {
        // A holder removes the file: then what is locked here is of no use to anybody.
        if (!isSame(before, await identityOf(path))) continue;
        try {
          return await work();
        } finally {
          await rm(path, { force: true });
        }
      }
    } finally {
      await connection.close();
    }
    if (performance.now() > until) throw new Error(`${path} is locked by another process`);
    await pause(pauseTime);
  }
}

async function locks(connection: Connection): Promise<boolean> {
  try {
    // In a file it would have one name for this lock and for one that was removed.
    await connection.run("PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE");
    return true;
  } catch (error) {
    if (isBusy(error)) return false;
    throw error;
  }
}
