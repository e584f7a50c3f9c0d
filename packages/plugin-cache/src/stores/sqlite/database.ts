import { readlink, realpath, statfs } from "node:fs/promises";
import { basename, dirname, isAbsolute, join } from "node:path";
import type { Connection } from "./connection.js";
import { codeOf, isBusy, isDamage, isUnwritable, messageOf, OccupiedPathError, warn } from "./errors.js";
import { identityOf, isSame } from "./identity.js";
import { JobQueue, type Group } from "./job-queue.js";
import { probe, Session, type Role } from "./session.js";
import { setAside } from "./set-aside.js";

export interface DatabaseOptions {
  /** Absolute. */
  readonly file: string;
  /** What the connection that writes is prepared with. SQL. */
  readonly preparation: string;
  /** Told of failures that no caller waits for. */
  readonly onError: (error: unknown) => void;
}

/** How long a statement is tried again while another process holds the lock. Milliseconds. */
const patience: Record<Role, number> = { reader: 2_000, writer: 30_000, long: 10_000 };

/** How often it is seen whether another file stands at the path. Milliseconds. */
const watchInterval = 1_000;
/** How many looks apart a disk is tried again that did not take writes. */
const probeEvery = 5;
/** What a disk that was full must have free to be tried again. Bytes. */
const leastRoom = 512 * 1024;

/**
 * A file that processes share, and that outlives what happens to it: statements are tried again
 * while another process holds the lock, a damaged file is set aside and rebuilt, one that was
 * replaced is opened anew. While the disk takes no writes everything rejects at once, reads
 * included: what could not be deleted must not be found.
 */
export class Database {
  readonly path: string;
  readonly #preparation: string;
  readonly #onError: (error: unknown) => void;
  readonly #queues: Record<Role, JobQueue>;
  readonly #renewed = new Set<() => void>();
  readonly #warned = new Set<string | undefined>();
  readonly #pauses = new Set<() => void>();
  readonly #watching: NodeJS.Timeout;
  #session: Session;
  #renewing: Promise<void> | undefined;
  #leaving = Promise.resolve();
  #looks = 0;
  #down: unknown;
  #hurried = false;
  #closing: Promise<void> | undefined;

