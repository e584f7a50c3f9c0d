import { randomUUID } from "node:crypto";
import { open, rename, rm, type FileHandle } from "node:fs/promises";
import { dirname, join } from "node:path";

/** Only the owner reads what an application learnt from its data. */
export const privateFile = 0o600;
export const privateDirectory = 0o700;

export function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code;
}

/** The result, or nothing where what it is about is not there. */
export async function unlessMissing<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (codeOf(error) === "ENOENT" || codeOf(error) === "ENOTDIR") return undefined;
    throw error;
  }
}

/** Writes a new file to the disk, whole. */
export async function writeNew(file: string, text: string): Promise<void> {
  const handle = await open(file, "wx", privateFile);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Makes names in a directory last through a power failure, where the system lets a directory be flushed. */
export async function flushDirectory(directory: string): Promise<void> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(directory);
    await handle.sync();
  } catch {
    // Windows does not: what the names stand for is on disk all the same.
  } finally {
    await handle?.close();
  }
}

/**
 * Takes a directory away at once: whoever looks for it finds it whole or not at all, though its
 * files go one by one. Answers whether it was there.
 */
export async function removeWhole(directory: string, aside: string): Promise<boolean> {
  const gone = join(aside, `gone-${randomUUID()}`);
  if ((await unlessMissing(rename(directory, gone).then(() => true))) === undefined) return false;
  await flushDirectory(dirname(directory));
  await rm(gone, { recursive: true, force: true });
  return true;
}
