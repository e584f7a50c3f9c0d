import { createHash } from "node:crypto";
import type { BigIntStats } from "node:fs";
import { open, stat } from "node:fs/promises";
import { LRUCache } from "lru-cache";

interface Seen {
  readonly identity: string;
  readonly digest: string;
}

/** Files younger than this may change once more without a new time: file systems keep it in steps of up to 2 s. */
const settledAfterMs = 2_000;

/**
 * SHA-256 of files' contents. A file is read again only when its device, inode, size or time of
 * change says that it may hold something else, or while it is too young for its time to tell.
 */
export class FileDigests {
  readonly #seen = new LRUCache<string, Seen>({ max: 1_000 });

  /**
   * One text for the contents of all these files, in the order given.
   *
   * @throws the file system's own error where a file cannot be read.
   */
  async of(paths: readonly string[]): Promise<string> {
    return (await Promise.all(paths.map((path) => this.#digest(path)))).join(",");
  }

  async #digest(path: string): Promise<string> {
    const found = await stat(path, { bigint: true });
    const seen = this.#seen.get(path);
    if (seen?.identity === identify(found)) return seen.digest;
    const { digest, stats } = await read(path);
    if (Date.now() - Number(stats.mtimeMs) > settledAfterMs)
      this.#seen.set(path, { identity: identify(stats), digest });
    return digest;
  }
}

function identify({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return `${dev}:${ino}:${size}:${mtimeNs}:${ctimeNs}`;
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
