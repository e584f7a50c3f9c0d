import type { CommandContext } from "../context.js";
import { formatTable, toJson } from "../terminal.js";
import { knownOperations } from "./known-operations.js";

/**
 * `mlmcp operations [list] [glob]`: the decorated methods with their chains.
 *
 * @param hint what may have been meant by a glob that nothing matches
 */
export async function listOperations(
  context: CommandContext,
  glob: string | undefined,
  hint: string | undefined,
): Promise<void> {
  const { kernel, ids } = await knownOperations(context, glob, hint);
  const listed = ids.map((id) => {
    const { chain, skipped, source } = kernel.operations.explain(id);
    return {
      id,
      chain: distinct(chain.map(({ advice }) => advice)),
      skipped: distinct(skipped.map(({ advice }) => advice)),
      source: source ?? null,
    };
  });
  if (context.options.json === true) {
    context.print(toJson(listed));
    return;
  }
  const rows = listed.map(({ id, chain, skipped, source }) => ({
    operation: id,
    chain: [...chain, "method"].join(" > "),
    off: skipped.join(" "),
    declared: source ?? "",
  }));
  context.print(formatTable(rows, context.paint));
}

function distinct(names: readonly string[]): string[] {
  return [...new Set(names)];
}
