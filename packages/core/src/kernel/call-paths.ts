import { compile, type CompileHost } from "../operations/compile.js";
import { KeptStates } from "../operations/kept-states.js";
import { liveOperations, type Operation } from "../operations/operation.js";
import type { Operations } from "../operations/registry.js";
import type { Invoke } from "../plugin.js";
import { Drain } from "./drain.js";

/** What only the paths know of the host that operations are compiled for. */
export type PathHost = Omit<CompileHost, "states" | "drain">;

/**
 * The compiled call paths of one kernel, the calls in flight on them, and the state that their
 * advice keeps from one configuration to the next.
 */
export class CallPaths {
  readonly #operations: Operations;
  readonly #host: () => PathHost;
  readonly #states = new KeptStates();
  #paths = new WeakMap<Operation, Invoke>();
  #drain = new Drain();
  /** Of earlier configurations, whose last calls may still be in flight. */
  readonly #older = new Set<Drain>();

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
      }
      path = compile(operation, { ...this.#host(), states: this.#states, drain: this.#drain });
      this.#paths.set(operation, path);
      const replaced = this.#states.takeReplaced();
      if (replaced.length > 0) void this.#disposeAfterOldCalls(replaced);
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

  /** Waits until no call is in flight, but no longer than the time given in milliseconds. */
  async drained(timeout: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, timeout);
    });
    await Promise.race([Promise.all([this.#drain.whenIdle(), this.#oldCalls()]), late]);
    clearTimeout(timer);
  }

  /** Disposes of all state; returns what failed. */
  dispose(): unknown[] {
    return runAll(this.#states.takeAll());
  }

  #oldCalls(): Promise<unknown> {
    return Promise.all(Array.from(this.#older, (drain) => drain.whenIdle()));
  }

  async #disposeAfterOldCalls(disposers: ReadonlyArray<() => void>): Promise<void> {
    await this.#oldCalls();
    for (const error of runAll(disposers)) {
      process.emitWarning(`Replaced state could not be disposed of: ${String(error)}`, {
        code: "MLMCP_DISPOSE_FAILED",
      });
    }
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
