import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { errorsNotCachedThresholds } from "../../src/advice/rules/errors-not-cached.js";
import { isolateCostlyThresholds } from "../../src/advice/rules/isolate-costly.js";
import { keyTooFineThresholds } from "../../src/advice/rules/key-too-fine.js";
import { memoryTooSmallThresholds } from "../../src/advice/rules/memory-too-small.js";
import { neverHitThresholds } from "../../src/advice/rules/never-hit.js";
import { resultsTooLargeThresholds } from "../../src/advice/rules/results-too-large.js";
import { storeSlowThresholds } from "../../src/advice/rules/store-slow.js";
import { ttlTooShortThresholds } from "../../src/advice/rules/ttl-too-short.js";

const rules = [
  ttlTooShortThresholds,
  memoryTooSmallThresholds,
  keyTooFineThresholds,
  neverHitThresholds,
  resultsTooLargeThresholds,
  storeSlowThresholds,
  isolateCostlyThresholds,
  errorsNotCachedThresholds,
];

it("the guide says from when on each rule gives advice", () => {
  const guide = readFileSync(new URL("../../../../docs/guides/caching.md", import.meta.url), "utf8");
  const rows = [...guide.matchAll(/^\| `([\w-]+)` +\| (.+?) +\|$/gm)];
  const told = rows.filter(([, name]) => rules.some(({ rule }) => rule === name));
  expect(told.map(([, rule, text]) => ({ rule, told: text }))).toEqual(rules);
});
