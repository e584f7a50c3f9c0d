import { isDeepStrictEqual } from "node:util";
import { AbortListeners } from "./abort-listeners.js";
import { mainRunsAgain, poolStopped, queueFull, saysMainRunsAgain } from "./faults.js";
import { PoolTask } from "./pool-task.js";
import type { WorkerSetup } from "./protocol.js";
import { Queue, type Place } from "./queue.js";
import type { Job, ParallelStats, Runner } from "./runner.js";
import { retire } from "./retire.js";
import { TargetIds } from "./target-ids.js";
import { WorkerThread } from "./worker-thread.js";

export interface WorkerPoolOptions {
  /** Path of the worker's entry. */
  readonly file: string;
  /** Workers at most. They are started when tasks come. */
  readonly workers: number;
  /** Tasks that may wait. */
  readonly maxQueue: number;
  /** Milliseconds that the import of a module may take in a worker. */
  readonly loadTimeout: number;
  /** Milliseconds that a worker gets to close what it has open, and again to end. */
  readonly stopTimeout: number;
  readonly setup: WorkerSetup;
}

/** Tasks of one label wait in a lane of their own, so that a long one keeps no other from its turn. */
interface Lane {
  readonly label: string;
  readonly waiting: Queue<PoolTask>;
  running: number;
}

/** Ids of workers that are remembered. */
const REMEMBERED_IDS = 1000;

/**
 * Worker threads that are started when tasks come, up to a limit, and reused. A worker has one
 * task at a time; the others wait here, in order within a label and in turn between labels. Idle
 * workers do not keep the process alive.
 */
export class WorkerPool implements Runner {
  #options: WorkerPoolOptions;
  /** The most tasks at once that an operation has asked for. */
  #reserved = 0;
  readonly #workers = new Set<WorkerThread>();
  /** The one that ran last is taken first: its caches are warm. */
  readonly #idle: WorkerThread[] = [];
  /** Workers on their way out. */
  readonly #retiring = new Set<Promise<boolean>>();
  /** Lanes where tasks wait or run; the one whose turn is next comes first. */
  readonly #lanes = new Map<string, Lane>();
  readonly #running = new Set<PoolTask>();
  readonly #ids = new Set<number>();
  readonly #targets = new TargetIds();
  readonly #aborts = new AbortListeners();
  /** Modules whose import starts the application, and the error that said so. */
  readonly #refused = new Map<string, unknown>();
  #queued = 0;
  #completed = 0;
  #failed = 0;
  #lost = 0;
  #startFailures = 0;
  #closed = false;

  constructor(options: WorkerPoolOptions) {
    this.#options = options;
  }

  get #capacity(): number {
    return Math.max(this.#options.workers, this.#reserved);
  }

  run(job: Job): Promise<unknown> {
    try {
      const task = this.#enqueue(job);
      this.#dispatch();
      return task.result;
    } catch (refusal) {
      return Promise.reject(refusal);
    }
  }

