import { setTimeout as pause } from "node:timers/promises";
import { Connection } from "./connection.js";
import { isBusy, isDamage, isUnwritable, messageOf } from "./errors.js";
import { createFile } from "./file-birth.js";
import { identityOf, isSame, type Identity } from "./identity.js";
import { checkSchema, schemaVersion } from "./schema.js";
import { setAside } from "./set-aside.js";

/** `reader` for what callers wait for, `writer`, and `long` for what takes a while. */
export type Role = "reader" | "writer" | "long";

// Nothing but the recovery after a crash keeps a reader waiting. A thread of the pool waits with it.
const busyTimeout = 20;
const walLimit = 16 * 1024 * 1024;
const writing = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = NORMAL;
  PRAGMA journal_size_limit = ${walLimit};
  PRAGMA wal_autocheckpoint = ${walLimit / 4_096};`;
const patience = 5_000;

/** The connections to one file, for as long as that file is the one. */
export class Session {
  readonly #file: string;
  readonly identity: Identity;
  /** What no other file has, a rebuilt one at the same path included. */
  readonly born: string;
  readonly #connections: Record<"reader" | "writer", Connection> & { long?: Promise<Connection> };
  readonly #running = new Set<Promise<unknown>>();

  private constructor(
    file: string,
    identity: Identity,
    born: string,
    connections: Record<"reader" | "writer", Connection>,
  ) {
    this.#file = file;
    this.identity = identity;
    this.born = born;
    this.#connections = connections;
  }

  /**
   * Opens a file. One that is missing is made, one that is damaged or not ours is set aside first.
   *
   * @param file absolute, and no symbolic link
   * @param preparation what the connection that writes is prepared with. SQL
   * @throws Error where the path does not allow it
   */
  static async open(file: string, preparation: string): Promise<Session> {
    // Each round but the last stands for something that another process did meanwhile.
    for (const until = performance.now() + patience; ;) {
      const identity = await identityOf(file);
      try {
        if (identity) return await Session.#connect(file, identity, preparation);
        await createFile(file);
      } catch (error) {
        const isLast = performance.now() > until;
        if (identity && isDamage(error) && !isLast) await setAside(file, identity, messageOf(error));
        else if (isLast || !(isBusy(error) || (await hasMoved(file, identity)))) throw error;
        await pause(10);
      }
      if (performance.now() > until) throw new Error(`${file} does not stay for long enough to be opened`);
    }
  }

  static async #connect(file: string, identity: Identity, preparation: string): Promise<Session> {
    const writer = await Connection.open(file, { busyTimeout });
    let reader: Connection | undefined;
    try {
      // The first reading opens the log, by its name: from here on it is known whose it is.
      await writer.run("PRAGMA application_id");
      if (await hasMoved(file, identity)) throw new Error(`${file} was replaced`);
      await checkSchema(writer);
      await writer.run(writing + preparation);
      await probe(writer);
      reader = await openReader(file);
      if (await hasMoved(file, identity)) throw new Error(`${file} was replaced`);
      const born = (await reader.value("SELECT born FROM file")) as string;
      return new Session(file, identity, born, { reader, writer });
    } catch (error) {
      await reader?.close();
      await writer.close();
      throw error;
    }
  }

  /** Runs work on a connection that nothing else uses meanwhile; the caller sees to that. */
  async use<T>(role: Role, work: (connection: Connection) => Promise<T>): Promise<T> {
    const running = role === "long" ? this.#long().then(work) : work(this.#connections[role]);
    this.#running.add(running);
    try {
      return await running;
    } finally {
      this.#running.delete(running);
    }
  }

  /** Waits for what runs. */
  async close(): Promise<void> {
    await Promise.allSettled(this.#running);
    const { reader, writer, long } = this.#connections;
    const opened = [reader, writer, await long?.catch(() => undefined)];
    // One after another: the last to close writes the log back into the file.
    for (const connection of opened) await connection?.close();
  }

  async #long(): Promise<Connection> {
    const opening = (this.#connections.long ??= openReader(this.#file));
    opening.catch(() => delete this.#connections.long);
    return opening;
  }
}

async function hasMoved(file: string, identity: Identity | undefined): Promise<boolean> {
  return !isSame(identity, await identityOf(file));
}

async function openReader(file: string): Promise<Connection> {
  const connection = await Connection.open(file, { busyTimeout });
  try {
    await connection.run("PRAGMA query_only = ON");
    return connection;
  } catch (error) {
    await connection.close();
    throw error;
  }
}

/**
 * Writes a page and changes nothing.
 *
 * @throws Error where the disk does not take it; that somebody else writes just now is no obstacle
 */
export async function probe(writer: Connection): Promise<void> {
  try {
    await writer.run(`PRAGMA user_version = ${schemaVersion}`);
  } catch (error) {
    if (isUnwritable(error) || isDamage(error)) throw error;
  }
}
