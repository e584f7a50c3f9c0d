import type { CallContext, Apply, Target } from "./protocol.js";

/** What became of one task. */
export interface TaskReport {
  /** The worker that ran it: Node's `threadId`, 0 for the thread of the kernel. */
  readonly worker: number;
  /** Milliseconds from the call until its turn came, the start of a worker included. */
  readonly queueMs: number;
  /** Milliseconds in the worker, the way there and back included. */
  readonly runMs: number;
  readonly ok: boolean;
}

/** One piece of work for a worker. */
export interface Job {
  /** Names the work in errors: `ReportService.summarise`. Tasks of one label share its limit. */
  readonly label: string;
  /** Names the work for a worker; asked only where one runs it. */
  readonly target: () => Target;
  readonly args: readonly unknown[];
  readonly apply: Apply;
  readonly advised: boolean;
  readonly context?: CallContext | undefined;
  /** Tasks of this label that run at once. @default all workers */
  readonly limit?: number | undefined;
  /** Milliseconds that it may run. */
  readonly timeout?: number | undefined;
  /** Takes it out of the queue, or ends the worker that runs it. */
  readonly signal?: AbortSignal | undefined;
  /** Told once it has run, also where it failed. */
  readonly report?: ((report: TaskReport) => void) | undefined;
  /** The same work in this thread, for the runtime `inline`. */
  readonly here: (args: readonly unknown[]) => unknown;
}

export interface WorkerStats {
  /** Node's `threadId`; 0 for the thread of the kernel. */
  readonly id: number;
  /** Tasks that it has run. */
  readonly tasks: number;
  readonly busy: boolean;
}

export interface ParallelStats {
  /** Workers that are alive. */
  readonly workers: readonly WorkerStats[];
  /** Workers that there may be at most. */
  readonly capacity: number;
  readonly queued: number;
  readonly running: number;
  readonly completed: number;
  readonly failed: number;
  /** Workers that ended before their time: by a timeout, an abort, `process.exit()` or a crash. */
  readonly lost: number;
  /** Workers in a row that were lost before they ran a task. */
  readonly startFailures: number;
}

/** Runs tasks: in workers, or in this thread. */
export interface Runner {
  run(job: Job): Promise<unknown>;
  stats(): ParallelStats;
  /** The ids of the workers that have run a task, the last 1000. */
  workerIds(): readonly number[];
  /** Ends everything; what waits or runs is rejected. Answers how many workers had not ended in time. */
  close(): Promise<number>;
}
