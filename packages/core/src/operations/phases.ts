/** The places of the call path, outermost first. */
export const PHASES = [
  "observe",
  "validate",
  "fallback",
  "deadline",
  "cache",
  "verify",
  "retry",
  "hedge",
  "breaker",
  "rateLimit",
  "timeout",
  "bulkhead",
  "chaos",
  "offload",
] as const;

export type Phase = (typeof PHASES)[number];

/** Where a part of an advice stands: in a phase, directly outside one, or directly inside one. */
export type Placement = Phase | { readonly before: Phase } | { readonly after: Phase };

/** Sort key of a placement; a smaller one stands further out. */
export function rankOf(placement: Placement): number {
  if (typeof placement === "string") return PHASES.indexOf(placement) * 3 + 1;
  if ("before" in placement) return PHASES.indexOf(placement.before) * 3;
  return PHASES.indexOf(placement.after) * 3 + 2;
}

/** For messages and `mlmcp operations explain`: `cache`, `before retry`, `after cache`. */
export function describePlacement(placement: Placement): string {
  if (typeof placement === "string") return placement;
  return "before" in placement ? `before ${placement.before}` : `after ${placement.after}`;
}
