import { argumentsNotClonable, isDataCloneError } from "./clone.js";
import { decodeError } from "./error-codec.js";
import { loadTimeout, taskTimeout } from "./faults.js";
import { targetKey, type WorkerReply, type WorkerRequest } from "./protocol.js";
import type { Job } from "./runner.js";
import type { WorkerThread } from "./worker-thread.js";

/** One task of a pool: waits, runs in one worker, and settles once. */
export class PoolTask {
  readonly job: Job;
  readonly result: Promise<unknown>;
  readonly #queuedAt = performance.now();
  #resolve!: (value: unknown) => void;
  #reject!: (reason: unknown) => void;
  #worker: WorkerThread | undefined;
  /** Why it was given up: takes the place of the error that ending its worker causes. */
  #interruption: { readonly reason: unknown } | undefined;

  constructor(job: Job) {
    this.job = job;
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
    const { job } = this;
    this.#worker = worker;
    let startedAt: number | undefined;
    let failure: { readonly error: unknown } | undefined;
    try {
      await this.#load(worker, loadLimit);
      startedAt = performance.now();
      worker.tasks += 1;
      this.#resolve(await this.#run(worker));
    } catch (error) {
      failure = this.#interruption ? { error: this.#interruption.reason } : { error };
      this.#reject(failure.error);
    }
    if (startedAt !== undefined) {
      const queueMs = startedAt - this.#queuedAt;
      job.report?.({ worker: worker.id, queueMs, runMs: performance.now() - startedAt, ok: !failure });
    }
    return failure;
  }

  /** The import of the module is a request of its own, so that the task's timeout does not count it. */
  async #load(worker: WorkerThread, limit: number): Promise<void> {
    const { label, target } = this.job;
    const key = targetKey(target);
    if (worker.loaded.has(key)) return;
    const late = (): unknown => loadTimeout(label, target.module, limit);
    valueOf(await this.#ask(worker, { kind: "load", label, target }, limit, late));
    worker.loaded.add(key);
  }

  async #run(worker: WorkerThread): Promise<unknown> {
    const { label, target, args, apply, advised, context, timeout } = this.job;
    const late = (): unknown => taskTimeout(label, timeout!, worker.id);
    const request = { kind: "run", label, target, args, apply, advised, context } as const;
    try {
      return valueOf(await this.#ask(worker, request, timeout, late));
    } catch (error) {
      throw isDataCloneError(error) && !worker.gone ? argumentsNotClonable(label, args, error) : error;
    }
  }

  async #ask(worker: WorkerThread, request: WorkerRequest, limit: number | undefined, late: () => unknown): Promise<WorkerReply> {
    const timer = limit === undefined ? undefined : setTimeout(() => this.interrupt(late()), limit);
    try {
      return await worker.ask(request);
    } finally {
      clearTimeout(timer);
    }
  }
}

function valueOf(reply: WorkerReply): unknown {
  if (reply.ok) return reply.value;
  throw decodeError(reply.error);
}
