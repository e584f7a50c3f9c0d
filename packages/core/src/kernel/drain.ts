/**
 * Counts the calls in flight. A stopping kernel waits for it, and a reload waits with the state
 * that only the old chains use.
 */
export class Drain {
  #inFlight = 0;
  #idle: (() => void) | undefined;
  #whenIdle: Promise<void> | undefined;

  get inFlight(): number {
    return this.#inFlight;
  }

  enter(): void {
    this.#inFlight++;
  }

  leave(): void {
    if (--this.#inFlight === 0) this.#idle?.();
  }

  /** For `promise.then(...)`: made once, so that a call allocates nothing to be counted. */
  readonly leaveWithValue = <T>(value: T): T => {
    this.leave();
    return value;
  };

  readonly leaveWithError = (error: unknown): never => {
    this.leave();
    throw error;
  };

  /** Resolves at the first moment without a call in flight. */
  whenIdle(): Promise<void> {
    if (this.#inFlight === 0) return Promise.resolve();
    return (this.#whenIdle ??= new Promise((resolve) => {
      this.#idle = () => {
        this.#idle = undefined;
        this.#whenIdle = undefined;
        resolve();
      };
    }));
  }
}
