import type { BreakerPolicy } from "./breaker-policy.js";
import type {
  BreakerListener,
  BreakerSnapshot,
  CloseReason,
  Opening,
  OpenReason,
} from "./breaker-changes.js";
import { now } from "../timing/clock.js";
import { OpossumState, type BreakerState } from "./opossum-state.js";
import { createWindow, type OutcomeTotals, type OutcomeWindow } from "./outcome-window.js";

/**
 * Names what a breaker admitted a call to: a period in which it was closed, or one probe. The
 * result counts only while that lasts, so that a slow call from before the breaker opened cannot
 * close it later.
 */
export type Ticket = number;

/** In place of a ticket: the call must not be made. */
export const REJECTED: Ticket = -1;

/** In shadow mode in place of {@link REJECTED}: the call is made, and what comes of it does not count. */
export const SHADOWED: Ticket = -2;

/** What a breaker that has ended admits to. */
const UNCOUNTED: Ticket = -3;

interface Probe {
  readonly ticket: Ticket;
  readonly since: number;
}

/**
 * Opens after failures in a row, or when too many of the latest calls failed or were slow;
 * admits probes after `resetAfter`; closes when `halfOpenProbes` of them have succeeded and opens
 * anew at the first that has not (the rule of MicroProfile Fault Tolerance's `successThreshold`).
 * A probe that neither succeeds nor fails within `resetAfter` loses its place to the next call,
 * so that a hung one cannot hold the breaker half-open.
 *
 * ```ts
 * const ticket = breaker.admit();
 * if (ticket === REJECTED) throw new Error(`try again in ${breaker.retryAfter} ms`);
 * try {
 *   const answer = await ask();
 *   breaker.succeed(ticket);
 *   return answer;
 * } catch (error) {
 *   breaker.fail(ticket, error);
 *   throw error;
 * }
 * ```
 */
export class Breaker {
  /** Whether `succeed` and `fail` want to know how long the call took. */
  readonly timesCalls: boolean;
  readonly #policy: BreakerPolicy;
  readonly #listener: BreakerListener;
  readonly #machine: OpossumState;
  /** There only for rates: without it, a call that succeeds costs two comparisons. */
  readonly #window: OutcomeWindow | undefined;
  #lastTicket: Ticket = 0;
  /** The ticket of all calls that are admitted while it stays closed. */
  #period: Ticket = 0;
  /** Those that run, oldest first. */
  #probes: Probe[] = [];
  #probesSucceeded = 0;
  #failures = 0;
  #lastError: unknown;
  #opening: Opening | undefined;
  #openedAt = 0;
  #warmUntil: number;
  #disposed = false;