  private constructor(path: string, session: Session, { preparation, onError }: DatabaseOptions) {
    this.path = path;
    this.#session = session;
    this.#preparation = preparation;
    this.#onError = onError;
    const queue = (role: Role, maxWaiting: number, maxBytes?: number): JobQueue =>
      new JobQueue({
        name: path,
        maxWaiting,
        ...(maxBytes !== undefined && { maxBytes }),
        execute: (work) => this.#execute(role, work),
      });
    this.#queues = {
      reader: queue("reader", 100_000),
      writer: queue("writer", 10_000, 64 * 1024 * 1024),
      long: queue("long", 1_000),
    };
    this.#watching = setInterval(() => void this.look(), watchInterval).unref();
  }

  /** @throws Error where the file cannot be made, read or written */
  static async open(options: DatabaseOptions): Promise<Database> {
    const path = await realPath(options.file);
    return new Database(path, await Session.open(path, options.preparation), options);
  }

  /** What no other file has, one that is rebuilt at the same path included. */
  get born(): string {
    return this.#session.born;
  }

  read<Row, Answer>(group: Group<Row, Answer>, row: Row): Promise<Answer> {
    return this.#queues.reader.add(group, row);
  }

  readAlone<T>(work: (connection: Connection) => Promise<T>): Promise<T> {
    return this.#queues.reader.alone(work);
  }

  /** On a connection of its own, where it keeps no reader waiting. */
  readLong<T>(work: (connection: Connection) => Promise<T>): Promise<T> {
    return this.#queues.long.alone(work);
  }

  write<Row, Answer>(group: Group<Row, Answer>, row: Row, bytes?: number): Promise<Answer> {
    return this.#queues.writer.add(group, row, bytes);
  }

  writeAlone<T>(work: (connection: Connection) => Promise<T>): Promise<T> {
    return this.#queues.writer.alone(work);
  }

  /** Calls back when another file has taken the place of this one. @returns what ends it */
  onRenewed(listener: () => void): () => void {
    this.#renewed.add(listener);
    return () => void this.#renewed.delete(listener);
  }

  /** Rejects where the file cannot be used. Where the disk did not take writes, it is tried whether it does now. */
  async ping(): Promise<void> {
    if (this.#down !== undefined) await this.#recover();
    await this.readAlone((connection) => connection.all("SELECT 1 FROM file"));
  }

  /** Does work that nobody waits for; its failure is told, unless the file is closed or known to be down. */
  background(work: () => Promise<unknown>): void {
    work().catch((error: unknown) => {
      if (this.#down === undefined && !this.#closing) this.#onError(error);
    });
  }

  /** Sees whether another file stands at the path by now, and opens that. Never rejects. */
  async look(): Promise<void> {
    const session = this.#session;
    this.#looks += 1;
    try {
      if (this.#down !== undefined) {
        if (this.#looks % probeEvery === 0) await this.#recover();
      } else if (await this.#hasMoved(session)) {
        await this.#renew(session);
      }
    } catch {
      // It is down, and who asks is told so.
    }
  }

  /** Does what waits, without waiting for other processes' locks any longer, and closes the file. */
  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  async #close(): Promise<void> {
    clearInterval(this.#watching);
    this.#hurried = true;
    for (const end of this.#pauses) end();
    await Promise.all(Object.values(this.#queues).map((queue) => queue.close()));
    await this.#renewing?.catch(() => undefined);
    await this.#leaving;
    await this.#session.close();
  }

  async #execute<T>(role: Role, work: (connection: Connection) => Promise<T>): Promise<T> {
    const until = performance.now() + patience[role];
    let renewed = false;
    for (let delay = 5; ; delay = Math.min(2 * delay, 100)) {
      if (this.#renewing) await this.#renewing;
      if (this.#down !== undefined) throw this.#down;
      const last = this.#hurried;
      const session = this.#session;
      try {
        return await session.use(role, work);
      } catch (error) {
        if (isBusy(error)) {
          if (last || performance.now() > until) throw error;
        } else if (renewed) {
          throw error;
        } else if (isDamage(error)) {
          renewed = true;
          await this.#renew(session, error);
          continue;
        } else if (role === "writer" && isUnwritable(error)) {
          if (!(await this.#hasMoved(session))) throw this.#goDown(error);
          renewed = true;
          await this.#renew(session);
          continue;
        } else {
          throw error;
        }
      }
      await this.#pause(delay);
    }
  }

  /** Opens the file anew; sets it aside first where it is damaged. Once for all who ask. */
  #renew(from: Session, damage?: unknown): Promise<void> {
    if (from !== this.#session) return Promise.resolve();
    return (this.#renewing ??= this.#replace(from, damage).finally(() => (this.#renewing = undefined)));
  }

  async #replace(from: Session, damage: unknown): Promise<void> {
    try {
      if (damage !== undefined) {
        this.#onError(damage);
        await setAside(this.path, from.identity, messageOf(damage));
      }
      this.#session = await Session.open(this.path, this.#preparation);
    } catch (error) {
      throw this.#goDown(error);
    }
    // It ends when its last statement does; who runs that may wait for this renewal.
    const left = from.close().catch(this.#onError);
    this.#leaving = this.#leaving.then(() => left);
    for (const listener of this.#renewed) listener();
  }

  #goDown(error: unknown): unknown {
    this.#down = error;
    const code = codeOf(error);
    if (!this.#warned.has(code)) {
      this.#warned.add(code);
      warn(
        `The cache file ${this.path} cannot be written (${messageOf(error)}): results are kept in memory only until it can.`,
      );
    }
    return error;
  }

  /** @throws what still keeps the file from being used */
  async #recover(): Promise<void> {
    const session = this.#session;
    try {
      if (await this.#hasMoved(session)) await this.#renew(session);
      else {
        // Not even a page may be written to what is somebody else's.
        if (this.#down instanceof OccupiedPathError) throw this.#down;
        // A single page finds room long before what was refused does.
        if (codeOf(this.#down) === "SQLITE_FULL" && !(await hasRoom(dirname(this.path)))) throw this.#down;
        await session.use("writer", probe);
      }
      this.#down = undefined;
    } catch (error) {
      this.#down = error;
      throw error;
    }
  }

  async #hasMoved(session: Session): Promise<boolean> {
    return !isSame(session.identity, await identityOf(this.path));
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        clearTimeout(timer);
        this.#pauses.delete(end);
        resolve();
      };
      const timer = setTimeout(end, ms);
      this.#pauses.add(end);
    });
  }
}

async function hasRoom(directory: string): Promise<boolean> {
  const { bavail, bsize } = await statfs(directory);
  return bavail * bsize >= leastRoom;
}

/**
 * SQLite itself follows links, and names what it keeps beside a file after their end. Where nothing
 * is there yet, that is where the file is made.
 */
async function realPath(file: string): Promise<string> {
  try {
    return await realpath(file);
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw error;
  }
  const directory = await realpath(dirname(file)).catch(() => dirname(file));
  const target = await readlink(file).catch(() => undefined);
  if (target !== undefined) return realPath(isAbsolute(target) ? target : join(directory, target));
  return join(directory, basename(file));
}
