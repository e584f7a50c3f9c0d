import type { Departure } from "./departure.js";
import type { Acquired, StoreLock, StoreLocks } from "../stores/store.js";

/** How long a lock outlives a process that died with it. */
const lockTtlMs = 10_000;
const [firstPollMs, lastPollMs] = [25, 250];

export interface TurnOptions<Found> {
  readonly locks: StoreLocks;
  readonly key: string;
  /** Whether what the store has by now will do. */
  lookUp(acquired: Acquired): Promise<Found | undefined>;
  /** Ends the waiting. */
  readonly departure: Departure;
  /** Told of a store that fails to lock; the work goes on without. */
  onError(error: unknown): void;
}

/** A value that somebody else has left in the store. */
interface Left<Found> {
  readonly found: Found;
}

/**
 * Waits for the turn to make a value that other processes on the store may be making: until its
 * lock is free, or the value is there.
 *
 * @throws the reason why nobody waits any more
 */
export async function awaitTurn<Found>(options: TurnOptions<Found>): Promise<Turn | Left<Found>> {
  for (let delay = firstPollMs; ; delay = Math.min(delay * 2, lastPollMs)) {
    const answer = await tryTurn(options);
    if (answer) return answer;
    await options.departure.pause(delay);
  }
}

/**
 * The turn, where it is free right now, or the value, where it is there. Where the store fails to
 * lock, everybody has the turn.
 *
 * @throws the reason why nobody waits any more
 */
export async function tryTurn<Found>(options: TurnOptions<Found>): Promise<Turn | Left<Found> | undefined> {
  const { locks, key, departure, lookUp, onError } = options;
  departure.throwIfLeft();
  let acquired: Acquired;
  try {
    acquired = await locks.acquire(key, lockTtlMs);
  } catch (error) {
    onError(error);
    return new Turn(undefined, onError);
  }
  const turn = acquired.lock && new Turn(acquired.lock, onError);
  const found = await lookUp(acquired);
  if (found === undefined) return turn;
  void turn?.end();
  return { found };
}

/** The right to make a value, kept until it is ended. */
export class Turn {
  /** What is on its way to the store; answers whether it is there. */
  writing: Promise<boolean> | undefined;
  readonly #lock: StoreLock | undefined;
  readonly #onError: (error: unknown) => void;
  #timer: NodeJS.Timeout | undefined;
  #isOver = false;
  #ended: Promise<void> | undefined;

  constructor(lock: StoreLock | undefined, onError: (error: unknown) => void) {
    this.#lock = lock;
    this.#onError = onError;
    if (lock) this.#schedule(lock);
  }

  /** What the value is written with, so that it replaces none of a later holder; `undefined` where the store could not lock. */
  get fence(): number | undefined {
    return this.#lock?.fence;
  }

  /**
   * Lets the next one have it. What fails is told.
   *
   * @param writing as {@link StoreLock.release}; it may be ended once more without
   */
  end(writing = false): Promise<void> {
    this.#isOver = true;
    clearTimeout(this.#timer);
    return writing && !this.#ended ? this.#release(true) : (this.#ended ??= this.#release(false));
  }

  /** Ends it once what is on its way has arrived: whose turn it is next must find the value. */
  async finish(): Promise<void> {
    const isThere = await this.writing;
    // What took the store too long, or failed and is tried again, may arrive still.
    await this.end(isThere === false);
  }

  async #release(writing: boolean): Promise<void> {
    await this.#lock?.release(writing).catch(this.#onError);
  }

  #schedule(lock: StoreLock): void {
    this.#timer = setTimeout(() => void this.#extend(lock), lockTtlMs / 3).unref();
  }

  async #extend(lock: StoreLock): Promise<void> {
    try {
      if (!(await lock.extend(lockTtlMs))) return;
    } catch (error) {
      this.#onError(error);
    }
    if (!this.#isOver) this.#schedule(lock);
  }
}
