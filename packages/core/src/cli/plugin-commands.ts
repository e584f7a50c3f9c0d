import type { Command as Program } from "commander";
import { isPlainObject } from "../config/plain.js";
import type { Command, PluginKernel } from "../plugin.js";
import type { CommandContext } from "./context.js";
import { formatTable, inline, toJson } from "./terminal.js";

/**
 * Adds the commands of all loaded plugins. `cache stats` becomes the command `stats` of a group
 * `cache`.
 *
 * @throws PluginError where two commands have one name, or one takes a word of the core's
 */
export async function addPluginCommands(program: Program, context: CommandContext): Promise<void> {
  const { PluginError } = await import("../errors/index.js");
  const own = new Set(program.commands.map((command) => command.name()));
  const kernel = await context.kernel();
  kernel.pluginSet.forEach((plugin, scope) => {
    for (const definition of plugin.commands ?? []) {
      const words = definition.name.trim().split(/\s+/);
      const group = words.slice(0, -1).reduce(groupIn, program);
      const last = words.at(-1)!;
      if (own.has(words[0]!) || find(group, last) !== undefined) {
        throw new PluginError(
          `The plugin "${plugin.name}" has a command \`mlmcp ${definition.name}\`, but that name is taken.`,
          {
            code: "MLMCP_PLUGIN_COMMAND",
            context: { plugin: plugin.name, command: definition.name },
          },
        );
      }
      addCommand(group, last, definition, scope, context);
    }
  });
}

function find(group: Program, name: string): Program | undefined {
  return group.commands.find((command) => command.name() === name);
}

function groupIn(parent: Program, word: string): Program {
  return find(parent, word) ?? parent.command(word).description(`Commands for ${word}`);
}

function addCommand(
  group: Program,
  name: string,
  definition: Command,
  kernel: PluginKernel,
  context: CommandContext,
): void {
  const command = group.command(name).description(definition.description);
  for (const argument of definition.arguments ?? []) command.argument(argument);
  for (const { flags, description } of definition.options ?? []) command.option(flags, description);
  command.action(async () => {
    await (await context.kernel()).start();
    const result = await definition.run({ kernel, args: command.args, options: command.opts() });
    printResult(result, context);
  });
}

function printResult(result: unknown, context: CommandContext): void {
  if (result === undefined) return;
  if (context.options.json === true) context.print(toJson(result));
  else if (typeof result === "string") context.print(result);
  else if (Array.isArray(result) && result.every(isPlainObject))
    context.print(formatTable(result.map(toCells), context.paint));
  else if (isPlainObject(result)) {
    const rows = Object.entries(toCells(result)).map(([name, value]) => ({ name, value }));
    context.print(formatTable(rows, context.paint));
  } else context.print(inline(result));
}

function toCells(row: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(row).map(([key, value]) => [key, value === undefined ? "" : inline(value)]),
  );
}
