import { OpossumState, type BreakerState } from "./opossum-state.js";

/** When a breaker opens and for how long. */
export interface BreakerPolicy {
  /** Failures in a row, in the order in which the calls end. */
  readonly failureThreshold: number;
  /** Milliseconds from opening to the first probe, and from one unanswered probe to the next. */
  readonly resetAfter: number;
}

export type OpenReason = "failures" | "probeFailed" | "manual";

/** Told of every change of state, after it has happened. */
export interface BreakerListener {
  opened?(reason: OpenReason, failures: number): void;
  halfOpened?(): void;
  closed?(reason: "probeSucceeded" | "manual"): void;
}

/**
 * Names the period of a breaker in which a call was admitted. The result counts only while that
 * period lasts, so that a slow call from before the breaker opened cannot close it later.
 */
export type Ticket = number;

/** In place of a ticket: the call must not be made. */
export const REJECTED: Ticket = -1;

/** A ticket that no period has: what comes of the call does not count. */
const UNCOUNTED: Ticket = -2;

/**
 * Opens after `failureThreshold` consecutive failures, admits one probe after `resetAfter`, and
 * closes when the probe succeeds. A probe that neither succeeds nor fails within `resetAfter`
 * loses its place to the next call, so that a hung one cannot hold the breaker half-open.
 *
 * ```ts
 * const ticket = breaker.admit();
 * if (ticket === REJECTED) throw new Error(`try again in ${breaker.retryAfter} ms`);
 * try {
 *   const answer = await ask();
 *   breaker.succeed(ticket);
 *   return answer;
 * } catch (error) {
 *   breaker.fail(ticket);
 *   throw error;
 * }
 * ```
 */
export class Breaker {
  readonly #policy: BreakerPolicy;
  readonly #listener: BreakerListener;
  readonly #machine: OpossumState;
  /** Grows with every change of state and every probe. */
  #period: Ticket = 0;
  #failures = 0;
  #lastError: unknown;
  #openedAt = 0;
  #probeSince: number | undefined;
  #disposed = false;

  constructor(policy: BreakerPolicy, listener: BreakerListener = {}) {
    this.#policy = policy;
    this.#listener = listener;
    this.#machine = new OpossumState(policy.resetAfter, () => {
      this.#begin();
      listener.halfOpened?.();
    });
  }

  get state(): BreakerState {
    return this.#machine.state;
  }

  /** Consecutive failures so far; while open or half-open, those that opened it. */
  get failures(): number {
    return this.#failures;
  }

  /** Milliseconds until the next call can be admitted, as far as is known; 0 where one can be now. */
  get retryAfter(): number {
    const { state } = this.#machine;
    const since = state === "open" ? this.#openedAt : state === "halfOpen" ? this.#probeSince : undefined;
    return since === undefined ? 0 : Math.max(0, since + this.#policy.resetAfter - now());
  }

  /** Of the last failure that counted; nothing while the breaker is closed without one. */
  get lastError(): unknown {
    return this.#lastError;
  }

  /** Asks for one call. Every ticket is to be given back to `succeed`, `fail` or `release`. */
  admit(): Ticket {
    if (this.#machine.closed) return this.#period;
    if (this.#disposed) return UNCOUNTED;
    if (this.#machine.state === "open") return REJECTED;
    if (this.#probeSince !== undefined && this.retryAfter > 0) return REJECTED;
    this.#begin();
    this.#probeSince = now();
    return this.#period;
  }

  /** The call has succeeded. */
  succeed(ticket: Ticket): void {
    if (ticket !== this.#period) return;
    if (this.#machine.closed) this.#forget();
    else this.#close("probeSucceeded");
  }

  /** The call has failed. */
  fail(ticket: Ticket, error?: unknown): void {
    if (ticket !== this.#period) return;
    this.#lastError = error;
    if (!this.#machine.closed) this.#open("probeFailed");
    else if (++this.#failures >= this.#policy.failureThreshold) this.#open("failures");
  }

  /** The call has ended in a way that says nothing: it was cancelled, or turned away by a limit. */
  release(ticket: Ticket): void {
    if (ticket === this.#period) this.#probeSince = undefined;
  }

  /** Opens by hand, as if the threshold had been reached; where it is open, the time starts anew. */
  open(): void {
    if (!this.#disposed) this.#open("manual");
  }

  /** Closes by hand and forgets all failures. */
  close(): void {
    if (!this.#disposed) this.#close("manual");
  }

  /** Ends the timer. Calls pass from now on and nothing is counted. */
  dispose(): void {
    this.#disposed = true;
    this.#begin();
    this.#machine.dispose();
  }

  /** A new period: results of calls from before no longer count. */
  #begin(): void {
    this.#period += 1;
    this.#probeSince = undefined;
  }

  #open(reason: OpenReason): void {
    this.#begin();
    this.#openedAt = now();
    this.#machine.open();
    this.#listener.opened?.(reason, this.#failures);
  }

  #forget(): void {
    this.#failures = 0;
    this.#lastError = undefined;
  }

  #close(reason: "probeSucceeded" | "manual"): void {
    const wasClosed = this.#machine.closed;
    this.#begin();
    this.#forget();
    this.#machine.close();
    if (!wasClosed) this.#listener.closed?.(reason);
  }
}

/** Whole milliseconds of a clock that never goes back. */
function now(): number {
  return Math.round(performance.now());
}
