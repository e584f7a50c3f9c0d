import { AsyncLocalStorage } from "node:async_hooks";

/**
 * Runs steps one after another, in the order in which they were asked for. It knows what is
 * asked for from inside the running step, which would wait for itself.
 */
export class StepQueue {
  readonly #asking = new AsyncLocalStorage<object>();
  #running: object | undefined;
  #last: Promise<unknown> | undefined;

  /** Whether the code that asks was called, directly or not, by the step that runs now. */
  get inside(): boolean {
    return this.#running !== undefined && this.#asking.getStore() === this.#running;
  }

  /** Runs the step at once where none runs, else when those before it have ended, however they did. */
  run<T>(step: () => Promise<T>): Promise<T> {
    const result = this.#last ? this.#last.then(() => this.#begin(step)) : this.#begin(step);
    const last = result
      // Its caller hears of a failure; the next step does not depend on it.
      .catch(() => undefined)
      .then(() => {
        if (this.#last === last) this.#last = undefined;
      });
    this.#last = last;
    return result;
  }

  async #begin<T>(step: () => Promise<T>): Promise<T> {
    const token = (this.#running = {});
    try {
      return await this.#asking.run(token, step);
    } finally {
      this.#running = undefined;
      // While a storage is in use every promise of the process is slower.
      this.#asking.disable();
    }
  }
}
