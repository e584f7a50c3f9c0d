import type { RegionStatistics } from "../../memory/memory-tier.js";
import { hitsOf } from "../../statistics/counters.js";
import type { Advice, AdviceInput, Rule, RuleThresholds } from "../advice.js";
import { formatShare, formatTime, sizeSetting } from "../units.js";

const enough = 50;
const worthIt = 0.02;
const isFull = 0.95;

export const memoryTooSmallThresholds: RuleThresholds = {
  rule: "memory-too-small",
  told: `${enough} values asked for again shortly after they were evicted, ${formatShare(worthIt)} of all look-ups`,
};

/**
 * What had to be made or read again since it had been evicted: the ghost list remembers as many
 * evicted keys as memory has places.
 */
export const memoryTooSmall: Rule = (input) => {
  const { general, namespaces } = input.memory;
  const found = [
    adviseOn(input, general, undefined),
    ...Object.entries(namespaces).map(([name, region]) => adviseOn(input, region, name)),
  ];
  return found.filter((advice) => advice !== undefined);
};

function adviseOn(
  input: AdviceInput,
  region: RegionStatistics,
  namespace: string | undefined,
): Advice | undefined {
  const { ghostHits, evictions, entries, maxEntries, bytes, maxBytes } = region;
  const { lookUps, memoryHits, costOfMiss } = sum(input, namespace);
  if (ghostHits < enough || ghostHits / lookUps < worthIt) return undefined;
  const savesMs = ghostHits * costOfMiss;
  const bound = entries >= maxEntries * isFull || bytes < maxBytes * isFull ? "maxEntries" : "maxBytes";
  const [now, value] =
    bound === "maxEntries"
      ? [maxEntries, maxEntries * 2]
      : [sizeSetting(maxBytes), sizeSetting(maxBytes * 2)];
  const where = namespace === undefined ? "" : ` for the namespace "${namespace}"`;
  return {
    rule: "memory-too-small",
    measured:
      `${ghostHits} values had been evicted${where} shortly before they were asked for again (${evictions} evictions, ${lookUps} look-ups); ` +
      `memory holds ${entries} of ${maxEntries} entries.`,
    gain:
      `Hits in memory from ${formatShare(memoryHits / lookUps)} to about ${formatShare((memoryHits + ghostHits) / lookUps)} of all look-ups, ` +
      `${formatTime(savesMs)} ${input.hasStore ? "of reading the store" : "of calling the methods"}.`,
    savesMs,
    mend: `Double ${bound}, ${now} now.`,
    setting: settingFor(bound, namespace, input.isAdaptive),
    value,
  };
}

function settingFor(bound: string, namespace: string | undefined, isAdaptive: boolean): string {
  if (namespace !== undefined) return `cache.namespaces.${JSON.stringify(namespace)}.${bound}`;
  return bound === "maxEntries" && isAdaptive ? "cache.adaptive.max" : `cache.${bound}`;
}

/** Over the operations whose results compete for the room. */
function sum({ operations, settings, memory, hasStore }: AdviceInput, namespace: string | undefined) {
  let lookUps = 0;
  let memoryHits = 0;
  let times = 0;
  let ms = 0;
  for (const [operation, { counters, evidence }] of operations) {
    const own = settings.get(operation)?.namespace;
    if ((own !== undefined && Object.hasOwn(memory.namespaces, own) ? own : undefined) !== namespace)
      continue;
    lookUps += hitsOf(counters) + counters.misses;
    memoryHits += counters.hits.memory;
    times += hasStore ? evidence.storeReads : evidence.made;
    ms += hasStore ? evidence.storeReadMs : evidence.madeMs;
  }
  return { lookUps, memoryHits, costOfMiss: times === 0 ? 0 : ms / times };
}
