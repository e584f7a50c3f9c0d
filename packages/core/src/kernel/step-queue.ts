import { randomUUID } from "node:crypto";
import { activeNode } from "../operations/active-node.js";
import { CallNode, detachedAt } from "../operations/call.js";
import { shared } from "../operations/shared-state.js";
import type { Kernel } from "./kernel.js";

/** A step is no call: calls that its hooks make, and all that goes on after it, such as a server, are not one thing. */
class Step extends CallNode {
  override get correlationId(): string {
    return this.enclosing?.correlationId ?? randomUUID();
  }
}

/**
 * Runs a kernel's steps one after another, in the order in which they were asked for. It knows
 * what is asked for from inside the running step, which would wait for itself.
 *
 * It knows by the storage that decorated calls use. With a second one each promise would take
 * longer for the rest of the process, even once that is out of use: Node.js before version 24
 * keeps each storage's value under a key of its own, and V8 then no longer knows which key to expect.
 */
export class StepQueue {
  readonly #kernel: Kernel;
  #running: Step | undefined;
  #last: Promise<unknown> | undefined;

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  /** Whether the code that asks was called, directly or not, by the step that runs now. */
  get inside(): boolean {
    if (!this.#running) return false;
    let node = activeNode();
    while (node && node !== this.#running) node = node.enclosing ?? detachedAt.get(node);
    return node !== undefined;
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
    const running = (this.#running = new Step({ kernel: this.#kernel, parent: activeNode() }));
    shared.steps = (shared.steps ?? 0) + 1;
    try {
      return await shared.context.run(running, step);
    } finally {
      this.#running = undefined;
      running.end();
      shared.steps -= 1;
      // While a storage is in use every promise of the process is slower.
      if (shared.steps === 0 && !shared.contextInUse) shared.context.disable();
    }
  }
}
