import { describeSource } from "../config/reader.js";
import { settingsWithoutEffect } from "../operations/unknown-ids.js";
import type { CoreRule, Inspected } from "./rule.js";

/** Settings under `operations` that change nothing. */
export const unknownOperation: CoreRule<Inspected> = {
  rule: "unknown-operation",
  diagnose({ kernel, operations }) {
    const level = kernel.config.get("system.strict") === true ? "error" : "warning";
    return settingsWithoutEffect(kernel.config, operations).map(({ path, message, source, suggestion }) => ({
      level,
      message: `${path}${source ? ` (${describeSource(source)})` : ""}: ${message}.`,
      mend:
        suggestion === undefined
          ? "Correct or remove it; `mlmcp operations` lists what can be tuned."
          : `Write "${suggestion}".`,
    }));
  },
};
