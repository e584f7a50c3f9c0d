import { eachOperation, meanCost, settingOf, type Rule, type RuleThresholds } from "../advice.js";
import { formatTime } from "../units.js";

const enoughReads = 50;
const enoughMade = 10;
/** Faster ones are not worth a change. Milliseconds. */
const noticeable = 1;

export const storeSlowThresholds: RuleThresholds = {
  rule: "store-slow",
  told: `${enoughReads} look-ups of ${formatTime(noticeable)} or more on average, and ${enoughMade} calls of the method that were faster`,
};

/** Asking the store takes longer than the method. */
export const storeSlow: Rule = eachOperation((observed) => {
  const { operation, counters, evidence } = observed;
  const { storeReads, storeReadMs, made } = evidence;
  if (storeReads < enoughReads || made < enoughMade) return undefined;
  const read = storeReadMs / storeReads;
  const cost = meanCost(observed);
  if (read < noticeable || read < cost) return undefined;
  const savesMs = storeReadMs - counters.hits.store * cost;
  return {
    rule: "store-slow",
    operation,
    measured: `A look-up in the store took ${formatTime(read)} on average (${storeReads} times), the method itself ${formatTime(cost)}.`,
    gain: `${formatTime(savesMs)} where memory alone, or nothing, were asked.`,
    savesMs,
    mend: "Take a nearer store (`cache.store`), let memory hold more (`cache.maxEntries`), or turn caching off for it.",
    setting: settingOf(operation),
  };
});
