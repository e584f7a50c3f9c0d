import { ConfigurationError } from "../errors/index.js";
import type { Breaker } from "./breaker.js";
import type { BreakerState } from "./opossum-state.js";

/** One breaker at one moment. */
export interface BreakerStatus {
  /** The operation's id. */
  readonly operation: string;
  readonly state: BreakerState;
  /** Consecutive failures; while it is not closed, those that opened it. */
  readonly failures: number;
  /** Milliseconds until a call can pass again, as far as is known; 0 where it can now. */
  readonly retryAfterMs: number;
}

/**
 * All breakers of a kernel. A breaker is there from the first call of its operation.
 *
 * ```ts
 * const breakers = kernel.resolve(CircuitBreakers);
 * breakers.open("ReportService.load"); // before maintenance
 * console.table(breakers.list());
 * breakers.close("ReportService.load");
 * ```
 */
export class CircuitBreakers {
  readonly #breakers = new Map<string, Breaker>();

  list(): BreakerStatus[] {
    return Array.from(this.#breakers, ([operation, { state, failures, retryAfter }]) => ({
      operation,
      state,
      failures,
      retryAfterMs: retryAfter,
    }));
  }

  /**
   * Opens a breaker as if its threshold had been reached: it admits a probe after `resetAfter`.
   *
   * @throws ConfigurationError where the operation has no breaker
   */
  open(operation: string): void {
    this.#of(operation).open();
  }

  /**
   * Closes a breaker and forgets its failures.
   *
   * @throws ConfigurationError where the operation has no breaker
   */
  close(operation: string): void {
    this.#of(operation).close();
  }

  /** Lists a breaker in place of an earlier one of the operation. */
  add(operation: string, breaker: Breaker): void {
    this.#breakers.set(operation, breaker);
  }

  /** Takes a breaker off the list, unless another one has taken its place. */
  remove(operation: string, breaker: Breaker): void {
    if (this.#breakers.get(operation) === breaker) this.#breakers.delete(operation);
  }

  /** Takes the breakers off the list whose operations pass none any more. */
  retain(passes: (operation: string) => boolean): void {
    for (const operation of this.#breakers.keys()) if (!passes(operation)) this.#breakers.delete(operation);
  }

  #of(operation: string): Breaker {
    const breaker = this.#breakers.get(operation);
    if (breaker) return breaker;
    const known = [...this.#breakers.keys()].join(", ") || "none";
    throw new ConfigurationError(`"${operation}" has no breaker. Breakers so far: ${known}.`, {
      code: "MLMCP_BREAKER_UNKNOWN",
      context: { operation, known: [...this.#breakers.keys()] },
      suggestions: [
        "Use the operation's id as `mlmcp operations` shows it. A breaker is there from the operation's first call.",
      ],
    });
  }
}
