import type { Classified } from "@mlmcp/core";

/** A fault that is really provoked, what it is, and what the first suggestion speaks of. */
export type Fault = readonly [
  title: string,
  provoke: () => unknown,
  expected: Classified,
  suggestion: RegExp,
];
