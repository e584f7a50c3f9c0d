import type { OperationInfo } from "../../operations/operation.js";
import { classesAreKnown } from "../../operations/pending.js";
import type { CommandContext } from "../context.js";
import { formatTable, toJson } from "../terminal.js";
import { knownOperations } from "./known-operations.js";

/**
 * `mlmcp operations [list] [glob]`: the decorated methods with their chains. Without a glob, for people,
 * also those whose class is not known yet.
 *
 * @param hint what may have been meant by a glob that nothing matches
 */
export async function listOperations(
  context: CommandContext,
  glob: string | undefined,
  hint: string | undefined,
): Promise<void> {
  const kernel = await context.kernel();
  const pending = glob === undefined ? kernel.operations.pending() : [];
  const ids =
    pending.length > 0
      ? kernel.operations.list().map(({ id }) => id)
      : (await knownOperations(context, glob, hint)).ids;
  const listed = ids.map((id): Listed => {
    const { chain, skipped, source } = kernel.operations.explain(id);
    return {
      id,
      chain: distinct(chain.map(({ advice }) => advice)),
      skipped: distinct(skipped.map(({ advice }) => advice)),
      source: source ?? null,
    };
  });
  if (context.options.json === true) context.print(toJson(listed));
  else context.print(formatTable([...listed.map(toRow), ...pending.map(toPendingRow)], context.paint));
  if (pending.length > 0) {
    const methods = pending.length === 1 ? "1 method" : `${pending.length} methods`;
    context.terminal.stderr.write(`note: the class of ${methods} is not known yet. ${classesAreKnown}\n`);
  }
}
interface Listed {
  readonly id: string;
  readonly chain: readonly string[];
  readonly skipped: readonly string[];
  readonly source: string | null;
}

function toRow({ id, chain, skipped, source }: Listed): Record<string, string> {
  return {
    operation: id,
    chain: [...chain, "method"].join(" > "),
    off: skipped.join(" "),
    declared: source ?? "",
  };
}

/** What configures its chain is not known either. */
function toPendingRow({ id, source }: OperationInfo): Record<string, string> {
  return { operation: id, chain: "", off: "", declared: source ? `${source.file}:${source.line}` : "" };
}

function distinct(names: readonly string[]): string[] {
  return [...new Set(names)];
}
