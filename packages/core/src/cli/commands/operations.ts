import type { Command } from "commander";
import type { CommandContext } from "../context.js";
import { addList } from "../default-command.js";

/** `mlmcp operations …`. */
export function addOperationsCommands(program: Command, context: CommandContext): void {
  const operations = program.command("operations").description("The decorated methods");
  addList(operations, "list the decorated methods with their chains", async () =>
    (await import("./operations-list.js")).listOperations(context),
  );
  operations
    .command("explain")
    .description("print one chain, outermost first, each option with where it came from")
    .argument("<id>", "such as ReportService.summarise")
    .action(async (id: string) => (await import("./operations-list.js")).explainOperation(context, id));
}
