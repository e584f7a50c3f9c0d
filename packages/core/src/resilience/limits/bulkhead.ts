import type { Countdown, Timers } from "../timing/timers.js";

/** How many calls a bulkhead lets run and wait. */
export interface BulkheadLimits {
  /** Calls that run at the same time. */
  readonly maxConcurrent: number;
  /** Calls that wait for a place; one more is refused. */
  readonly queue: number;
  /** The longest that a call waits, in milliseconds; without it as long as its caller does. */
  readonly queueTimeout?: number;
}

/**
 * Why a call got no place: all are taken and so is the queue (`full`), it has waited too long, all
 * places are held by calls that wait for such as this one (`recursion`), or the kernel stops.
 */
export type BulkheadReason = "full" | "queueTimeout" | "recursion" | "stopped";

/**
 * How long nothing has moved before calls that wait for themselves are told so, in milliseconds. A
 * call that made another and does not wait for it looks the same until it ends.
 */
const STANDSTILL = 1_000;

/** A call that holds a place, as far as who it is matters. */
export type Holder = object;

interface Waiter {
  readonly holder: Holder | undefined;
  /** The calls with a place that it is a part of. */
  readonly inside: readonly Holder[];
  countdown: Countdown | undefined;
  /** Ends the wait with a place, or without one. */
  settle(reason: BulkheadReason | undefined): void;
}

/**
 * Places for calls that run at the same time, and a bounded queue for those that wait for one.
 * Places are handed over in the order in which calls came: one that comes when a place falls free
 * cannot overtake those that wait. Where each call that holds a place is known to wait for one that
 * waits here, nothing would ever move again: those that wait are turned away.
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
  readonly #holders = new Set<Holder>();
  /** Calls with calls inside that wait, and how many. */
  readonly #blocked = new Map<Holder, number>();
  #limits: BulkheadLimits;
  #running = 0;
  #standstill: Countdown | undefined;

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

  /** Takes a place where one is free. Who holds it need only be said where calls may wait. */
  enter(holder?: Holder): boolean {
    if (this.#running >= this.#limits.maxConcurrent) return false;
    this.#running += 1;
    if (holder) this.#holders.add(holder);
    return true;
  }

  holds(holder: Holder): boolean {
    return this.#holders.has(holder);
  }

  /**
   * Waits for a place and takes it. Answers why there is none, or nothing where there is one.
   *
   * @param inside the calls with a place that this one is a part of
   * @throws the signal's reason, at once, when the signal aborts
   */
  wait(
    signal: AbortSignal | undefined,
    holder?: Holder,
    inside: readonly Holder[] = [],
  ): Promise<BulkheadReason | undefined> {
    const { queue, queueTimeout } = this.#limits;
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason as Error);
      if (this.#timers.ended) return resolve("stopped");
      if (this.#waiting.size >= queue) return resolve("full");
      const finish = (): void => {
        this.#waiting.delete(waiter);
        for (const around of inside) this.#block(around, -1);
        waiter.countdown?.clear();
        signal?.removeEventListener("abort", onAbort);
        if (this.#waiting.size === 0) this.#endStandstill();
      };
      const onAbort = (): void => {
        finish();
        reject(signal?.reason as Error);
      };
      const waiter: Waiter = {
        holder,
        inside,
        countdown: undefined,
        settle(reason) {
          finish();
          resolve(reason);
        },
      };
      this.#waiting.add(waiter);
      for (const around of inside) this.#block(around, 1);
      signal?.addEventListener("abort", onAbort, { once: true });
      if (queueTimeout !== undefined) {
        waiter.countdown = this.#timers.start(queueTimeout, (end) =>
          waiter.settle(end === "time" ? "queueTimeout" : "stopped"),
        );
      }
      this.#watchStandstill();
    });
  }

  /** Gives a place back, to the call that has waited longest. */
  leave(holder?: Holder): void {
    this.#running -= 1;
    if (holder) this.#holders.delete(holder);
    this.#endStandstill();
    this.#admit();
    this.#watchStandstill();
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
      if (!this.enter(waiter.holder)) return;
      waiter.settle(undefined);
    }
  }

  get #standsStill(): boolean {
    if (this.#waiting.size === 0 || this.#blocked.size < this.#holders.size) return false;
    // Where one is not known nothing is known of what it waits for.
    if (this.#holders.size < this.#running) return false;
    return [...this.#holders].every((holder) => this.#blocked.has(holder));
  }

  /** Counted as calls come and go: asked of all that wait, each call would cost as much as the queue is long. */
  #block(holder: Holder, by: 1 | -1): void {
    const calls = (this.#blocked.get(holder) ?? 0) + by;
    if (calls > 0) this.#blocked.set(holder, calls);
    else this.#blocked.delete(holder);
  }

  #endStandstill(): void {
    this.#standstill?.clear();
    this.#standstill = undefined;
  }

  #watchStandstill(): void {
    if (this.#standstill || !this.#standsStill) return;
    this.#standstill = this.#timers.start(STANDSTILL, (end) => {
      this.#standstill = undefined;
      if (end !== "time" || !this.#standsStill) return;
      for (const waiter of this.#waiting) if (waiter.inside.length > 0) waiter.settle("recursion");
    });
  }
}
