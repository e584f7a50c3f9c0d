import { EventEmitter } from "node:events";
import OpossumBreaker from "opossum";

/** `isolated`: opened by hand, until it is closed by hand. */
export type BreakerState = "closed" | "open" | "halfOpen" | "isolated";

/**
 * The state of one breaker and the timer that half-opens it, carried by opossum; the only file
 * that knows opossum. Calls do not pass through it: `fire` judges a result by the state at the
 * time that it arrives and lets a listener reject a good call, so the policy of `breaker.ts`
 * counts results and drives the state here.
 *
 * A circuit takes some 7 kB, so there is none until the breaker first leaves the closed state.
 */
export class OpossumState {
  readonly #onHalfOpen: () => void;
  #circuit: OpossumBreaker | undefined;

  /** @param onHalfOpen called when the time since an opening has passed */
  constructor(onHalfOpen: () => void) {
    this.#onHalfOpen = onHalfOpen;
  }

  get state(): BreakerState {
    const circuit = this.#circuit;
    if (circuit === undefined || circuit.closed) return "closed";
    if (circuit.isShutdown) return "isolated";
    return circuit.halfOpen ? "halfOpen" : "open";
  }

  get closed(): boolean {
    return this.#circuit === undefined || this.#circuit.closed;
  }

  /** Opens for so many milliseconds, at most 2 ** 31 - 1; where the time is running, it starts anew. */
  open(ms: number): void {
    this.#end();
    this.#circuit = create(ms, this.#onHalfOpen);
    this.#circuit.open();
  }

  halfOpen(): void {
    this.#end();
    this.#circuit = create(1, this.#onHalfOpen, { closed: false, halfOpen: true });
  }

  close(): void {
    this.#end();
    this.#circuit = undefined;
  }

  /** Ends the timer and stays as it is. opossum's own shutdown can be taken back; no circuit that was shut down is opened or closed again here. */
  isolate(): void {
    this.#end();
    this.#circuit = shutDown ??= createShutDown();
  }

  #end(): void {
    if (this.#circuit?.isShutdown === false) this.#circuit.shutdown();
  }
}

/** One for all that are isolated or have ended: such a circuit is only asked for its state. */
let shutDown: OpossumBreaker | undefined;

function createShutDown(): OpossumBreaker {
  const circuit = create(1, () => undefined);
  circuit.shutdown();
  return circuit;
}

function create(
  resetTimeout: number,
  onHalfOpen: () => void,
  state?: { closed: boolean; halfOpen: boolean },
): OpossumBreaker {
  // A literal of its own for each circuit, because opossum writes into the options it is given.
  const circuit = new OpossumBreaker(neverFired, {
    resetTimeout,
    // An emitter that never rotates stands in for opossum's own interval: nothing is counted there.
    rotateBucketController: new EventEmitter(),
    rollingCountBuckets: 1,
    enableSnapshots: false,
    rollingPercentilesEnabled: false,
    timeout: false,
    ...(state && { state: state as OpossumBreaker.State }),
  });
  circuit.on("halfOpen", onHalfOpen);
  return circuit;
}

async function neverFired(): Promise<void> {}
