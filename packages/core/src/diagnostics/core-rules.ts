import { brokenOperation } from "./broken-operation.js";
import { configShadowed } from "./config-shadowed.js";
import { duplicateCore } from "./duplicate-core.js";
import { fileRights } from "./file-rights.js";
import { production } from "./production.js";
import { retryWithoutIdempotence } from "./retry-without-idempotence.js";
import type { CoreRule, Inspected, Surroundings } from "./rule.js";
import { storeReachable } from "./store-reachable.js";
import { timeoutOverDeadline } from "./timeout-over-deadline.js";
import { unknownOperation } from "./unknown-operation.js";
import { unknownVariable } from "./unknown-variable.js";
import { versions } from "./versions.js";

/** What can be looked at without a kernel. */
export const surroundingRules: ReadonlyArray<CoreRule<Surroundings>> = [versions, duplicateCore];

/** What a kernel shows before it has started. */
export const kernelRules: ReadonlyArray<CoreRule<Inspected>> = [
  configShadowed,
  unknownVariable,
  unknownOperation,
  fileRights,
  brokenOperation,
  timeoutOverDeadline,
  retryWithoutIdempotence,
  production,
];

/** What only a kernel that has started can answer. */
export const runningRules: ReadonlyArray<CoreRule<Inspected>> = [storeReachable];
