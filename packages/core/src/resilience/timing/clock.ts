/** Whole milliseconds of a clock that never goes back. */
export function now(): number {
  return Math.round(performance.now());
}
