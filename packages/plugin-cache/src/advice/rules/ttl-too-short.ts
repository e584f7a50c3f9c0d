import { eachOperation, meanCost, settingOf, type Rule, type RuleThresholds } from "../advice.js";
import { durationSetting, formatShare, formatTime } from "../units.js";

const enough = 20;
const mostlyEqual = 0.8;
const oftenRenewed = 0.2;

export const ttlTooShortThresholds: RuleThresholds = {
  rule: "ttl-too-short",
  told: `${enough} values made again within one ttl after they had run out and compared, ${formatShare(mostlyEqual)} of them equal, ${formatShare(oftenRenewed)} of all values`,
};

/**
 * Values that ran out, were made again within one more ttl, and came out the same: with twice the
 * ttl each of these calls would have been a hit.
 */
export const ttlTooShort: Rule = eachOperation((observed) => {
  const { operation, settings, evidence } = observed;
  const { made, renewals, compared, equal, equalMs } = evidence;
  if (compared < enough || equal / compared < mostlyEqual || renewals / made < oftenRenewed) return undefined;
  const unneeded = renewals * (equal / compared);
  const savesMs = unneeded * (equalMs / equal);
  const { ttl } = settings ?? {};
  const value = ttl === undefined ? undefined : durationSetting(ttl * 2);
  return {
    rule: "ttl-too-short",
    operation,
    measured:
      `${renewals} of ${made} values were made again no later than one ttl after the one before had run out; ` +
      `${equal} of ${compared} that were compared were equal to it.`,
    gain: `About ${Math.round(unneeded)} calls of the method, ${formatTime(savesMs)} (${formatShare(savesMs / (made * meanCost(observed)))} of all its time).`,
    savesMs,
    mend:
      value === undefined
        ? "Let results be fresh for longer, or let the method say unchanged()."
        : `Double the ttl, ${durationSetting(ttl!)} now. Where that is too long for the values that do change, let the method say unchanged(), or invalidate by tags.`,
    ...(value !== undefined && { setting: settingOf(operation, "ttl"), value }),
  };
});
