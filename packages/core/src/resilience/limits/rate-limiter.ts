import { RateWindow, type Rate } from "./rate-window.js";
import type { Countdown, Timers } from "../timing/timers.js";

/** What a rate limiter holds its callers to. */
export interface RateLimits extends Rate {
  /** Keys that are kept apart; beyond them the one is forgotten that was used least recently. */
  readonly maxKeys: number;
}

/** Ends a wait: whether the call may begin. */
type Waiter = (admitted: boolean) => void;

interface Lane {
  readonly window: RateWindow;
  /** In the order of arrival. */
  readonly waiting: Set<Waiter>;
  /** Runs out when the first of those can begin. */
  countdown: Countdown | undefined;
}

/**
 * Admits so many calls in any interval, for each key by itself. Calls that may wait begin in the
 * order in which they came, and no other overtakes them.
 *
 * ```ts
 * const retryAfterMs = limiter.take("tenant 7");
 * if (retryAfterMs > 0) throw new Error(`try again in ${retryAfterMs} ms`);
 * ```
 */
export class RateLimiter {
  readonly #timers: Timers;
  readonly #onForgotten: (key: string) => void;
  /** The least recently used first. */
  readonly #lanes = new Map<string, Lane>();
  #limits: RateLimits;

  /** `onForgotten` is told of a key that had to go although its calls still counted. */
  constructor(limits: RateLimits, timers: Timers, onForgotten: (key: string) => void = () => undefined) {
    this.#limits = limits;
    this.#timers = timers;
    this.#onForgotten = onForgotten;
  }

  get limits(): RateLimits {
    return this.#limits;
  }

  /** Keys that are kept at the moment. */
  get keys(): number {
    return this.#lanes.size;
  }

  /** Calls that wait, of all keys. */
  get waiting(): number {
    let waiting = 0;
    for (const lane of this.#lanes.values()) waiting += lane.waiting.size;
    return waiting;
  }

  /** Calls that could begin now, where all have one key. */
  get available(): number {
    const [lane] = this.#lanes.values();
    return lane ? lane.window.available(performance.now(), this.#limits) : this.#limits.limit;
  }

  /** Admits one call now: answers 0. Otherwise, how many milliseconds later one could begin. */
  take(key: string): number {
    const now = performance.now();
    const { window, waiting } = this.#laneOf(key, now);
    if (waiting.size === 0 && window.admit(now, this.#limits)) return 0;
    return Math.ceil(window.nextAt(now, this.#limits, waiting.size) - now);
  }

  /**
   * Waits until the call can begin. Answers whether it can; it cannot where the limiter ends before.
   *
   * @throws the signal's reason, at once, when the signal aborts
   */
  wait(key: string, signal: AbortSignal | undefined): Promise<boolean> {
    const lane = this.#laneOf(key, performance.now());
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason as Error);
      if (this.#timers.ended) return resolve(false);
      const finish = (): void => {
        lane.waiting.delete(waiter);
        signal?.removeEventListener("abort", onAbort);
      };
      const onAbort = (): void => {
        finish();
        if (lane.waiting.size === 0) lane.countdown?.clear();
        reject(signal?.reason as Error);
      };
      const waiter: Waiter = (admitted) => {
        finish();
        resolve(admitted);
      };
      lane.waiting.add(waiter);
      signal?.addEventListener("abort", onAbort, { once: true });
      if (lane.waiting.size === 1) this.#advance(lane);
    });
  }

  /** Other limits from now on; the calls of the past count against them. */
  limit(limits: RateLimits): void {
    this.#limits = limits;
    for (const lane of this.#lanes.values()) {
      lane.window.resize(limits.limit);
      this.#advance(lane);
    }
  }

  /** Nobody waits any longer. */
  end(): void {
    for (const lane of this.#lanes.values()) endLane(lane);
    this.#lanes.clear();
  }

  /** Lets those begin that can, and sets the time for the next. */
  #advance(lane: Lane): void {
    lane.countdown?.clear();
    const now = performance.now();
    for (const waiter of lane.waiting) {
      if (!lane.window.admit(now, this.#limits)) {
        const ms = Math.ceil(lane.window.nextAt(now, this.#limits) - now);
        lane.countdown = this.#timers.start(ms, (end) => {
          if (end === "time") this.#advance(lane);
          else endLane(lane);
        });
        return;
      }
      waiter(true);
    }
  }

  #laneOf(key: string, now: number): Lane {
    let lane = this.#lanes.get(key);
    // A limiter without keys need not note which was used last.
    if (lane && this.#lanes.size === 1) return lane;
    if (lane) this.#lanes.delete(key);
    else lane = { window: new RateWindow(), waiting: new Set(), countdown: undefined };
    this.#lanes.set(key, lane);
    for (const [oldest, { window, waiting }] of this.#lanes) {
      if (this.#lanes.size <= this.#limits.maxKeys) break;
      this.#lanes.delete(oldest);
      if (waiting.size > 0 || window.isActive(now, this.#limits)) this.#onForgotten(oldest);
    }
    return lane;
  }
}

function endLane(lane: Lane): void {
  lane.countdown?.clear();
  for (const waiter of lane.waiting) waiter(false);
}
