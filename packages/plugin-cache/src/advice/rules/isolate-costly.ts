import { hitsOf } from "../../statistics/counters.js";
import { eachOperation, meanCost, settingOf, type Rule, type RuleThresholds } from "../advice.js";
import { formatTime } from "../units.js";

/** Milliseconds a copy. */
const noticeable = 0.1;
const enoughHits = 100;

export const isolateCostlyThresholds: RuleThresholds = {
  rule: "isolate-costly",
  told: `${enoughHits} hits, and ${formatTime(noticeable)} for a copy`,
};

/** Copies of the results, one for each hit, that take a good part of what the hits save. */
export const isolateCostly: Rule = eachOperation((observed) => {
  const { operation, counters, copying, settings, isMethod } = observed;
  const hits = hitsOf(counters);
  if (!(settings?.isolate ?? isMethod) || !copying || copying.ms < noticeable || hits < enoughHits)
    return undefined;
  const savesMs = hits * copying.ms;
  const cost = meanCost(observed);
  const comparison = cost > 0 ? `; making one takes ${formatTime(cost)}` : "";
  return {
    rule: "isolate-costly",
    operation,
    measured: `A copy of a result takes ${formatTime(copying.ms)} (${copying.copies} timed), and each of ${hits} hits made one${comparison}.`,
    gain: `${formatTime(savesMs)}, which nothing else could use meanwhile.`,
    savesMs,
    mend: "If nobody changes the results, share them: `isolate: false`. Otherwise return less.",
    setting: settingOf(operation, "isolate"),
    value: false,
  };
});
