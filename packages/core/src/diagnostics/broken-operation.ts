import { isMlmcpError } from "../errors/index.js";
import type { CoreRule, Inspected } from "./rule.js";

/** Every operation's chain can be made: otherwise each call of it is refused. */
export const brokenOperation: CoreRule<Inspected> = {
  rule: "broken-operation",
  diagnose: ({ kernel }) =>
    kernel.operations.list().flatMap(({ id }) => {
      try {
        kernel.operations.explain(id);
        return [];
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        const [suggestion] = isMlmcpError(error) ? error.suggestions : [];
        const mend = suggestion ?? `Correct its decorator, or what \`operations\` says of ${id}.`;
        return [{ level: "error", message: `Every call of ${id} is refused: ${message}`, mend } as const];
      }
    }),
};
