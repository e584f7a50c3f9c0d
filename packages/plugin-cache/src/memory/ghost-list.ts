/**
 * Remembers what was evicted, by hash alone: what is asked for again while it is in here would
 * have been a hit in a larger memory.
 */
export class GhostList {
  /** When each would have expired, in the order of eviction. Milliseconds since the epoch. */
  readonly #expires = new Map<number, number>();

  /** @param capacity how many it remembers. */
  constructor(public capacity: number) {}

  add(hash: number, expires: number): void {
    this.#expires.delete(hash);
    this.#expires.set(hash, expires);
    for (const oldest of this.#expires.keys()) {
      if (this.#expires.size <= this.capacity) break;
      this.#expires.delete(oldest);
    }
  }

  /** Forgets a key, and answers whether it was in here and would still be good. */
  take(hash: number): boolean {
    const expires = this.#expires.get(hash);
    if (expires === undefined) return false;
    this.#expires.delete(hash);
    return expires > Date.now();
  }

  clear(): void {
    this.#expires.clear();
  }
}
