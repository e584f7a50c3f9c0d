import type { PluginKernel, ProductionCheck } from "@mlmcp/core";
import { validated } from "./decorators/validated.js";

/** Mode `warn` is for trying schemas on live traffic: it lets through what it reports. */
export const enforced: ProductionCheck = {
  name: "enforced",
  check(kernel) {
    const open = kernel.operations.list().flatMap(({ id }) => (onlyWarns(kernel, id) ? [id] : []));
    if (open.length === 0) return undefined;
    const [first, second, third, ...more] = open;
    const named = [first, second, third].filter((id) => id !== undefined).join(", ");
    return {
      level: "warn",
      message:
        `@validated only warns on ${named}${more.length > 0 ? ` and ${more.length} more` : ""} (mode "warn"): ` +
        'what is not valid goes on to the method. Set mode "enforce" once the schemas have proved themselves.',
    };
  },
};

function onlyWarns({ operations }: PluginKernel, id: string): boolean {
  try {
    const step = operations.explain(id).chain.find(({ advice }) => advice === validated.advice.name);
    return step?.options.some(({ name, value }) => name === "mode" && value === "warn") ?? false;
  } catch {
    // Options that cannot work are an error of each call; nothing goes on there.
    return false;
  }
}
