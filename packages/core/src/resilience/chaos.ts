/** How often which fault is put in the place of a call that would go well. Rates from 0 to 1. */
export interface ChaosPolicy {
  readonly errorRate: number;
  readonly latencyRate: number;
  readonly resultRate: number;
  /** Milliseconds; drawn evenly between the two. */
  readonly latency: { readonly min: number; readonly max: number };
}

/** What befalls one call. */
export interface Faults {
  /** Milliseconds by which it is late; 0 for none. */
  readonly latency: number;
  readonly kind: "error" | "result" | "none";
}

/** Draws what befalls a call. `random` gives numbers from 0 up to 1, without 1 itself. */
export function drawFaults(policy: ChaosPolicy, random: () => number): Faults {
  const { min, max } = policy.latency;
  // A rate of 1 strikes always and one of 0 never, because 1 itself is not drawn.
  const late = random() < policy.latencyRate;
  const latency = late ? Math.round(min + random() * (max - min)) : 0;
  if (random() < policy.errorRate) return { latency, kind: "error" };
  return { latency, kind: random() < policy.resultRate ? "result" : "none" };
}

/** Where the chaos of a kernel comes from. A test puts one in its place whose draws it knows. */
export class ChaosSource {
  /** A number from 0 up to 1, without 1 itself. */
  random(): number {
    return Math.random();
  }
}

const made = new WeakSet<object>();

/** Says that an error is one of chaos. Gives it back. */
export function asChaosError(error: unknown): unknown {
  if (typeof error === "object" && error !== null) made.add(error);
  return error;
}

/** Whether an error was thrown by `@chaos`, and not by what it stands in. Whoever keeps errors must not keep it. */
export function isChaosError(error: unknown): boolean {
  return typeof error === "object" && error !== null && made.has(error);
}
