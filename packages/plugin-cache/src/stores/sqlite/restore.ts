import { copyFile, rename, rm } from "node:fs/promises";
import { Connection } from "./connection.js";
import { asideOf, createEmpty, removeCompanions } from "./file-birth.js";
import { withFileLock } from "./file-lock.js";
import { identityOf, isSame } from "./identity.js";
import { checkSchema } from "./schema.js";
import { problemsOf } from "./verify.js";

/**
 * Puts a copy of a backup in the place of a cache file, once it has turned out to be sound.
 * Processes that use the file go over to the copy within seconds; until then they write to the
 * one that is gone.
 *
 * @throws Error where the backup is not a sound cache file; then nothing has changed
 */
export async function restoreFile(file: string, from: string): Promise<void> {
  const source = await identityOf(from);
  if (!source) throw new Error(`there is no file ${from}`);
  if (isSame(source, await identityOf(file))) throw new Error(`${from} is the cache file itself`);
  const aside = asideOf(file);
  try {
    await createEmpty(aside);
    await copyFile(from, aside);
    await check(aside, from);
    await withFileLock(file, () => replace(file, aside));
  } finally {
    await rm(aside, { force: true });
    await removeCompanions(aside);
  }
}

async function check(aside: string, from: string): Promise<void> {
  const connection = await Connection.open(aside, { busyTimeout: 0 });
  try {
    await checkSchema(connection);
    // A copy of one that was open has no log, and that is how one is born.
    await connection.all("PRAGMA journal_mode = WAL");
    const problems = await problemsOf(connection);
    if (problems.length > 0) throw new Error(`${from} is damaged: ${problems.join("; ")}`);
  } finally {
    await connection.close();
  }
}

/** The file goes first: nobody opens it any longer, and its log is not that of the next one. */
async function replace(file: string, by: string): Promise<void> {
  const before = asideOf(file);
  const isThere = (await identityOf(file)) !== undefined;
  if (isThere) await rename(file, before);
  await removeCompanions(file);
  await rename(by, file);
  await rm(before, { force: true });
}