  constructor(policy: BreakerPolicy, listener: BreakerListener = {}) {
    this.#policy = policy;
    this.#listener = listener;
    this.timesCalls = policy.slowCall !== false;
    if (policy.failureRate !== false || policy.slowCall !== false) this.#window = createWindow(policy.window);
    this.#warmUntil = now() + policy.warmUp;
    this.#machine = new OpossumState(() => {
      this.#begin();
      listener.halfOpened?.("elapsed");
    });
  }

  get state(): BreakerState {
    return this.#machine.state;
  }

  /** Consecutive failures so far; while it is not closed, those before it opened. */
  get failures(): number {
    return this.#failures;
  }

  /** What its window holds, where it has rates to watch; while it is not closed, when it opened. */
  get window(): OutcomeTotals | undefined {
    return this.#opening ? this.#opening.window : this.#window?.read();
  }

  /** What it opened on; nothing while it is closed. */
  get opening(): Opening | undefined {
    return this.#opening;
  }

  /**
   * Milliseconds until the next call can be admitted, as far as is known; 0 where one can be now,
   * nothing where only a hand can close it.
   */
  get retryAfter(): number | undefined {
    const left = (since: number): number => Math.max(0, since + this.#policy.resetAfter - now());
    switch (this.#machine.state) {
      case "open":
        return left(this.#openedAt);
      case "halfOpen":
        return this.#probePlaces > 0 ? 0 : left(this.#probes[0]!.since);
      case "isolated":
        return undefined;
      case "closed":
        return 0;
    }
  }

  /** Of the last failure that counted since it was last closed; without rates, since the last success. */
  get lastError(): unknown {
    return this.#lastError;
  }

  /** Asks for one call. Every ticket is to be given back to `succeed`, `fail` or `release`. */
  admit(): Ticket {
    if (this.#machine.closed) return this.#period;
    if (this.#disposed) return UNCOUNTED;
    if (this.#machine.state !== "halfOpen") return this.#reject();
    if (this.#probePlaces <= 0) {
      if (this.retryAfter! > 0) return this.#reject();
      this.#probes.shift();
    }
    const ticket = ++this.#lastTicket;
    this.#probes.push({ ticket, since: now() });
    return ticket;
  }

  /** The call has succeeded. */
  succeed(ticket: Ticket, tookMs = 0): void {
    if (!this.#counts(ticket)) return;
    const slow = this.#isSlow(tookMs);
    if (this.#machine.closed) {
      this.#failures = 0;
      if (!this.#window) this.#lastError = undefined;
      else {
        this.#window.record(false, slow);
        this.#judge();
      }
    } else if (slow) this.#open("probeSlow");
    else if (++this.#probesSucceeded >= this.#policy.halfOpenProbes) this.#close("probeSucceeded");
  }

  /** The call has failed. */
  fail(ticket: Ticket, error?: unknown, tookMs = 0): void {
    if (!this.#counts(ticket)) return;
    this.#lastError = error;
    if (this.#machine.closed) {
      this.#failures += 1;
      this.#window?.record(true, this.#isSlow(tookMs));
      this.#judge();
    } else this.#open("probeFailed");
  }

  /** The call has ended in a way that says nothing: it was cancelled, or turned away by a limit. */
  release(ticket: Ticket): void {
    this.#counts(ticket);
  }

  /** Opens by hand, as if it had failed too often; where it is open, the time starts anew. */
  open(): void {
    if (!this.#disposed) this.#open("manual");
  }

  /** Opens by hand, until it is closed by hand. */
  isolate(): void {
    if (!this.#disposed) this.#open("isolated");
  }

  /** Closes by hand and forgets all failures. */
  close(): void {
    if (!this.#disposed) this.#close("manual");
  }

  /** Closes by hand and begins anew, with its time to warm up. */
  reset(): void {
    if (this.#disposed) return;
    this.#warmUntil = now() + this.#policy.warmUp;
    this.#close("reset");
  }

  /** What can be written down. What its window holds is left out: rates start anew. */
  save(): BreakerSnapshot {
    const { state, failures } = this;
    return state === "open"
      ? { state, failures, openedAt: Date.now() - (now() - this.#openedAt) }
      : { state, failures };
  }

  /** Goes on where a saved breaker was. The time that has passed since it opened counts. */
  restore({ state, failures, openedAt = Date.now() }: BreakerSnapshot): void {
    if (this.#disposed) return;
    const elapsed = Math.max(0, Date.now() - openedAt);
    this.#close("reset");
    this.#failures = failures;
    if (state === "isolated") this.#open("isolated");
    else if (state === "open" && elapsed < this.#policy.resetAfter) this.#open("restored", elapsed);
    else if (state !== "closed") {
      this.#opening = { reason: "restored", failures };
      this.#begin();
      this.#machine.halfOpen();
      this.#listener.halfOpened?.("restored");
    }
  }

  /** Ends the timer. Calls pass from now on and nothing is counted. */
  dispose(): void {
    this.#disposed = true;
    this.#begin();
    this.#machine.isolate();
  }

  get #probePlaces(): number {
    return this.#policy.halfOpenProbes - this.#probesSucceeded - this.#probes.length;
  }

  #reject(): Ticket {
    return this.#policy.mode === "shadow" ? SHADOWED : REJECTED;
  }

  /** Whether the result of a call still counts; a probe gives up its place. */
  #counts(ticket: Ticket): boolean {
    if (this.#machine.closed) return ticket === this.#period;
    const index = this.#probes.findIndex((probe) => probe.ticket === ticket);
    if (index >= 0) this.#probes.splice(index, 1);
    return index >= 0;
  }

  #isSlow(tookMs: number): boolean {
    const { slowCall } = this.#policy;
    return slowCall !== false && tookMs > slowCall.duration;
  }

  /** Opens where what has been counted asks for it. */
  #judge(): void {
    const reason = this.#reasonToOpen();
    if (reason && now() >= this.#warmUntil) this.#open(reason);
  }

  #reasonToOpen(): OpenReason | undefined {
    const { failureThreshold, failureRate, slowCall, minimumCalls } = this.#policy;
    if (failureThreshold !== false && this.#failures >= failureThreshold) return "failures";
    if (!this.#window) return undefined;
    const { calls, failures, slow } = this.#window.read();
    if (calls < minimumCalls) return undefined;
    if (failureRate !== false && failures / calls >= failureRate) return "failureRate";
    return slowCall !== false && slow / calls >= slowCall.rate ? "slowCalls" : undefined;
  }

  /** A new period: results of calls from before no longer count. */
  #begin(): void {
    this.#period = ++this.#lastTicket;
    this.#probes = [];
    this.#probesSucceeded = 0;
  }

  /** @param elapsed milliseconds of its time that have passed already */
  #open(reason: OpenReason, elapsed = 0): void {
    this.#begin();
    this.#openedAt = now() - elapsed;
    const window = this.#opening ? this.#opening.window : this.#window && { ...this.#window.read() };
    this.#opening = { reason, failures: this.#failures, ...(window && { window }) };
    if (reason === "isolated") this.#machine.isolate();
    else this.#machine.open(this.#policy.resetAfter - elapsed);
    this.#listener.opened?.(this.#opening);
  }

  #close(reason: CloseReason): void {
    const wasClosed = this.#machine.closed;
    this.#begin();
    this.#failures = 0;
    this.#lastError = undefined;
    this.#opening = undefined;
    this.#window?.clear();
    this.#machine.close();
    if (!wasClosed) this.#listener.closed?.(reason);
  }
}
