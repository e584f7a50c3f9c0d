import type { Observation } from "../statistics/observation.js";

/** Of the values of one part of a key that are different: nearly all. */
const fine = 0.9;
/** Of those of the other parts together: mostly the same ones again. */
export const coarse = 0.5;

/** What makes the keys of an operation all different, where the rest of them repeats. */
export interface FineParts {
  /** `argument 2`, `argument 1's requestId`. */
  readonly names: readonly string[];
  /** The values of the rest, together at most. */
  readonly others: number;
  /** Misses whose arguments were looked at. */
  readonly seen: number;
}

export function findFineParts({ arguments: args, evidence }: Observation): FineParts | undefined {
  const seen = evidence.argumentsSeen;
  const labels = [...args.keys()].filter((label) => !isSplit(label, args));
  const counts = labels.map((label) => ({ label, values: Math.min(args.get(label)!.estimate(), seen) }));
  const tooFine = counts.filter(({ values }) => values >= seen * fine);
  const others = counts.filter(({ values }) => values < seen * fine);
  const combinations = others.reduce((product, { values }) => product * Math.max(1, values), 1);
  if (tooFine.length === 0 || others.length === 0 || combinations > seen * coarse) return undefined;
  return { names: tooFine.map(({ label }) => nameOf(label)), others: combinations, seen };
}

/** Whether its properties tell more. */
function isSplit(label: string, args: ReadonlyMap<string, unknown>): boolean {
  return [...args.keys()].some((other) => other.startsWith(`${label}.`));
}

function nameOf(label: string): string {
  const [position, ...property] = label.split(".");
  return `argument ${position}${property.length > 0 ? `'s ${property.join(".")}` : ""}`;
}
