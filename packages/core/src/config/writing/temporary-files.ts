import { randomUUID } from "node:crypto";
import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { isAlive } from "./processes.js";

/** How long a file may be without a process before it is a leftover: its writer may run on another machine. Milliseconds. */
const LEFTOVER_AGE = 60_000;

/** A name for a file that is written beside the one whose place it takes. Names its process. */
export function temporaryFile(directory: string): string {
  return join(directory, `.mlmcp-${process.pid}-${randomUUID()}.tmp`);
}

/** Removes the temporary files of writers that were killed. What cannot be removed stays. */
export async function removeLeftovers(directory: string): Promise<void> {
  for (const name of await readdir(directory).catch(() => [])) {
    const pid = /^\.mlmcp-(\d+)-[\da-f-]{36}\.tmp$/.exec(name)?.[1];
    if (pid === undefined || isAlive(Number(pid))) continue;
    const file = join(directory, name);
    const stats = await stat(file).catch(() => undefined);
    if (stats && Date.now() - stats.mtimeMs > LEFTOVER_AGE)
      await rm(file, { force: true }).catch(() => undefined);
  }
}
