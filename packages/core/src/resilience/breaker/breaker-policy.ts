/** `shadow`: the breaker counts and changes its state as ever, but no call is turned away. */
export type BreakerMode = "enforce" | "shadow";

/** How far back a breaker looks for its rates: over so many calls, or over so many milliseconds. */
export type WindowSize = { readonly calls: number } | { readonly ms: number };

/** When a breaker opens, for how long, and what closes it. Times in milliseconds. */
export interface BreakerPolicy {
  /** Failures in a row, in the order in which the calls end, that open it; `false`: any number may. */
  readonly failureThreshold: number | false;
  /** Share of the window's calls, from 0 to 1, whose failing opens it. */
  readonly failureRate: number | false;
  /** Share of the window's calls whose lasting longer than `duration` opens it. A probe may not last longer either. */
  readonly slowCall: false | { readonly duration: number; readonly rate: number };
  readonly window: WindowSize;
  /** Calls that the window must hold before a rate means anything. */
  readonly minimumCalls: number;
  /** From opening to the first probe, and from one unanswered probe to the next. */
  readonly resetAfter: number;
  /** Probes that must succeed to close it, and that may run at once. One that fails opens it. */
  readonly halfOpenProbes: number;
  /** From its beginning; what fails meanwhile counts, but does not open it. */
  readonly warmUp: number;
  readonly mode: BreakerMode;
}
