import type { Advice, AdviceInput, Rule } from "./advice.js";
import { errorsNotCached } from "./rules/errors-not-cached.js";
import { isolateCostly } from "./rules/isolate-costly.js";
import { keyTooFine } from "./rules/key-too-fine.js";
import { memoryTooSmall } from "./rules/memory-too-small.js";
import { neverHit } from "./rules/never-hit.js";
import { resultsTooLarge } from "./rules/results-too-large.js";
import { storeSlow } from "./rules/store-slow.js";
import { ttlTooShort } from "./rules/ttl-too-short.js";

const rules: readonly Rule[] = [
  ttlTooShort,
  memoryTooSmall,
  keyTooFine,
  neverHit,
  resultsTooLarge,
  storeSlow,
  isolateCostly,
  errorsNotCached,
];

/** What is worth a change, that which saves most time first. */
export function advise(input: AdviceInput): Advice[] {
  return rules.flatMap((rule) => rule(input)).sort((a, b) => (b.savesMs ?? 0) - (a.savesMs ?? 0));
}
