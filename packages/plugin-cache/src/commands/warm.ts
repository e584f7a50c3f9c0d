import type { Command, PluginKernel } from "@mlmcp/core";
import { CacheManager } from "../cache-manager.js";
import { CachedOperations } from "../operations/cached-operations.js";
import type { WarmUpReport } from "../operations/warm-up.js";
import { counted } from "./counted.js";
import { storeOf } from "./store-access.js";

export const warm: Command = {
  name: "cache warm",
  description: "Makes the calls that the `warm` of an operation names, or of all.",
  arguments: ["[operation]"],
  values: { operation: warmOperations },
  async run({ kernel, args: [operation] }) {
    // What is made goes there: the memory of the command ends with it.
    await storeOf(kernel);
    return kernel.resolve(CacheManager).warm(operation);
  },
  failure: ({ failed }: WarmUpReport) =>
    failed > 0 ? `${counted(failed, "call", "calls")} failed` : undefined,
};

function warmOperations(kernel: PluginKernel): string[] {
  const all = kernel.resolve(CachedOperations).list();
  return all.flatMap(({ info, options }) => (options.warm ? [info.id] : []));
}
