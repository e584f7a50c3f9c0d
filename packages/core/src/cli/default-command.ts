import type { Command } from "commander";
import { nearest } from "../config/nearest.js";
import { UsageError } from "./failure.js";

interface ListDefinition {
  readonly description: string;
  /** What may narrow the list, such as `[glob]`, and its description. */
  readonly argument?: readonly [name: string, description: string];
  list(argument: string | undefined): Promise<void>;
}

/** The command `list` of a group, which is also what the group does when no command follows. */
export function addList(group: Command, { description, argument, list }: ListDefinition): Command {
  const command = group.command("list", { isDefault: true }).description(description).allowExcessArguments();
  if (argument) command.argument(...argument);
  return command.action(async () => {
    const [given, ...more] = command.args;
    const [stray] = argument === undefined ? command.args : more;
    if (stray === undefined) return await list(given);
    // Another command was meant, and its name was taken for what this one lists.
    const hint = commandHint(group, given!) ?? `See mlmcp ${group.name()} --help.`;
    throw new UsageError(`unknown command '${given}'`, hint);
  });
}

/** The question whether a command of the group was meant. */
export function commandHint(group: Command, word: string): string | undefined {
  const meant = nearest(
    word,
    group.commands.map((known) => known.name()),
  );
  return meant === undefined ? undefined : `Did you mean ${meant}?`;
}
