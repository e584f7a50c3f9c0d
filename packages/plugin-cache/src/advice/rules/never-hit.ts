import { hitsOf } from "../../statistics/counters.js";
import { eachOperation, settingOf, type Rule, type RuleThresholds } from "../advice.js";
import { findFineParts } from "../key-parts.js";
import { formatBytes, formatEstimate, formatShare } from "../units.js";
import { enoughMisses, nearlyAllDifferent } from "./key-too-fine.js";

/** Of what was kept. */
const hardlyEver = 0.01;

export const neverHitThresholds: RuleThresholds = {
  rule: "never-hit",
  told: `${enoughMisses} results kept, and hits at most ${formatShare(hardlyEver)} of them`,
};

/** Results are kept, and nobody asks for them again while they are there. */
export const neverHit: Rule = eachOperation((observed, { hasStore }) => {
  const { operation, counters, evidence, keys, memory, isMethod } = observed;
  const { sets, misses, stored, storedBytes } = counters;
  const hits = hitsOf(counters) + counters.staleHits;
  if (!isMethod || sets < enoughMisses || hits / sets > hardlyEver) return undefined;
  const distinct = Math.min(keys.estimate(), misses);
  const different = `about ${formatEstimate(distinct)} in ${misses} calls`;
  const isUnique = distinct / misses >= nearlyAllDifferent;
  // A key that could be made coarser is another rule's.
  if (isUnique && findFineParts(observed)) return undefined;
  const why = isUnique
    ? `hardly a key came twice (${different})`
    : `keys came again (${different}) once their results were gone: ${evidence.renewals} had run out shortly before, ${memory.evictions} were evicted`;
  const gains = [
    ...(memory.bytes > 0 ? [`${formatBytes(memory.bytes)} of memory for the results of others`] : []),
    ...(hasStore && stored > 0 ? [`${stored} writes of ${formatBytes(storedBytes)} to the store`] : []),
  ];
  return {
    rule: "never-hit",
    operation,
    measured: `${sets} results were kept and ${hits} given again; ${why}.`,
    ...(gains.length > 0 && { gain: `${gains.join(" and ")}.` }),
    mend: isUnique
      ? "Turn caching off for it, or give it a coarser `key`."
      : "Keep results for longer (`ttl`, or room in memory), or turn caching off for it.",
    setting: settingOf(operation),
    ...(isUnique && { value: false }),
  };
});
