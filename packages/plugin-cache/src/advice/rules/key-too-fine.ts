import { eachOperation, meanCost, settingOf, type Rule, type RuleThresholds } from "../advice.js";
import { coarse, findFineParts } from "../key-parts.js";
import { hitsOf } from "../../statistics/counters.js";
import { formatEstimate, formatShare, formatTime } from "../units.js";

/** Fewer calls than these say nothing. */
export const enoughMisses = 100;
/** Of the look-ups. */
const hardlyAnyHits = 0.05;
/** Of the misses. */
export const nearlyAllDifferent = 0.9;

export const keyTooFineThresholds: RuleThresholds = {
  rule: "key-too-fine",
  told: `${enoughMisses} misses, hits at most ${formatShare(hardlyAnyHits)} of all calls, ${formatShare(nearlyAllDifferent)} of the keys different, and without one argument at most ${formatShare(coarse)}`,
};

/** As many keys as calls, because of one argument, while the others repeat. */
export const keyTooFine: Rule = eachOperation((observed) => {
  const { operation, counters, keys } = observed;
  const { misses } = counters;
  const hits = hitsOf(counters);
  const distinct = Math.min(keys.estimate(), misses);
  if (misses < enoughMisses || hits / (hits + misses) > hardlyAnyHits) return undefined;
  if (distinct / misses < nearlyAllDifferent) return undefined;
  const parts = findFineParts(observed);
  if (!parts) return undefined;
  const { names, others, seen } = parts;
  const hitRate = 1 - others / seen;
  const savesMs = misses * hitRate * meanCost(observed);
  return {
    rule: "key-too-fine",
    operation,
    measured:
      `${hits + misses} calls had about ${formatEstimate(distinct)} different keys, because ${names.join(" and ")} was another one nearly every time; ` +
      `without it the ${seen} calls that were looked at would have had about ${formatEstimate(others)}.`,
    gain: `Without it about ${formatShare(hitRate)} hits, ${formatTime(savesMs)}.`,
    savesMs,
    mend: `Leave ${names.join(" and ")} out of the key, where it does not change the result: \`@cached({ key: (…) => … })\`. Otherwise turn caching off for it.`,
    setting: settingOf(operation),
  };
});
