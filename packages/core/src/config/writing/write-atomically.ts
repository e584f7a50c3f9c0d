import { renameSync } from "node:fs";
import { open, readlink, realpath, rm, stat, type FileHandle } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { removeLeftovers, temporaryFile } from "./temporary-files.js";

export interface WriteOptions {
  /** Permissions of a file that is new; those of an existing one do not change. @default 0o644 */
  readonly mode?: number | undefined;
  /**
   * Decides on the new content once it is on disk: calls `replace` to put it into the place of
   * `target`, or throws, and nothing has changed. @default replaces it
   */
  readonly commit?: (target: string, replace: () => void) => void | Promise<void>;
}

/**
 * Writes a whole file so that a reader, a crash or a kill meets the old content or the new one,
 * never a part of either: to a file beside it, flushed, then renamed into its place.
 *
 * An existing file keeps its mode and, where the process may give it away, its owner; a symbolic
 * link stays one, also where it leads to a file that is not there yet.
 */
export async function writeAtomically(
  file: string,
  text: string,
  { mode = 0o644, commit = (_, replace) => replace() }: WriteOptions = {},
): Promise<void> {
  // Through links: renaming onto one would put a file in its place.
  const target = await endOfLinks(file);
  const before = await stat(target).catch(() => undefined);
  const directory = dirname(target);
  await removeLeftovers(directory);
  const temporary = temporaryFile(directory);
  try {
    // Never wider open than the file will be, not even while it is written.
    const handle = await open(temporary, "wx", 0o600);
    try {
      if (before) await handle.chown(before.uid, before.gid).catch(() => undefined);
      await handle.writeFile(text);
      await handle.chmod(before ? before.mode & 0o777 : mode);
      await handle.sync();
    } finally {
      await handle.close();
    }
    // Synchronously, so that nothing comes between this and what `commit` has just found.
    await commit(target, () => renameSync(temporary, target));
  } catch (error) {
    await rm(temporary, { force: true });
    // Whoever reads of it knows the file that was to be written, and no other.
    if (error instanceof Error) error.message = error.message.replaceAll(temporary, target);
    throw error;
  }
  await flush(directory);
}

async function endOfLinks(file: string): Promise<string> {
  try {
    return await realpath(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
  const link = await readlink(file).catch(() => undefined);
  return link === undefined ? file : endOfLinks(resolve(await realpath(dirname(file)), link));
}

/** Makes the new name last through a power failure, where the system lets a directory be flushed. */
async function flush(directory: string): Promise<void> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(directory);
    await handle.sync();
  } catch {
    // Windows does not: the file itself is on disk all the same.
  } finally {
    await handle?.close();
  }
}
