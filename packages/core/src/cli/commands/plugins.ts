import type { Command } from "commander";
import type { CommandContext } from "../context.js";
import { addList } from "../default-command.js";

/** `mlmcp plugins …`. */
export function addPluginsCommands(program: Command, context: CommandContext): void {
  const plugins = program.command("plugins").description("The plugins");
  addList(plugins, "list the plugins, what they add, and which are turned off", async () =>
    (await import("./plugins-list.js")).listPlugins(context),
  );
}
