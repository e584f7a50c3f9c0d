import { createHash } from "node:crypto";
import type { BigIntStats } from "node:fs";
import { open, stat } from "node:fs/promises";
import { hostname } from "node:os";
import { resolve } from "node:path";
import { LRUCache } from "lru-cache";

/**
 * A file that a result depends on: its path, or with what tells that it has changed. `content`: it
 * is read, so that a file that was only touched or copied is the same. `stat`: its size and the
 * time of its last change, for files whose reading takes long and that no tool writes in place
 * while it sets their time back.
 */
export type FileKey = string | { readonly path: string; readonly by?: "content" | "stat" };

/** Keeps digests beyond this process. Nothing of it rejects. */
export interface DigestMemo {
  get(state: readonly string[]): Promise<string | undefined>;
  set(state: readonly string[], digest: string): void;
}

interface Seen {
  readonly identity: string;
  readonly digest: string;
}

/** Files younger than this may change once more without a new time: file systems keep it in steps of up to 2 s. */
const settledAfterMs = 2_000;
/** Smaller files are read sooner (at about 1 GB/s) than a store answers. */
const worthKeepingBytes = 4 * 2 ** 20;

/** Stands for a file that is not there. No digest begins so. */
const missing = "!";

/** What `files` may give, as a list; `undefined` for anything else. */
export function fileKeys(given: unknown): readonly FileKey[] | undefined {
  const files: unknown[] = Array.isArray(given) ? given : [given];
  return files.every(isFileKey) ? files : undefined;
}

function isFileKey(given: unknown): given is FileKey {
  if (typeof given === "string") return true;
  if (typeof given !== "object" || given === null) return false;
  const { path, by } = given as { path?: unknown; by?: unknown };
  return typeof path === "string" && (by === undefined || by === "content" || by === "stat");
}

/**
 * What files hold, in short. A file is read again only when its device, inode, size or times say
 * that it may hold something else, or while it is too young for its time to tell.
 */
export class FileDigests {
  readonly #seen = new LRUCache<string, Seen>({ max: 1_000 });
  readonly #reading = new Map<string, Promise<string>>();
  readonly #memo: DigestMemo | undefined;

  /** @param memo spares other processes, and later ones, the reading of large files */
  constructor(memo?: DigestMemo) {
    this.#memo = memo;
  }

  /**
   * One text for the contents (or states) of all these files, in the order given. That a file is
   * not there is a state as well.
   *
   * @throws the file system's own error where a file cannot be read.
   */
  async of(files: readonly FileKey[]): Promise<string> {
    return (await Promise.all(files.map((file) => this.#textOf(file)))).join(",");
  }

  async #textOf(file: FileKey): Promise<string> {
    try {
      return await this.#stateOf(file);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "ENOENT" || code === "ENOTDIR") return missing;
      throw error;
    }
  }

  async #stateOf(file: FileKey): Promise<string> {
    const { path, by = "content" } = typeof file === "string" ? { path: file } : file;
    const found = await stat(path, { bigint: true });
    // No digest begins so.
    if (by === "stat") return `=${found.size}:${found.mtimeNs}`;
    const absolute = resolve(path);
    const identity = identify(found);
    const seen = this.#seen.get(absolute);
    if (seen?.identity === identity) return seen.digest;
    if (!isSettled(found)) return this.#digest(absolute, found);
    // Who asks for the same state of the file meanwhile waits for the same reading.
    const state = `${identity} ${absolute}`;
    let reading = this.#reading.get(state);
    if (!reading) {
      reading = this.#digest(absolute, found).finally(() => this.#reading.delete(state));
      this.#reading.set(state, reading);
    }
    return reading;
  }

  async #digest(path: string, found: BigIntStats): Promise<string> {
    const memo = found.size >= worthKeepingBytes && isSettled(found) ? this.#memo : undefined;
    const known = await memo?.get(stateOf(path, found));
    if (known !== undefined) {
      this.#seen.set(path, { identity: identify(found), digest: known });
      return known;
    }
    const { digest, stats } = await read(path);
    if (isSettled(stats)) {
      this.#seen.set(path, { identity: identify(stats), digest });
      if (stats.size >= worthKeepingBytes) this.#memo?.set(stateOf(path, stats), digest);
    }
    return digest;
  }
}

function isSettled({ mtimeMs }: BigIntStats): boolean {
  return Date.now() - Number(mtimeMs) > settledAfterMs;
}

function identify({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return `${dev}:${ino}:${size}:${mtimeNs}:${ctimeNs}`;
}

/** Devices and inodes are numbers of one machine, and stores may be shared by several. */
function stateOf(path: string, stats: BigIntStats): readonly string[] {
  return [hostname(), path, identify(stats)];
}

/** The content and the state of the file that it was read from, taken before reading: a change meanwhile is seen next time. */
async function read(path: string): Promise<{ digest: string; stats: BigIntStats }> {
  const file = await open(path, "r");
  try {
    const stats = await file.stat({ bigint: true });
    const hash = createHash("sha256");
    for await (const chunk of file.createReadStream({ autoClose: false, highWaterMark: 1 << 20 }))
      hash.update(chunk as Buffer);
    return { digest: hash.digest("base64url"), stats };
  } finally {
    await file.close();
  }
}
