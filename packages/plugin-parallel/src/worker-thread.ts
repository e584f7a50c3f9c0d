import { MessageChannel, receiveMessageOnPort, type MessagePort } from "node:worker_threads";
import { Tinypool } from "tinypool";
import { workerEnded, workerLost } from "./faults.js";
import type { WorkerMessage, WorkerReply, WorkerRequest, WorkerSetup } from "./protocol.js";
import { SETUP_KEY } from "./thread-state.js";

/**
 * One worker thread: a tinypool of exactly one. tinypool starts the thread, loads the worker's
 * entry in it, hands requests over and keeps the process alive while one runs; which worker runs
 * what is decided by {@link WorkerPool}. So the faults of tinypool's own queue (measured with 2.2)
 * cannot occur, and those of a single worker are kept in this file:
 *
 * - `process.exit()` in a task leaves it pending for ever: here the thread's `exit` rejects it;
 * - a failed thread without a task is an `error` event that would crash the process: here it ends the worker;
 * - `destroy()` waits for ever for a thread that is gone already: here the thread's own `exit` is awaited;
 * - a result that cannot be cloned crashes the worker, since it is posted where nothing catches:
 *   here results come back on a port of our own, and tinypool's answer only says that one is there;
 * - `useAtomics` stops timers in an idle worker: off.
 *
 * A worker lives once: what kills its thread ends it, and the pool starts another.
 */
export class WorkerThread {
  /** Node's `threadId`. */
  readonly id: number;
  /** What its thread was started with. */
  readonly setup: WorkerSetup;
  /** Tasks that it has run. */
  tasks = 0;
  /** Numbers of the targets that its thread has loaded. */
  readonly loaded = new Set<number>();
  /** Resolves when the thread is gone, however that came about. */
  readonly exited: Promise<void>;
  readonly #pool: Tinypool;
  readonly #replies: MessagePort;
  #portToSend: MessagePort | undefined;
  #running: { readonly label: string | undefined; readonly reject: (error: Error) => void } | undefined;
  /** Why it takes no more requests. */
  #gone: Error | undefined;
  /** tinypool starts a thread in place of one that failed, before anybody can tell it not to. */
  #replacementGone: Promise<void> | undefined;

  constructor(file: string, setup: WorkerSetup, onLost: (worker: WorkerThread) => void) {
    this.setup = setup;
    const { port1, port2 } = new MessageChannel();
    this.#replies = port1;
    this.#portToSend = port2;
    this.#pool = new Tinypool({
      filename: file,
      minThreads: 1,
      maxThreads: 1,
      useAtomics: false,
      workerData: { [SETUP_KEY]: setup },
    });
    const thread = this.#pool.threads[0]!;
    this.id = thread.threadId;
    const lose = (cause: unknown, exitCode?: number): void => {
      if (this.#gone) return;
      this.#leave(workerLost(this.#running?.label, this.id, cause, exitCode));
      onLost(this);
    };
    this.#pool.on("error", (error) => lose(error));
    thread.on("error", (error) => lose(error));
    const exit = new Promise<void>((resolve) => {
      thread.on("exit", (code: number) => {
        lose(undefined, code);
        resolve();
      });
    });
    this.exited = exit.then(() => this.#replacementGone);
  }

  /** Whether it takes no more requests. */
  get gone(): boolean {
    return this.#gone !== undefined;
  }

  /**
   * Sends one request and waits for the reply. One at a time. Where the thread ends by itself
   * under it, the error names `label`.
   *
   * @throws DataCloneError where the request cannot be cloned; the worker is as it was
   * @throws ProcessingError (MLMCP_WORKER_LOST) where the thread ended by itself
   */
  ask(request: WorkerRequest, label?: string): Promise<WorkerReply> {
    if (this.#gone) return Promise.reject(this.#gone);
    return new Promise((resolve, reject) => {
      this.#running = { label, reject };
      const port = this.#portToSend;
      const message: WorkerMessage = port ? { ...request, port } : request;
      this.#pool.run(message, port ? { transferList: [port] } : undefined).then(() => {
        this.#running = undefined;
        this.#portToSend = undefined;
        // The worker posted it before it answered tinypool: it has arrived, unless the port is closed.
        const received = receiveMessageOnPort(this.#replies) as { message: WorkerReply } | undefined;
        if (received) resolve(received.message);
        else reject(this.#gone ?? workerEnded(this.id));
      }, reject);
    });
  }

  /** Ends the thread at once, also where a task runs in it: that is rejected. */
  end(): void {
    if (!this.#gone) this.#leave(workerEnded(this.id));
  }

  #leave(reason: Error): void {
    this.#gone = reason;
    this.#running?.reject(reason);
    this.#destroy();
  }

  #destroy(): void {
    this.#replies.close();
    this.#portToSend?.close();
    const replaced = this.#pool.threads.some(({ threadId }) => threadId !== this.id);
    // Rejects where a thread fails while it is being ended: it is gone all the same.
    const destroyed = this.#pool.destroy().catch(() => undefined);
    if (replaced) this.#replacementGone = destroyed;
  }
}
