/** How many calls may begin in what time. */
export interface Rate {
  readonly limit: number;
  /** Milliseconds. */
  readonly interval: number;
}

/**
 * When the latest calls began: a sliding window log. In any stretch of time as long as the interval
 * at most `limit` calls are admitted, and none is refused while there are fewer. Windows that begin
 * anew with each interval let twice as many pass around the turn, and a token bucket nearly so (the
 * comparison in N. Mahdi, "An alternative approach to rate limiting", Figma, 2017); the price is one
 * number for each call that counts, in a ring of at most `limit`.
 */
export class RateWindow {
  #times: number[] = [];
  /** Where the oldest stands, once the ring is full. */
  #head = 0;

  /** Admits a call that begins now, where the rate allows it. */
  admit(now: number, rate: Rate): boolean {
    if (this.nextAt(now, rate) > now) return false;
    if (this.#times.length < rate.limit) this.#times.push(now);
    else {
      this.#times[this.#head] = now;
      this.#head = (this.#head + 1) % rate.limit;
    }
    return true;
  }

  /** When the next call can begin if `ahead` others begin before it, each as soon as it can. */
  nextAt(now: number, { limit, interval }: Rate, ahead = 0): number {
    // Whole rounds of the ring later than the one of them that begins in the first round.
    const rounds = Math.floor(ahead / limit);
    // The call that stands `limit` places before that one must have left the window.
    const before = this.#times.length + (ahead % limit) - limit;
    const first = before < 0 ? now : Math.max(now, this.#at(before) + interval);
    return first + rounds * interval;
  }

  /** How many calls can begin now. */
  available(now: number, { limit, interval }: Rate): number {
    const known = this.#times.length;
    // The oldest that still counts.
    let from = 0;
    for (let to = known; from < to;) {
      const middle = (from + to) >>> 1;
      if (this.#at(middle) + interval > now) to = middle;
      else from = middle + 1;
    }
    return limit - (known - from);
  }

  /** Whether a call still counts. */
  isActive(now: number, { interval }: Rate): boolean {
    const known = this.#times.length;
    return known > 0 && this.#at(known - 1) + interval > now;
  }

  /** Another limit from now on; the latest calls count against it. */
  resize(limit: number): void {
    const inOrder = this.#times.map((_, index) => this.#at(index));
    this.#times = inOrder.slice(-limit);
    this.#head = 0;
  }

  /** The one that is `index` places younger than the oldest. */
  #at(index: number): number {
    return this.#times[(this.#head + index) % this.#times.length]!;
  }
}
