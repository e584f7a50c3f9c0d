import type { BreakerState } from "./opossum-state.js";
import type { OutcomeTotals } from "./outcome-window.js";

/** Why a breaker has opened. `manual` and `isolated`: by hand, for its time and until it is closed by hand. */
export type OpenReason =
  | "failures"
  | "failureRate"
  | "slowCalls"
  | "probeFailed"
  | "probeSlow"
  | "manual"
  | "isolated"
  | "restored";

/** Why a breaker has closed. `evicted`: other keys have taken the place of its own, and it is forgotten. */
export type CloseReason = "probeSucceeded" | "manual" | "reset" | "evicted";

/** What a breaker opened on. */
export interface Opening {
  readonly reason: OpenReason;
  /** Failures in a row before it first opened. */
  readonly failures: number;
  /** What its window held, where it has rates to watch. */
  readonly window?: OutcomeTotals;
}

/** Told of every change of state, after it has happened. */
export interface BreakerListener {
  opened?(opening: Opening): void;
  /** `elapsed`: the time to its first probe has passed. */
  halfOpened?(reason: "elapsed" | "restored"): void;
  closed?(reason: CloseReason): void;
}

/** A breaker as it can be written down, to go on elsewhere. */
export interface BreakerSnapshot {
  readonly state: BreakerState;
  readonly failures: number;
  /** When it opened, in milliseconds since the epoch; where it is open. */
  readonly openedAt?: number;
}
