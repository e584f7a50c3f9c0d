/** Why a timer ends: its time has passed, or the kernel that it belongs to stops. */
export type TimerEnd = "time" | "stopped";

/** One timer that is running. */
export class Countdown {
  readonly #running: Set<Countdown>;
  readonly #onEnd: (end: TimerEnd) => void;
  readonly #timeout: NodeJS.Timeout;

  constructor(running: Set<Countdown>, ms: number, onEnd: (end: TimerEnd) => void) {
    this.#running = running;
    this.#onEnd = onEnd;
    running.add(this);
    this.#timeout = setTimeout(endInTime, ms, this);
  }

  /** Takes it back; without effect where it has ended. */
  clear(): void {
    clearTimeout(this.#timeout);
    this.#running.delete(this);
  }

  /** Ends it now. */
  end(how: TimerEnd): void {
    this.clear();
    this.#onEnd(how);
  }
}

function endInTime(countdown: Countdown): void {
  countdown.end("time");
}

/**
 * The timers of one kernel, so that none outlives it. They keep the process alive: somebody waits
 * for what they end.
 */
export class Timers {
  readonly #running = new Set<Countdown>();
  #ended = false;

  get size(): number {
    return this.#running.size;
  }

  /** Whether `end` was called: nothing is timed any more. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Calls back once, after `ms` milliseconds or at `end`, unless it is cleared before. */
  start(ms: number, onEnd: (end: TimerEnd) => void): Countdown {
    return new Countdown(this.#running, ms, onEnd);
  }

  /** Ends every timer that is running. */
  end(): void {
    this.#ended = true;
    for (const countdown of this.#running) countdown.end("stopped");
  }
}
