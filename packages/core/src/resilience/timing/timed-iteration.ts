import type { OpenStream } from "../../operations/iteration.js";

type Step = IteratorResult<unknown, unknown>;

/** An iteration that can be failed from outside, also in the middle of a step that does not end. */
export class TimedIteration implements AsyncIterableIterator<unknown, unknown, unknown> {
  readonly #stream: OpenStream;
  readonly #over: () => void;
  #opened = false;
  #failure: { readonly reason: unknown } | undefined;
  /** Fails the step under way. */
  #interrupt: ((reason: unknown) => void) | undefined;

  /** `over` is called when the iteration has ended or is left. */
  constructor(stream: OpenStream, over: () => void) {
    this.#stream = stream;
    this.#over = over;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(sent?: unknown): Promise<Step> {
    const { first, iterator } = this.#stream;
    if (this.#opened) return this.#step(() => iterator.next(sent));
    this.#opened = true;
    return this.#step(() => first);
  }

  throw(reason: unknown): Promise<Step> {
    const { iterator } = this.#stream;
    return this.#step(() => (iterator.throw ? iterator.throw(reason) : Promise.reject(reason as Error)));
  }

  async return(value?: unknown): Promise<Step> {
    this.#over();
    const { iterator } = this.#stream;
    return (await this.#stream.step(() => iterator.return?.(value))) ?? { done: true, value };
  }

  /** Whoever reads gets the error, now or with the next step, and the iterator's own clean-up begins. */
  fail(reason: unknown): void {
    this.#failure = { reason };
    this.#interrupt?.(reason);
    void this.return().catch(() => undefined);
  }

  #step(run: () => Promise<Step>): Promise<Step> {
    if (this.#failure) return Promise.reject(this.#failure.reason as Error);
    return new Promise((resolve, reject) => {
      this.#interrupt = reject;
      this.#stream.step(run).then(
        (step) => {
          if (step.done) this.#over();
          resolve(step);
        },
        (error: unknown) => {
          this.#over();
          reject(error as Error);
        },
      );
    });
  }
}
