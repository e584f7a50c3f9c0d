import type { Countdown, Timers } from "./timers.js";

/** How many calls a bulkhead lets run and wait. */
export interface BulkheadLimits {
  /** Calls that run at the same time. */
  readonly maxConcurrent: number;
  /** Calls that wait for a place; one more is refused. */
  readonly queue: number;
  /** The longest that a call waits, in milliseconds; without it as long as its caller does. */
  readonly queueTimeout?: number;
}

/** Why a call got no place. */
export type BulkheadReason = "full" | "queueTimeout" | "stopped";

interface Waiter {
  countdown: Countdown | undefined;
  /** Ends the wait with a place, or without one. */
  settle(reason: BulkheadReason | undefined): void;
}

/**
 * Places for calls that run at the same time, and a bounded queue for those that wait for one.
 * Places are handed over in the order in which calls came: one that comes when a place falls free
 * cannot overtake those that wait.
 *
 * ```ts
 * if (!bulkhead.enter()) {
 *   const reason = await bulkhead.wait(signal);
 *   if (reason) throw new Error(reason);
 * }
 * try {
 *   return await work();
 * } finally {
 *   bulkhead.leave();
 * }
 * ```
 */
export class Bulkhead {
  readonly #timers: Timers;
  /** A set keeps the order of arrival, and lets a call leave from the middle at once. */
  readonly #waiting = new Set<Waiter>();
  #limits: BulkheadLimits;
  #running = 0;

  constructor(limits: BulkheadLimits, timers: Timers) {
    this.#limits = limits;
    this.#timers = timers;
  }

  get limits(): BulkheadLimits {
    return this.#limits;
  }

  get running(): number {
    return this.#running;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  /** Takes a place where one is free. */
  enter(): boolean {
    if (this.#running >= this.#limits.maxConcurrent) return false;
    this.#running += 1;
    return true;
  }

  /**
   * Waits for a place and takes it. Answers why there is none, or nothing where there is one.
   *
   * @throws the signal's reason, at once, when the signal aborts
   */
  wait(signal: AbortSignal | undefined): Promise<BulkheadReason | undefined> {
    const { queue, queueTimeout } = this.#limits;
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason as Error);
      if (this.#timers.ended) return resolve("stopped");
      if (this.#waiting.size >= queue) return resolve("full");
      const finish = (): void => {
        this.#waiting.delete(waiter);
        waiter.countdown?.clear();
        signal?.removeEventListener("abort", onAbort);
      };
      const onAbort = (): void => {
        finish();
        reject(signal?.reason as Error);
      };
      const waiter: Waiter = {
        countdown: undefined,
        settle(reason) {
          finish();
          resolve(reason);
        },
      };
      this.#waiting.add(waiter);
      signal?.addEventListener("abort", onAbort, { once: true });
      if (queueTimeout !== undefined) {
        waiter.countdown = this.#timers.start(queueTimeout, (end) =>
          waiter.settle(end === "time" ? "queueTimeout" : "stopped"),
        );
      }
    });
  }

  /** Gives a place back, to the call that has waited longest. */
  leave(): void {
    this.#running -= 1;
    this.#admit();
  }

  /**
   * Other limits from now on. Calls that run count against them, calls that wait move up where
   * there is room now; none of either is turned away for it.
   */
  limit(limits: BulkheadLimits): void {
    this.#limits = limits;
    this.#admit();
  }

  /** Turns away whoever waits. */
  end(): void {
    for (const waiter of this.#waiting) waiter.settle("stopped");
  }

  #admit(): void {
    for (const waiter of this.#waiting) {
      if (!this.enter()) return;
      waiter.settle(undefined);
    }
  }
}
