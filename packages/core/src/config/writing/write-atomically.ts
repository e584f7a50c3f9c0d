import { randomUUID } from "node:crypto";
import { open, realpath, rename, rm, stat, type FileHandle } from "node:fs/promises";
import { dirname, join } from "node:path";

/**
 * Writes a whole file so that a reader, a crash or a kill meets the old content or the new one,
 * never a part of either: to a file beside it, flushed, then renamed into its place.
 *
 * An existing file keeps its mode and, where the process may give it away, its owner; a symbolic
 * link stays one.
 *
 * @param options.mode permissions of a file that is new; those of an existing one do not change. @default 0o644
 */
export async function writeAtomically(
  file: string,
  text: string,
  { mode = 0o644 }: { readonly mode?: number } = {},
): Promise<void> {
  // Through a link: renaming onto it would put a file in its place.
  const target = await realpath(file).catch(() => file);
  const before = await stat(target).catch(() => undefined);
  const directory = dirname(target);
  const temporary = join(directory, `.mlmcp-${randomUUID()}.tmp`);
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
    await rename(temporary, target);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await flush(directory);
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
