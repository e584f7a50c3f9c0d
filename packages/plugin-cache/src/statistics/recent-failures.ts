const capacity = 512;

/** Remembers, by hash alone, for which keys a method failed of late. */
export class RecentFailures {
  /** When, in the order of time. Milliseconds since the epoch. */
  readonly #times = new Map<number, number>();

  /** Notes one, and answers how long ago the key's last one was; `undefined` where none is known. */
  note(hash: number): number | undefined {
    const now = Date.now();
    const before = this.#times.get(hash);
    this.#times.delete(hash);
    this.#times.set(hash, now);
    if (this.#times.size > capacity) this.#times.delete(this.#times.keys().next().value!);
    return before === undefined ? undefined : now - before;
  }
}
