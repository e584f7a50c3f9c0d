import { lstatSync, unlinkSync } from "node:fs";
import { open, rm } from "node:fs/promises";
import { hostname } from "node:os";
import { performance } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { ConfigurationError } from "../../errors/index.js";
import { readBounded } from "../sources/read-file.js";
import { isAlive } from "./processes.js";

/** In milliseconds, for all that one lock does. */
export interface LockOptions {
  /** How long one holder may keep others waiting: it works for milliseconds, or will never end. @default 5_000 */
  readonly staleAfter?: number;
  /** How long to wait for all that come before. @default 20_000 */
  readonly patience?: number;
}

const POLL = 20;

/**
 * Does something while no other process does it to the same file: holds `<file>.lock`, which names
 * the process and its host.
 *
 * The lock of a process that has died is removed at once, any that does not change hands for
 * `staleAfter` then: its process may be on another host, its number may be another's by now. So a
 * holder may lose it, and must ask `isHeld` right before what cannot be undone.
 *
 * @throws ConfigurationError `MLMCP_CONFIG_LOCKED` where others hold it for longer than `patience`
 */
export async function withFileLock<T>(
  file: string,
  work: (isHeld: () => boolean) => Promise<T>,
  options?: LockOptions,
): Promise<T> {
  const lock = `${file}.lock`;
  const own = await acquire(lock, options);
  const isHeld = (): boolean => identify(lock) === own;
  try {
    return await work(isHeld);
  } finally {
    remove(lock, own);
  }
}

async function acquire(
  lock: string,
  { staleAfter = 5_000, patience = 20_000 }: LockOptions = {},
): Promise<string> {
  const start = performance.now();
  let seen: { readonly id: string; readonly since: number } | undefined;
  for (;;) {
    const own = await create(lock);
    if (own !== undefined) return own;
    const now = performance.now();
    const id = identify(lock);
    if (id !== undefined) {
      // By this clock alone: a file's times are those of the machine that holds the disk.
      if (seen?.id !== id) seen = { id, since: now };
      const stale = now - seen.since >= staleAfter || (await isAbandoned(lock));
      if (stale) remove(lock, id);
    }
    if (now - start >= patience) throw await locked(lock, patience);
    await sleep(POLL * (0.5 + Math.random()));
  }
}

/** Makes the lock and answers what it can be known by; nothing where there is one. */
async function create(lock: string): Promise<string | undefined> {
  let handle;
  try {
    handle = await open(lock, "wx", 0o644);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return undefined;
    throw error;
  }
  try {
    await handle.writeFile(`${JSON.stringify({ pid: process.pid, host: hostname() })}\n`);
  } catch (error) {
    // On a full disk it would keep others waiting for nobody.
    await rm(lock, { force: true });
    throw error;
  } finally {
    await handle.close();
  }
  return identify(lock);
}

/** Where it is that one still. Synchronously, so that no other one comes into its place meanwhile. */
function remove(lock: string, id: string): void {
  try {
    if (identify(lock) === id) unlinkSync(lock);
  } catch {
    // Whoever waits for it is told in the end.
  }
}

function identify(lock: string): string | undefined {
  const stats = lstatSync(lock, { bigint: true, throwIfNoEntry: false });
  // A new file may get the number of one that was removed, but not its time as well.
  return stats && `${stats.ino} ${stats.mtimeNs}`;
}

interface Holder {
  readonly pid: number;
  readonly host: string;
}

async function holderOf(lock: string): Promise<Holder | undefined> {
  try {
    const { pid, host } = JSON.parse(await readBounded(lock)) as Partial<Holder>;
    return Number.isInteger(pid) && typeof host === "string" ? { pid: pid!, host } : undefined;
  } catch {
    // Gone, not written yet, or somebody else's.
    return undefined;
  }
}

async function isAbandoned(lock: string): Promise<boolean> {
  const holder = await holderOf(lock);
  return holder !== undefined && holder.host === hostname() && !isAlive(holder.pid);
}

async function locked(lock: string, patience: number): Promise<ConfigurationError> {
  const holder = await holderOf(lock);
  const by = holder ? `process ${holder.pid} on ${holder.host}` : "somebody else";
  return new ConfigurationError(
    `${lock} was not free for ${patience / 1000} s; last it was held by ${by}. Nothing was written. Try again, and remove that file where nobody writes the configuration.`,
    { code: "MLMCP_CONFIG_LOCKED", context: { lock, ...holder } },
  );
}
