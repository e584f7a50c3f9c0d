import { compile, type CompileHost } from "../operations/compile.js";
import { KeptStates } from "../operations/kept-states.js";
import { liveOperations, type Operation } from "../operations/operation.js";
import type { Operations } from "../operations/registry.js";
import type { Invoke } from "../plugin.js";
import { Drain } from "./drain.js";
import { within } from "./time-limit.js";

/** What only the paths know of the host that operations are compiled for. */
export interface PathHost extends Omit<CompileHost, "states" | "drain"> {
  /** Throws where the operation may not be called as it is. */
  admit(operation: Operation): void;
}

/**
 * The compiled call paths of one kernel, the calls in flight on them, and the state that their
 * advice keeps from one configuration to the next.
 */
export class CallPaths {
  readonly #operations: Operations;
  readonly #host: () => PathHost;
  readonly #states = new KeptStates((disposers) => this.#disposeAfter([], disposers));
  #paths = new WeakMap<Operation, Invoke>();
  #drain = new Drain();
  /** Of earlier configurations, whose last calls may still be in flight. */
  readonly #older = new Set<Drain>();
  /** What disposes of state that waits for its last calls. */
  readonly #leaving = new Set<() => void>();

  constructor(operations: Operations, host: () => PathHost) {
    this.#operations = operations;
    this.#host = host;
  }

  /** The path of an operation, compiled when it is first asked for. */
  of(operation: Operation): Invoke {
    let path = this.#paths.get(operation);
    if (!path) {
      const loser = this.#operations.claim(operation);
      if (loser) {
        this.#paths.delete(loser);
        loser.reset();
        // Its calls in flight count on the current drain, as all others.
        const idle = this.#drain.whenIdle();
        this.#disposeAfter([idle, ...this.#oldCalls()], this.#states.release(loser));
      }
      const host = this.#host();
      host.admit(operation);
      path = compile(operation, { ...host, states: this.#states, drain: this.#drain });
      this.#paths.set(operation, path);
      this.#disposeAfter(this.#oldCalls(), this.#states.takeReplaced());
    }
    return path;
  }

  /** What has been compiled no longer holds; calls in flight finish on it. */
  forget(): void {
    const older = this.#drain;
    if (older.inFlight > 0) {
      this.#older.add(older);
      void older.whenIdle().then(() => this.#older.delete(older));
      this.#drain = new Drain();
    }
    this.#paths = new WeakMap();
    for (const operation of liveOperations()) operation.reset();
  }

  /** Waits until no call is in flight, but no longer than `limit` milliseconds. Answers how many are left then. */
  async drained(limit: number): Promise<number> {
    const idle = () => Promise.all([this.#drain.whenIdle(), ...this.#oldCalls()]);
    try {
      await within(limit, idle, "calls are left");
    } catch {
      // Only the limit fails it, and the number says the rest.
    }
    return [this.#drain, ...this.#older].reduce((left, { inFlight }) => left + inFlight, 0);
  }

  /** Disposes of all state; returns what failed. */
  dispose(): unknown[] {
    const leaving = [...this.#leaving];
    this.#leaving.clear();
    return runAll([...leaving, ...this.#states.takeAll()]);
  }

  #oldCalls(): Array<Promise<void>> {
    return Array.from(this.#older, (drain) => drain.whenIdle());
  }

  #disposeAfter(calls: ReadonlyArray<Promise<void>>, disposers: ReadonlyArray<() => void>): void {
    if (disposers.length === 0) return;
    for (const disposer of disposers) this.#leaving.add(disposer);
    void Promise.all(calls).then(() => {
      // A stop that did not wait for the calls has disposed of it already.
      const due = disposers.filter((disposer) => this.#leaving.delete(disposer));
      for (const error of runAll(due)) {
        process.emitWarning(`Replaced state could not be disposed of: ${String(error)}`, {
          code: "MLMCP_DISPOSE_FAILED",
        });
      }
    });
  }
}

function runAll(steps: ReadonlyArray<() => void>): unknown[] {
  return steps.flatMap((step) => {
    try {
      step();
      return [];
    } catch (error) {
      return [error];
    }
  });
}
