import { randomUUID } from "node:crypto";
import { mkdir, open, readdir, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { Connection } from "./connection.js";
import { withFileLock } from "./file-lock.js";
import { identityOf } from "./identity.js";
import { createSchema } from "./schema.js";

/** What SQLite keeps beside a file. Applied to another file they would destroy it. */
export const companions = ["-journal", "-wal", "-shm"] as const;

/**
 * Makes a cache file at a path, unless one stands there. It is finished aside, readable by its
 * owner alone, and put into place at once: whoever opens it at the same time finds it whole, and
 * its pragmas do not depend on who comes first.
 */
export async function createFile(file: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await withFileLock(file, async () => {
    if (await identityOf(file)) return;
    await removeUnfinished(file);
    const aside = asideOf(file);
    try {
      await createEmpty(aside);
      await build(aside);
      await giveToDisk(aside);
      await removeCompanions(file);
      await rename(aside, file);
    } catch (error) {
      await rm(aside, { force: true });
      await removeCompanions(aside);
      throw error;
    }
  });
}

/** A name for a file that is not finished yet. */
export function asideOf(file: string): string {
  return `${file}.${randomUUID()}.new`;
}

/** Readable by its owner alone. */
export async function createEmpty(file: string): Promise<void> {
  await (await open(file, "wx", 0o600)).close();
}

export async function removeCompanions(file: string): Promise<void> {
  await Promise.all(companions.map((suffix) => rm(file + suffix, { force: true })));
}

async function build(aside: string): Promise<void> {
  const connection = await Connection.open(aside, { busyTimeout: 0 });
  try {
    await createSchema(connection);
  } finally {
    await connection.close();
  }
}

async function giveToDisk(file: string): Promise<void> {
  const handle = await open(file, "r+");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** What processes left that ended while they made a file. */
async function removeUnfinished(file: string): Promise<void> {
  const unfinished = /^\.[\da-f-]{36}\.new(-journal|-wal|-shm)?$/;
  for (const name of await readdir(dirname(file))) {
    const isBeside = name.startsWith(basename(file)) && unfinished.test(name.slice(basename(file).length));
    if (isBeside) await rm(join(dirname(file), name), { force: true });
  }
}
