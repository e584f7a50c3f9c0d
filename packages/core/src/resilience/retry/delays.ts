/**
 * The delays that are running, so that none outlives what owns them.
 */
export class Delays {
  readonly #running = new Set<() => void>();
  #ended = false;

  /** Whether `end` was called: nothing waits any more. */
  get ended(): boolean {
    return this.#ended;
  }

  /**
   * Waits. Answers true when the time has passed and false when `end` cut it short.
   *
   * @throws the signal's reason, at once, when the signal aborts
   */
  wait(ms: number, signal: AbortSignal | undefined): Promise<boolean> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason as Error);
      if (this.#ended) return resolve(false);
      const finish = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", onAbort);
        this.#running.delete(cut);
      };
      const onAbort = (): void => {
        finish();
        reject(signal?.reason as Error);
      };
      const cut = (): void => {
        finish();
        resolve(false);
      };
      const timer = setTimeout(() => {
        finish();
        resolve(true);
      }, ms);
      signal?.addEventListener("abort", onAbort, { once: true });
      this.#running.add(cut);
    });
  }

  /** Cuts every running delay short and every later one before it starts. */
  end(): void {
    this.#ended = true;
    for (const cut of this.#running) cut();
  }
}
