import { reasonToSkip } from "../operations/chain.js";
import type { Operation } from "../operations/operation.js";
import type { Advice } from "../plugin.js";
import type { CoreProductionCheck, ProductionSubject } from "./production-check.js";

/** Advice that guards the application, such as validation, and that is off. */
export const protectionOff: CoreProductionCheck = {
  name: "protection",
  level: "refuse",
  find(subject) {
    // One line for each cause: a plugin that is turned off may leave hundreds of operations open.
    const ids = new Map<string, { advice: Advice; reason: string; ids: Set<string> }>();
    for (const operation of subject.operations) {
      for (const { advice, reason } of unprotected(operation, subject)) {
        const key = `${advice.name}\0${reason}`;
        const entry = ids.get(key) ?? { advice, reason, ids: new Set() };
        ids.set(key, entry);
        entry.ids.add(operation.id);
      }
    }
    return Array.from(ids.values(), ({ advice, reason, ids: open }) => {
      const [first, second, third, ...more] = open;
      const named = [first, second, third].filter((id) => id !== undefined).join(", ");
      const others = more.length > 0 ? ` and ${more.length} more` : "";
      return `@${advice.name} is off for ${named}${others} (${reason}): ${advice.protects}. Turn it on again.`;
    });
  },
};

/** The protecting advice of one operation that passes through, and why. */
function unprotected(
  operation: Operation,
  { config, pluginState }: Pick<ProductionSubject, "config" | "pluginState">,
): Array<{ readonly advice: Advice; readonly reason: string }> {
  const settings = config.operation(operation.id);
  return operation.advice.flatMap(({ advice }) => {
    // What is missing is no silent pass: the call itself is refused.
    if (advice.protects === undefined || pluginState(advice) === "missing") return [];
    const reason = reasonToSkip(operation, advice, settings, { config, pluginState });
    return reason === undefined ? [] : [{ advice, reason }];
  });
}
