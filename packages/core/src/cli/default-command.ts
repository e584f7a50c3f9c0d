import type { Command } from "commander";
import { nearest } from "../config/nearest.js";
import { UsageError } from "./failure.js";

/** The command `list` of a group, which is also what the group does when no command follows. */
export function addList(group: Command, description: string, list: () => Promise<void>): void {
  group
    .command("list", { isDefault: true })
    .description(description)
    .allowExcessArguments()
    .action(async (_options, command: Command) => {
      const [stray] = command.args;
      if (stray === undefined) return await list();
      const meant = nearest(
        stray,
        group.commands.map((known) => known.name()),
      );
      const hint = meant === undefined ? `See mlmcp ${group.name()} --help.` : `Did you mean ${meant}?`;
      throw new UsageError(`unknown command 'mlmcp ${group.name()} ${stray}'`, hint);
    });
}
