import type { Command } from "commander";
import type { CommandContext } from "../context.js";
import { addList, commandHint } from "../default-command.js";

/** `mlmcp operations …`. */
export function addOperationsCommands(program: Command, context: CommandContext): void {
  const operations = program.command("operations").description("The decorated methods");
  addList(operations, {
    description: "list the decorated methods with their chains",
    argument: ["[glob]", "only those whose id matches, such as 'Report*'"],
    list: async (glob) => {
      const hint = glob === undefined ? undefined : commandHint(operations, glob);
      return (await import("./operations-list.js")).listOperations(context, glob, hint);
    },
  });
  operations
    .command("explain")
    .description("print one chain, outermost first, each option with where it came from")
    .argument("<id>", "such as ReportService.summarise")
    .action(async (id: string) => (await import("./operations-explain.js")).explainOperation(context, id));
  operations
    .command("export")
    .description("print what can be tuned, as a block `operations` for the configuration")
    .argument("[glob]", "only those whose id matches, such as 'Report*'")
    .option("--changed", "only what the configuration changes")
    .action(async (glob: string | undefined, options: { changed?: boolean }) =>
      (await import("./operations-export.js")).exportOperations(context, glob, options),
    );
}
