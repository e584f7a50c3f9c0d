import type { Diagnostic } from "@mlmcp/core";
import { wrongReferences } from "../operations/wrong-references.js";

/** `@cacheEvict` and `@cachePut` that name no cached method: they fail when they are called. */
export const cacheReference: Diagnostic = {
  rule: "cache-reference",
  diagnose: (kernel) =>
    wrongReferences(kernel).map(({ subject, problem }) => ({
      level: "error",
      message: `${subject} fails when it is called: ${problem}`,
      mend: "Name a method under @cached: by its id, by its name where it is of the same class, or as `() => Users.prototype.find`.",
    })),
};
