import { AbortListeners } from "./abort-listeners.js";
import { argumentsNotClonable, resultNotClonable } from "./clone.js";
import { poolStopped, taskTimeout } from "./faults.js";
import type { Job, ParallelStats, Runner } from "./runner.js";

/**
 * Runs tasks in this thread, but clones arguments and results as a worker's would be, so that a
 * test finds what cannot be sent. For tests, debuggers, and inside workers. A timeout or an abort
 * releases the caller; the work itself cannot be ended.
 */
export class InlineRunner implements Runner {
  #running = 0;
  #completed = 0;
  #failed = 0;
  readonly #aborts = new AbortListeners();
  /** One for each task that runs: releases its caller. */
  readonly #releases = new Set<(reason: unknown) => void>();

  async run(job: Job): Promise<unknown> {
    job.signal?.throwIfAborted();
    const args = clone(job.args, (cause) => argumentsNotClonable(job.label, job.args, cause));
    const started = performance.now();
    this.#running += 1;
    let ok = false;
    try {
      const value = await this.#bounded(job, Promise.resolve(job.here(args)));
      const result = clone(value, (cause) => resultNotClonable(job.label, value, cause));
      ok = true;
      return result;
    } finally {
      this.#running -= 1;
      if (ok) this.#completed += 1;
      else this.#failed += 1;
      job.report?.({ worker: 0, queueMs: 0, runMs: performance.now() - started, ok });
    }
  }

  stats(): ParallelStats {
    const tasks = this.#completed + this.#failed;
    return {
      workers: [{ id: 0, tasks, busy: this.#running > 0 }],
      capacity: 1,
      queued: 0,
      running: this.#running,
      completed: this.#completed,
      failed: this.#failed,
      lost: 0,
      startFailures: 0,
    };
  }

  workerIds(): readonly number[] {
    return this.#completed + this.#failed > 0 ? [0] : [];
  }

  async close(): Promise<number> {
    for (const release of this.#releases) release(undefined);
    return 0;
  }

  async #bounded(job: Job, work: Promise<unknown>): Promise<unknown> {
    const { label, timeout, signal } = job;
    let timer: NodeJS.Timeout | undefined;
    let release!: (reason: unknown) => void;
    const released = new Promise<never>((_, reject) => {
      release = (reason) => reject((reason ?? poolStopped(label)) as Error);
      if (timeout !== undefined) timer = setTimeout(() => reject(taskTimeout(label, timeout)), timeout);
    });
    const endListening = signal && this.#aborts.add(signal, () => release(signal.reason));
    this.#releases.add(release);
    try {
      return await Promise.race([work, released]);
    } finally {
      clearTimeout(timer);
      endListening?.();
      this.#releases.delete(release);
    }
  }
}

function clone<T>(value: T, refuse: (cause: unknown) => Error): T {
  try {
    return structuredClone(value);
  } catch (cause) {
    throw refuse(cause);
  }
}
