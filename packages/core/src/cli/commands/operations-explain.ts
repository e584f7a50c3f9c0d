import type { CommandContext } from "../context.js";
import { toJson } from "../terminal.js";
import { readable } from "./config-settings.js";
import { knownOperations } from "./known-operations.js";

/** `mlmcp operations explain <id>`: one chain, outermost first, with each option and its source. */
export async function explainOperation(context: CommandContext, id: string): Promise<void> {
  const { kernel } = await knownOperations(context);
  const explanation = kernel.operations.explain(id);
  if (context.options.json === true) {
    context.print(toJson(explanation));
    return;
  }
  const { paint } = context;
  const lines = [
    paint("bold", explanation.id) +
      (explanation.source === undefined ? "" : paint("dim", `  ${explanation.source}`)),
  ];
  for (const { advice, placement, options } of explanation.chain) {
    lines.push(`  ${paint("cyan", `@${advice}`)} ${paint("dim", `(${placement})`)}`);
    const settings = options.map(({ name, value, source }) => ({
      text: `${name} = ${readable(kernel.inspection.known, ["operations", id, advice, name], value)}`,
      source,
    }));
    const width = Math.max(0, ...settings.map(({ text }) => text.length));
    for (const { text, source } of settings)
      lines.push(`      ${text.padEnd(width)}  ${paint("dim", `# ${source}`)}`);
  }
  lines.push("  method");
  for (const { advice, reason } of explanation.skipped)
    lines.push(paint("dim", `  not in the chain: @${advice}, ${reason}`));
  context.print(lines.join("\n"));
}
