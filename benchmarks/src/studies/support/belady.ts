import type { Trace } from "./traces.js";

/**
 * The hits of the best policy there can be, which knows the future: what is asked for again
 * latest goes first, the newcomer included.
 *
 * After L. A. Belady, “A study of replacement algorithms for a virtual-storage computer”, IBM
 * Systems Journal 5 (1966).
 */
export function beladyHits(trace: Trace, maxEntries: number): number {
  const nextUses = nextUsesOf(trace);
  const kept = new Map<number, number>();
  const latest = new LatestFirst();
  let hits = 0;
  for (const [index, key] of trace.entries()) {
    if (kept.has(key)) hits++;
    kept.set(key, nextUses[index]!);
    latest.add({ key, nextUse: nextUses[index]! });
    while (kept.size > maxEntries) {
      const { key: candidate, nextUse } = latest.take();
      // What was used since it came in stands further back again.
      if (kept.get(candidate) === nextUse) kept.delete(candidate);
    }
  }
  return hits;
}

function nextUsesOf(trace: Trace): number[] {
  const next = new Map<number, number>();
  const uses = Array.from<number>({ length: trace.length });
  for (let index = trace.length - 1; index >= 0; index--) {
    uses[index] = next.get(trace[index]!) ?? Infinity;
    next.set(trace[index]!, index);
  }
  return uses;
}

interface Use {
  readonly key: number;
  readonly nextUse: number;
}

/** A binary heap. */
class LatestFirst {
  readonly #heap: Use[] = [];

  add(use: Use): void {
    const heap = this.#heap;
    let child = heap.push(use) - 1;
    while (child > 0) {
      const parent = (child - 1) >> 1;
      if (heap[parent]!.nextUse >= heap[child]!.nextUse) return;
      [heap[parent], heap[child]] = [heap[child]!, heap[parent]!];
      child = parent;
    }
  }

  take(): Use {
    const heap = this.#heap;
    const first = heap[0]!;
    const last = heap.pop()!;
    if (heap.length === 0) return first;
    heap[0] = last;
    for (let parent = 0; ;) {
      let largest = parent;
      for (const child of [2 * parent + 1, 2 * parent + 2]) {
        if (child < heap.length && heap[child]!.nextUse > heap[largest]!.nextUse) largest = child;
      }
      if (largest === parent) return first;
      [heap[parent], heap[largest]] = [heap[largest]!, heap[parent]!];
      parent = largest;
    }
  }
}
