import { unknownVariables } from "../config/sources/variables.js";
import type { CoreRule, Inspected } from "./rule.js";

/** Variables of our prefix that set nothing. */
export const unknownVariable: CoreRule<Inspected> = {
  rule: "unknown-variable",
  diagnose: ({ sources, sections, kernel }) =>
    unknownVariables(sources.env, sections).map(({ source: { name }, suggestion }) => ({
      level: kernel.config.get("system.strict") === true ? "error" : "warning",
      message: `${name} sets nothing: no loaded plugin knows it.`,
      mend:
        suggestion === undefined
          ? "Correct or unset it, or load the plugin that it is for."
          : `Write ${suggestion}.`,
    })),
};
