/**
 * That nobody waits any more for what is under way, and why. What an `AbortSignal` could tell, too,
 * which takes longer to make than much else of a miss.
 */
export class Departure {
  #left: { readonly reason: unknown } | undefined;
  #wake: () => void = () => undefined;

  get hasLeft(): boolean {
    return this.#left !== undefined;
  }

  /** Only the first reason counts. */
  leave(reason: unknown): void {
    this.#left ??= { reason };
    this.#wake();
  }

  /** @throws the reason, where they have left */
  throwIfLeft(): void {
    if (this.#left) throw this.#left.reason;
  }

  /** Passes so much time, or less where they leave meanwhile. One at a time. */
  pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
