import { open, rename, rm, stat } from "node:fs/promises";
import { resolve } from "node:path";
import type { StoreFile } from "../store.js";
import type { Database } from "./database.js";
import { asideOf, createEmpty } from "./file-birth.js";
import { identityOf, isSame } from "./identity.js";
import { restoreFile } from "./restore.js";
import { sizeOf, type Upkeep } from "./upkeep.js";
import { problemsOf } from "./verify.js";

const progressInterval = 100;

export class SqliteStoreFile implements StoreFile {
  readonly path: string;
  readonly #database: Database;
  readonly #upkeep: Upkeep;

  constructor(database: Database, upkeep: Upkeep) {
    this.path = database.path;
    this.#database = database;
    this.#upkeep = upkeep;
  }

  async size(): Promise<{ bytes: number; freeBytes: number }> {
    const { bytes, freeBytes } = await this.#database.readLong(sizeOf);
    return { bytes, freeBytes };
  }

  /** A file that turns out to be damaged stays: the next statement that meets the damage sets it aside. */
  verify(): Promise<readonly string[]> {
    return this.#database.readLong(problemsOf);
  }

  /**
   * One read transaction, so that writers go on meanwhile. The copy is compact, readable by its
   * owner alone, on the disk, and at its place only when it is whole; a file there is replaced.
   *
   * @throws Error where `to` is the file itself, or cannot be written
   */
  async backup(to: string, progress: (share: number) => void = () => undefined): Promise<void> {
    const target = resolve(to);
    const [own, there] = await Promise.all([identityOf(this.path), identityOf(target)]);
    if (there && isSame(own, there)) throw new Error(`${target} is the cache file itself`);
    const aside = asideOf(target);
    try {
      await createEmpty(aside);
      await this.#copy(aside, progress);
      const copy = await open(aside, "r+");
      try {
        await copy.sync();
      } finally {
        await copy.close();
      }
      await rename(aside, target);
      progress(1);
    } catch (error) {
      // Whoever reads of it knows the file that was to be written, and no other.
      if (error instanceof Error) error.message = error.message.replaceAll(aside, target);
      throw error;
    } finally {
      await rm(aside, { force: true });
    }
  }

  /** @throws Error where the backup is not a sound cache file; then nothing has changed */
  async restore(from: string): Promise<void> {
    await restoreFile(this.path, resolve(from));
    await this.#database.look();
  }

  shrink(): Promise<number> {
    return this.#upkeep.shrink();
  }

  async #copy(aside: string, progress: (share: number) => void): Promise<void> {
    const { bytes, freeBytes } = await this.size();
    const look = setInterval(() => {
      stat(aside).then(
        ({ size }) => progress(Math.min(size / Math.max(bytes - freeBytes, 1), 0.99)),
        () => undefined,
      );
    }, progressInterval);
    try {
      // VACUUM INTO takes no part in `query_only`, which forbids it all the same.
      await this.#database.readLong(async (connection) => {
        await connection.all("PRAGMA query_only = OFF");
        try {
          await connection.all("VACUUM INTO ?", [aside]);
        } finally {
          await connection.all("PRAGMA query_only = ON");
        }
      });
    } finally {
      clearInterval(look);
    }
  }
}
