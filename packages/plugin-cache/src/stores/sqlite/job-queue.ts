import type { Connection } from "./connection.js";

/** A statement that serves several callers at once, one row each. */
export interface Group<Row, Answer> {
  /** Answers for the rows, in their order. */
  run(connection: Connection, rows: readonly Row[]): Promise<readonly Answer[]>;
}

type Work<T> = (connection: Connection) => Promise<T>;

interface Job {
  /** Missing for work that is done alone. */
  readonly group?: Group<unknown, unknown>;
  readonly row?: unknown;
  readonly work?: Work<unknown>;
  readonly bytes: number;
  resolve(answer: unknown): void;
  reject(error: unknown): void;
}

export interface QueueOptions {
  /** For the error that refuses. */
  readonly name: string;
  /** Jobs that may wait for their turn; further ones are refused. */
  readonly maxWaiting: number;
  /** Bytes of the jobs that may wait. @default Infinity */
  readonly maxBytes?: number;
  /** Where and how work is run. */
  readonly execute: <T>(work: Work<T>) => Promise<T>;
}

const maxRows = 64;
const maxGroupBytes = 4 * 1024 * 1024;

/**
 * Jobs for one connection, one after another in the order of their coming. Neighbours of one
 * group become one statement: what comes in one turn of the event loop, and what comes while
 * another statement runs.
 */
export class JobQueue {
  readonly #options: Required<QueueOptions>;
  readonly #waiting: Job[] = [];
  #bytes = 0;
  #running: Promise<void> | undefined;
  #closed = false;

  constructor(options: QueueOptions) {
    this.#options = { maxBytes: Infinity, ...options };
  }

  /** @param bytes of memory that the row holds while it waits */
  add<Row, Answer>(group: Group<Row, Answer>, row: Row, bytes = 0): Promise<Answer> {
    return this.#push({ group: group as Group<unknown, unknown>, row, bytes }) as Promise<Answer>;
  }

  alone<T>(work: Work<T>): Promise<T> {
    return this.#push({ work, bytes: 0 }) as Promise<T>;
  }

  /** Does what waits; refuses what comes later. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#running;
  }

  #push(job: Omit<Job, "resolve" | "reject">): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const { name, maxWaiting, maxBytes } = this.#options;
      if (this.#closed) return reject(new Error(`${name} is closed`));
      if (this.#waiting.length >= maxWaiting || this.#bytes + job.bytes > maxBytes) {
        return reject(new Error(`${this.#waiting.length} statements wait for ${name} already`));
      }
      this.#waiting.push({ resolve, reject, ...job });
      this.#bytes += job.bytes;
      this.#running ??= this.#work();
    });
  }

  async #work(): Promise<void> {
    // Once all promises of this turn have run: whoever else asks in it comes along.
    await new Promise<void>((resolve) => process.nextTick(resolve));
    while (this.#waiting.length > 0) await this.#runJobs(this.#take());
    this.#running = undefined;
  }

  #take(): Job[] {
    const [first] = this.#waiting as [Job, ...Job[]];
    let count = 1;
    let bytes = first.bytes;
    while (first.group && count < maxRows) {
      const next = this.#waiting[count];
      if (next?.group !== first.group || bytes + next.bytes > maxGroupBytes) break;
      bytes += next.bytes;
      count += 1;
    }
    this.#bytes -= bytes;
    return this.#waiting.splice(0, count);
  }

  async #runJobs(jobs: readonly Job[]): Promise<void> {
    const { group, work } = jobs[0]!;
    try {
      const answers = await this.#options.execute<readonly unknown[]>(
        group
          ? (connection) =>
              group.run(
                connection,
                jobs.map(({ row }) => row),
              )
          : async (connection) => [await work!(connection)],
      );
      for (let at = 0; at < jobs.length; at++) jobs[at]!.resolve(answers[at]);
    } catch (error) {
      for (const job of jobs) job.reject(error);
    }
  }
}
