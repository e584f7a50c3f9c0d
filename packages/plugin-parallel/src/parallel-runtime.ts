import type { OperationInfo } from "@mlmcp/core";
import { InlineRunner } from "./inline.js";
import type { Job, ParallelStats, Runner } from "./runner.js";
import { WorkerPool, type WorkerPoolOptions } from "./worker-pool.js";
import { findWorkerFile } from "./worker-file.js";

/** Names a kernel's runtime. Not its class, of which a process may have two: a bundle beside a package. */
export const RUNTIME = Symbol.for("@mlmcp/plugin-parallel/runtime");

/** How tasks are run, as the configuration says it. */
export interface RuntimeOptions extends Omit<WorkerPoolOptions, "file"> {
  readonly runtime: "worker_threads" | "inline";
  readonly workerFile: string | undefined;
}

/** All operations that are known. */
type Operations = () => readonly OperationInfo[];

/** Where one kernel's tasks run. The pool is created with the first of them and outlives reloads. */
export class ParallelRuntime {
  #options: RuntimeOptions;
  #pool: WorkerPool | undefined;
  #inline: InlineRunner | undefined;

  constructor(
    options: RuntimeOptions,
    readonly operations: Operations,
  ) {
    this.#options = options;
  }

  /** Workers at most, where an operation does not ask for more. */
  get workers(): number {
    return this.#options.workers;
  }

  get isInline(): boolean {
    return this.#options.runtime === "inline";
  }

  run(job: Job): Promise<unknown> {
    try {
      return this.#runner().run(job);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Goes on with other options; tasks that wait or run are not touched. */
  configure(options: RuntimeOptions): void {
    const pool = this.#pool;
    // First, since it may refuse.
    const poolOptions = pool && this.#poolOptions(options);
    this.#options = options;
    if (poolOptions) pool.configure(poolOptions);
  }

  stats(): ParallelStats {
    const running = this.isInline ? this.#inline : this.#pool;
    return (
      running?.stats() ?? {
        workers: [],
        capacity: this.isInline ? 1 : this.workers,
        queued: 0,
        running: 0,
        completed: 0,
        failed: 0,
        lost: 0,
        startFailures: 0,
      }
    );
  }

  workerIds(): readonly number[] {
    return [...(this.#inline?.workerIds() ?? []), ...(this.#pool?.workerIds() ?? [])];
  }

  /** Ends everything. Answers how many workers had not ended in time. */
  async close(): Promise<number> {
    const left = await Promise.all([this.#inline?.close(), this.#pool?.close()]);
    return left.reduce<number>((sum, count) => sum + (count ?? 0), 0);
  }

  #runner(): Runner {
    if (this.isInline) return (this.#inline ??= new InlineRunner());
    return (this.#pool ??= new WorkerPool(this.#poolOptions(this.#options)));
  }

  #poolOptions({ workerFile, runtime: _, ...options }: RuntimeOptions): WorkerPoolOptions {
    return { ...options, file: findWorkerFile(workerFile, options.setup.cwd) };
  }
}
