import { argumentsNotClonable, isDataCloneError } from "./clone.js";
import { decodeError } from "./error-codec.js";
import { loadTimeout, MAIN_RUNS_AGAIN, mainRunsAgain, saysMainRunsAgain, taskTimeout } from "./faults.js";
import type { Target, WorkerReply } from "./protocol.js";
import type { Job } from "./runner.js";
import type { WorkerThread } from "./worker-thread.js";

/** One task of a pool: waits, runs in one worker, and settles once. */
export class PoolTask {
  readonly result: Promise<unknown>;
  readonly #queuedAt = performance.now();
  #resolve!: (value: unknown) => void;
  #reject!: (reason: unknown) => void;
  #worker: WorkerThread | undefined;
  /** Why it was given up: takes the place of the error that ending its worker causes. */
  #interruption: { readonly reason: unknown } | undefined;

  constructor(
    readonly job: Job,
    readonly target: Target,
    /** The target's number in the pool. */
    readonly id: number,
  ) {
    this.result = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  /** Gives the task up. Where it runs, its worker is ended: nothing else stops a busy thread. */
  interrupt(reason: unknown): void {
    if (this.#interruption) return;
    this.#interruption = { reason };
    if (this.#worker) this.#worker.end();
    this.#reject(reason);
  }

  /** Runs it. Never rejects; answers what it was rejected with, where it was. */
  async runIn(worker: WorkerThread, loadLimit: number): Promise<{ readonly error: unknown } | undefined> {
    this.#worker = worker;
    let startedAt: number | undefined;
    let failure: { readonly error: unknown } | undefined;
    try {
      // A request of its own, so that the task's timeout does not count it.
      if (!worker.loaded.has(this.id)) await this.#load(worker, loadLimit);
      startedAt = performance.now();
      worker.tasks += 1;
      this.#resolve(await this.#run(worker));
    } catch (error) {
      failure = {
        error: this.#interruption ? this.#interruption.reason : this.#explain(error, startedAt === undefined),
      };
      this.#reject(failure.error);
    }
    const { report } = this.job;
    if (report && startedAt !== undefined) {
      const queueMs = startedAt - this.#queuedAt;
      report({ worker: worker.id, queueMs, runMs: performance.now() - startedAt, ok: !failure });
    }
    return failure;
  }

  /** Says of errors of the worker that they come from the application that it started. */
  #explain(error: unknown, loading: boolean): unknown {
    const { target } = this;
    const { label } = this.job;
    const { code, context } = error as { code?: unknown; context?: { exitCode?: unknown } };
    if (code === MAIN_RUNS_AGAIN) return error;
    // While a module is imported nothing else of the application runs that could exit.
    const exitedWhileLoading = loading && code === "MLMCP_WORKER_LOST" && context?.exitCode !== undefined;
    return exitedWhileLoading || saysMainRunsAgain(error)
      ? mainRunsAgain(label, target.module, error)
      : error;
  }

  async #load(worker: WorkerThread, limit: number): Promise<void> {
    const { id, target } = this;
    const { label } = this.job;
    const timer = setTimeout(() => this.interrupt(loadTimeout(label, target.module, limit)), limit);
    try {
      valueOf(await worker.ask({ kind: "load", id, label, target }, label));
      worker.loaded.add(id);
    } finally {
      clearTimeout(timer);
    }
  }

  async #run(worker: WorkerThread): Promise<unknown> {
    const { label, args, apply, advised, context, timeout } = this.job;
    const timer =
      timeout === undefined
        ? undefined
        : setTimeout(() => this.interrupt(taskTimeout(label, timeout, worker.id)), timeout);
    try {
      return valueOf(await worker.ask({ kind: "run", id: this.id, args, apply, advised, context }, label));
    } catch (error) {
      throw isDataCloneError(error) && !worker.gone ? argumentsNotClonable(label, args, error) : error;
    } finally {
      clearTimeout(timer);
    }
  }
}

function valueOf(reply: WorkerReply): unknown {
  if (reply.ok) return reply.value;
  throw decodeError(reply.error);
}
