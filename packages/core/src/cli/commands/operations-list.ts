import type { CommandContext } from "../context.js";
import { CommandFailure } from "../failure.js";
import { formatTable, inline, toJson } from "../terminal.js";

/** `mlmcp operations`: every decorated method with its chain. */
export async function listOperations(context: CommandContext): Promise<void> {
  const { operations } = await knownOperations(context);
  const listed = operations.list().map(({ id }) => {
    const { chain, skipped, source } = operations.explain(id);
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

/** `mlmcp operations explain <id>`: one chain, outermost first, with each option and its source. */
export async function explainOperation(context: CommandContext, id: string): Promise<void> {
  const { operations } = await knownOperations(context);
  const explanation = operations.explain(id);
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
      text: `${name} = ${inline(value)}`,
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

async function knownOperations(context: CommandContext) {
  const kernel = await context.kernel();
  if (kernel.operations.list().length > 0) return kernel;
  throw new CommandFailure(
    "no operations are known",
    (await context.appNamed())
      ? "The application's module was imported, but no class in it is decorated."
      : "They exist once the application's modules are imported. Name a module that imports its classes, without starting it: `--app ./dist/app.js`, or `app: ./dist/app.js` in the configuration.",
  );
}

function distinct(names: readonly string[]): string[] {
  return [...new Set(names)];
}
