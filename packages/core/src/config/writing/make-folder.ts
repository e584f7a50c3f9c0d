import { mkdir, stat } from "node:fs/promises";
import { dirname } from "node:path";

/** Somebody may delete what a folder is to stand in before it is made. */
const maxTries = 10;

/**
 * Makes a folder, and those above it that are missing. One that is there is left as it is.
 *
 * Each is made by itself, because `mkdir` with `recursive` tries for ever, with a busy processor,
 * where a folder that is there answers ENOENT to whoever makes another in it, as /proc does.
 *
 * @param mode of those that are made. @default 0o777, less the process's umask
 * @throws the system's error, or one of `ENOENT` that says which folder takes no others, or of `ENOTDIR` that says what is none
 */
export async function makeFolder(folder: string, mode?: number): Promise<void> {
  const above = dirname(folder);
  for (let tries = 1; tries <= maxTries; tries++) {
    if (await make(folder, mode)) return;
    if (above !== folder) await makeFolder(above, mode);
  }
  throw failure("ENOENT", `the folder ${folder} cannot be made, since ${above} takes no folders`);
}

/** Whether it is there now; not where what is above it is missing. */
async function make(folder: string, mode: number | undefined): Promise<boolean> {
  try {
    await mkdir(folder, { mode });
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return false;
    if (await isFolder(folder)) return true;
    throw code === "EEXIST" ? failure("ENOTDIR", `ENOTDIR: ${folder} is there, and is no folder`) : error;
  }
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch {
    return false;
  }
}

function failure(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}
