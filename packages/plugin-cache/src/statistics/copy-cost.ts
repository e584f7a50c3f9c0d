import type { Entry } from "../values/entry.js";
import { copyOf } from "../values/snapshot.js";

/** How long one hit of an operation spends on its copy. */
export interface CopyCost {
  /** Milliseconds a copy. */
  readonly ms: number;
  /** How many copies were timed. */
  readonly copies: number;
}

const copiesAtMost = 20;
/** About how long the copies of one operation may take altogether. Milliseconds. */
const budget = 5;

/** Times copies of what memory holds, by operation. Values that are given out as they are, or need no copy, cost nothing. */
export function copyCosts(entries: Iterable<Entry>): Map<string, CopyCost> {
  const samples = new Map<string, Entry[]>();
  for (const entry of entries) {
    const { shape } = entry.snapshot;
    if (entry.thrown || shape === "atom" || shape === "shared") continue;
    const own = samples.get(entry.operation);
    if (!own) samples.set(entry.operation, [entry]);
    else if (own.length < copiesAtMost) own.push(entry);
  }
  const costs = new Map<string, CopyCost>();
  for (const [operation, own] of samples) {
    try {
      costs.set(operation, timeOf(own));
    } catch {
      // One has more levels than the stack takes: whoever asks for it is told.
    }
  }
  return costs;
}

function timeOf(entries: readonly Entry[]): CopyCost {
  // The first one may pay for compiling.
  copyOf(entries[0]!.snapshot);
  const begun = performance.now();
  let copies = 0;
  for (const { snapshot } of entries) {
    copyOf(snapshot);
    copies++;
    if (performance.now() - begun > budget) break;
  }
  return { ms: (performance.now() - begun) / copies, copies };
}
