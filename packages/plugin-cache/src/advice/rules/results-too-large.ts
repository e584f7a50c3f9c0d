import { hitsOf } from "../../statistics/counters.js";
import { eachOperation, meanCost, settingOf, type Rule, type RuleThresholds } from "../advice.js";
import { formatBytes, formatShare, formatTime, sizeSetting } from "../units.js";

const enoughRefused = 5;
/** A result that takes more of the memory than this is large. */
const largeShare = 1 / 50;
/** By how much its share of the memory exceeds its share of the hits. */
const imbalance = 0.3;
const enoughLookUps = 100;

export const resultsTooLargeThresholds: RuleThresholds = {
  rule: "results-too-large",
  told: `${enoughRefused} results that memory refused; or results of more than ${formatShare(largeShare)} of the memory each, whose share of it exceeds their share of the hits by ${formatShare(imbalance)}, in ${enoughLookUps} calls`,
};

/** Results that do not fit into memory at all, or that take the room of others which are asked for more. */
export const resultsTooLarge: Rule = eachOperation((observed, input) => {
  const { operation, memory, settings } = observed;
  const { namespace } = settings ?? {};
  const region = (namespace !== undefined && input.memory.namespaces[namespace]) || input.memory.general;
  const bound =
    region === input.memory.general
      ? "cache.maxBytes"
      : `cache.namespaces.${JSON.stringify(namespace)}.maxBytes`;
  if (memory.refused >= enoughRefused) {
    const savesMs = memory.refused * meanCost(observed);
    return {
      rule: "results-too-large",
      operation,
      measured: `${memory.refused} results, the largest of about ${formatBytes(memory.refusedBytes)}, were not kept in memory, which holds ${formatBytes(region.maxBytes)} at most.`,
      gain: `Up to ${formatTime(savesMs)} where they are asked for again.`,
      savesMs,
      mend: `Return less, or let memory hold several of them: raise ${bound}.`,
      setting: bound,
      value: sizeSetting(2 ** Math.ceil(Math.log2(memory.refusedBytes * 4))),
    };
  }
  const entries = memory.fresh + memory.stale + memory.expired;
  const mean = entries === 0 ? 0 : memory.bytes / entries;
  const shares = { ofMemory: memory.bytes / region.bytes, ofHits: shareOfHits(observed.operation, input) };
  if (mean < region.maxBytes * largeShare || region.evictions === 0 || shares.ofHits === undefined)
    return undefined;
  if (shares.ofMemory - shares.ofHits < imbalance) return undefined;
  const taken = formatShare(shares.ofMemory);
  return {
    rule: "results-too-large",
    operation,
    measured: `Its ${entries} results in memory take ${formatBytes(mean)} each, ${taken} of what memory holds, and had ${formatShare(shares.ofHits)} of the hits in it; ${region.evictions} entries had to make room.`,
    gain: `${formatBytes(memory.bytes)} of memory for results that are asked for more.`,
    mend: "Give it a namespace with bounds of its own (`cache.namespaces`), or return less.",
    setting: settingOf(operation, "namespace"),
  };
});

/** Among the hits in memory of all operations; `undefined` where there are too few to tell. */
function shareOfHits(operation: string, { operations }: Parameters<Rule>[0]): number | undefined {
  let all = 0;
  let lookUps = 0;
  for (const { counters } of operations.values()) {
    all += counters.hits.memory;
    lookUps += hitsOf(counters) + counters.misses;
  }
  if (lookUps < enoughLookUps || all === 0) return undefined;
  return operations.get(operation)!.counters.hits.memory / all;
}
