import { EventEmitter } from "node:events";
import OpossumBreaker from "opossum";

export type BreakerState = "closed" | "open" | "halfOpen";

/**
 * The state of one breaker and the timer that half-opens it, carried by opossum; the only file
 * that knows opossum. Calls do not pass through it: `fire` judges a result by the state at the
 * time that it arrives and lets a listener reject a good call, so the policy of `breaker.ts`
 * counts results and drives `open` and `close` here.
 */
export class OpossumState {
  readonly #circuit: OpossumBreaker;

  /**
   * @param resetAfter milliseconds from opening to half-open, at most 2 ** 31 - 1
   * @param onHalfOpen called when that time has passed
   */
  constructor(resetAfter: number, onHalfOpen: () => void) {
    // A literal of its own for each circuit, because opossum writes into the options it is given.
    this.#circuit = new OpossumBreaker(neverFired, {
      resetTimeout: resetAfter,
      // An emitter that never rotates stands in for opossum's own interval: nothing is counted there.
      rotateBucketController: new EventEmitter(),
      enableSnapshots: false,
      rollingPercentilesEnabled: false,
      timeout: false,
    });
    this.#circuit.on("halfOpen", onHalfOpen);
  }

  get state(): BreakerState {
    if (this.#circuit.closed) return "closed";
    return this.#circuit.halfOpen ? "halfOpen" : "open";
  }

  get closed(): boolean {
    return this.#circuit.closed;
  }

  /** Opens and starts the time to half-open, anew where it is running. */
  open(): void {
    // opossum ignores `open` in an open circuit; closing it first ends the old timer.
    this.#circuit.close();
    this.#circuit.open();
  }

  close(): void {
    this.#circuit.close();
  }

  /** Ends the timer. What opossum allows after its own shutdown is for the caller to prevent. */
  dispose(): void {
    this.#circuit.shutdown();
  }
}

async function neverFired(): Promise<void> {}
