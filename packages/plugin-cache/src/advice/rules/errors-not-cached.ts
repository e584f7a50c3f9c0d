import { repeatedWithinMs } from "../../statistics/evidence.js";
import { eachOperation, settingOf, type Rule, type RuleThresholds } from "../advice.js";
import { formatShare, formatTime } from "../units.js";

const enough = 20;
const mostly = 0.5;

export const errorsNotCachedThresholds: RuleThresholds = {
  rule: "errors-not-cached",
  told: `${enough} failures within ${formatTime(repeatedWithinMs)} after one of the same key, ${formatShare(mostly)} of all failures`,
};

/** The method fails again and again for the same keys. */
export const errorsNotCached: Rule = eachOperation(({ operation, evidence, failureNames, isMethod }) => {
  const { failures, repeatedFailures, repeatedFailureMs } = evidence;
  if (!isMethod || repeatedFailures < enough || repeatedFailures / failures < mostly) return undefined;
  const [name, times] = Object.entries(failureNames).sort(([, a], [, b]) => b - a)[0]!;
  return {
    rule: "errors-not-cached",
    operation,
    measured: `${repeatedFailures} of ${failures} failures followed one of the same key within ${formatTime(repeatedWithinMs)}; ${times} of them were ${name}.`,
    gain: `${formatTime(repeatedFailureMs)} of calls that were to fail again.`,
    savesMs: repeatedFailureMs,
    mend: `Where ${name} says something about what was asked for, such as "not found", keep it for a while. An outage is @degrade's.`,
    setting: settingOf(operation, "cacheErrors"),
    // A bare `Error` may be anything.
    ...(name !== "Error" && { value: { when: [name], ttl: "10s" } }),
  };
});