  /**
   * Goes on with other options. Where the workers' set-up is another one, those that are there
   * finish their task and are replaced.
   */
  configure(options: WorkerPoolOptions): void {
    const keep = isDeepStrictEqual(this.#options.setup, options.setup) && this.#options.file === options.file;
    // Operations ask again, with what they are told now.
    if (options.workers !== this.#options.workers) this.#reserved = 0;
    this.#options = keep ? { ...options, setup: this.#options.setup } : options;
    for (const worker of this.#idle.splice(0)) this.#release(worker);
  }

  stats(): ParallelStats {
    const idle = new Set(this.#idle);
    return {
      workers: Array.from(this.#workers, (worker) => ({
        id: worker.id,
        tasks: worker.tasks,
        busy: !idle.has(worker),
      })),
      capacity: this.#capacity,
      queued: this.#queued,
      running: this.#running.size,
      completed: this.#completed,
      failed: this.#failed,
      lost: this.#lost,
      startFailures: this.#startFailures,
    };
  }

  workerIds(): readonly number[] {
    return [...this.#ids];
  }

  /**
   * Rejects what waits, ends what runs, and lets idle workers close what they have open.
   *
   * @returns how many workers had not ended in time
   */
  async close(): Promise<number> {
    this.#closed = true;
    for (const lane of this.#lanes.values()) {
      for (let task = lane.waiting.shift(); task; task = lane.waiting.shift())
        task.interrupt(poolStopped(lane.label));
    }
    this.#lanes.clear();
    this.#queued = 0;
    for (const task of this.#running) task.interrupt(poolStopped(task.job.label));
    this.#idle.length = 0;
    for (const worker of this.#workers) this.#retire(worker);
    const ended = await Promise.all(this.#retiring);
    return ended.filter((inTime) => !inTime).length;
  }

  #enqueue(job: Job): PoolTask {
    const { label, signal, limit = this.#options.workers } = job;
    const { maxQueue } = this.#options;
    if (this.#closed) throw poolStopped(label);
    signal?.throwIfAborted();
    const target = job.target();
    const refusal = this.#refused.get(target.module);
    if (refusal !== undefined) throw mainRunsAgain(label, target.module, refusal);

    this.#reserved = Math.max(this.#reserved, limit);
    const lane = this.#laneOf(label);
    const startsNow = this.#hasRoom && lane.running < limit;
    if (this.#queued >= maxQueue && !startsNow) {
      this.#drop(lane);
      throw queueFull(label, maxQueue);
    }
    const task = new PoolTask(job, target, this.#targets.idOf(target));
    const place = lane.waiting.push(task);
    this.#queued += 1;
    if (signal) this.#endOnAbort(task, lane, place, signal);
    return task;
  }

  #laneOf(label: string): Lane {
    let lane = this.#lanes.get(label);
    if (!lane) this.#lanes.set(label, (lane = { label, waiting: new Queue(), running: 0 }));
    return lane;
  }

  #endOnAbort(task: PoolTask, lane: Lane, place: Place<PoolTask>, signal: AbortSignal): void {
    const onAbort = (): void => {
      if (lane.waiting.remove(place)) {
        this.#queued -= 1;
        this.#drop(lane);
      }
      task.interrupt(signal.reason);
    };
    const settled = this.#aborts.add(signal, onAbort);
    task.result.then(settled, settled);
  }

  /** Gives waiting tasks to idle workers, and starts workers while there may be more. */
  #dispatch(): void {
    for (let lane = this.#nextLane(); lane; lane = this.#nextLane()) {
      if (!this.#hasRoom) return;
      const task = lane.waiting.shift()!;
      this.#queued -= 1;
      try {
        const worker = this.#idle.pop() ?? this.#start();
        lane.running += 1;
        // Its next turn comes after everybody else's.
        this.#lanes.delete(lane.label);
        this.#lanes.set(lane.label, lane);
        void this.#serve(worker, lane, task);
      } catch (error) {
        task.interrupt(error);
        this.#drop(lane);
      }
    }
  }

  #nextLane(): Lane | undefined {
    for (const lane of this.#lanes.values()) {
      const next = lane.waiting.first;
      if (next && lane.running < (next.job.limit ?? this.#capacity)) return lane;
    }
    return undefined;
  }

  async #serve(worker: WorkerThread, lane: Lane, task: PoolTask): Promise<void> {
    this.#running.add(task);
    const failure = await task.runIn(worker, this.#options.loadTimeout);
    this.#running.delete(task);
    lane.running -= 1;
    this.#drop(lane);
    if (failure) this.#failed += 1;
    else this.#completed += 1;
    if (worker.tasks > 0) {
      this.#startFailures = 0;
      this.#remember(worker.id);
    }
    if (failure && saysMainRunsAgain(failure.error)) this.#refused.set(task.target.module, failure.error);
    this.#release(worker);
    this.#dispatch();
  }

  /** Whether a worker is free, or may be started. */
  get #hasRoom(): boolean {
    return this.#idle.length > 0 || this.#workers.size < this.#capacity;
  }

  /** A worker has nothing to do. */
  #release(worker: WorkerThread): void {
    if (worker.gone) this.#forget(worker);
    else if (worker.setup !== this.#options.setup || this.#workers.size > this.#capacity)
      this.#retire(worker);
    else this.#idle.push(worker);
  }

  #start(): WorkerThread {
    const worker = new WorkerThread(this.#options.file, this.#options.setup, (lost) => this.#forget(lost));
    this.#workers.add(worker);
    return worker;
  }

  /** A worker has ended before its time. */
  #forget(worker: WorkerThread): void {
    if (!this.#workers.delete(worker)) return;
    this.#lost += 1;
    if (worker.tasks === 0) this.#startFailures += 1;
    const index = this.#idle.indexOf(worker);
    if (index >= 0) this.#idle.splice(index, 1);
    this.#await(worker);
  }

  #retire(worker: WorkerThread): void {
    if (this.#workers.delete(worker)) this.#await(worker);
  }

  #await(worker: WorkerThread): void {
    const gone = retire(worker, this.#options.stopTimeout);
    this.#retiring.add(gone);
    void gone.then((inTime) => inTime && this.#retiring.delete(gone));
  }

  #drop(lane: Lane): void {
    if (lane.running === 0 && lane.waiting.size === 0) this.#lanes.delete(lane.label);
  }

  #remember(id: number): void {
    this.#ids.add(id);
    if (this.#ids.size > REMEMBERED_IDS) this.#ids.delete(this.#ids.values().next().value!);
  }
}
