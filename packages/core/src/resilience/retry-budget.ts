/** How many retries are allowed, in proportion to the calls. */
export interface RetryBudgetPolicy {
  /** Retries for each call: 0.2 is one retry for five calls. */
  readonly ratio: number;
  /** Retries for each second that are allowed whatever the calls. */
  readonly minPerSecond: number;
}

/** Calls and retries count for so many seconds. */
const windowSeconds = 10;

/**
 * Keeps retries from multiplying an outage: over the last ten seconds there are never more of
 * them than `ratio` × calls + `minPerSecond` × 10. While few calls fail nobody notices; once most
 * do, only that share is tried again and the rest fails at once.
 *
 * This is the retry budget of Finagle (`RetryBudget`: a token bucket whose deposits expire) and
 * of Linkerd. It counts calls and retries apart, so that operations which share a budget may each
 * hold to a policy of its own.
 *
 * Times are milliseconds of one clock; a clock that goes back counts as one that stands still.
 */
export class RetryBudget {
  // One slot for each second.
  readonly #calls = new Uint32Array(windowSeconds);
  readonly #retries = new Uint32Array(windowSeconds);
  #second = 0;
  #slot = 0;
  #allCalls = 0;
  #allRetries = 0;

  /** A call has begun; its retries do not count as calls. */
  called(now: number): void {
    this.#advance(now);
    this.#calls[this.#slot]! += 1;
    this.#allCalls += 1;
  }

  /** Takes one retry out of the budget, if it still has one. */
  withdraw({ ratio, minPerSecond }: RetryBudgetPolicy, now: number): boolean {
    this.#advance(now);
    if (this.#allRetries + 1 > ratio * this.#allCalls + minPerSecond * windowSeconds) return false;
    this.#retries[this.#slot]! += 1;
    this.#allRetries += 1;
    return true;
  }

  /** Empties the slots of the seconds that have passed. */
  #advance(now: number): void {
    const second = Math.floor(now / 1000);
    if (second <= this.#second) return;
    const passed = Math.min(second - this.#second, windowSeconds);
    this.#second = second;
    for (let step = 0; step < passed; step += 1) {
      this.#slot = (this.#slot + 1) % windowSeconds;
      this.#allCalls -= this.#calls[this.#slot]!;
      this.#allRetries -= this.#retries[this.#slot]!;
      this.#calls[this.#slot] = 0;
      this.#retries[this.#slot] = 0;
    }
  }
}

/** The budgets of one kernel that operations share by name. */
export class RetryBudgets {
  readonly #budgets = new Map<string, RetryBudget>();

  /** The budget of this name, the same one for everybody who asks. */
  of(name: string): RetryBudget {
    let budget = this.#budgets.get(name);
    if (!budget) this.#budgets.set(name, (budget = new RetryBudget()));
    return budget;
  }
}
