import type { Command } from "commander";
import type { CommandContext } from "../context.js";
import { addList } from "../default-command.js";
import { filled } from "../filled.js";

/** `mlmcp plugins …`, or `mlmcp plugin …`. */
export function addPluginsCommands(program: Command, context: CommandContext): void {
  const plugins = program.command("plugins").alias("plugin").description("The plugins");
  addList(plugins, {
    description: "list the plugins, what they add, and which are turned off",
    list: async () => (await import("./plugins-list.js")).listPlugins(context),
  });
  plugins
    .command("info")
    .description("print what one plugin brings: settings, decorators, commands, checks")
    .argument("<name>", "the plugin's name; `cache` is short for `@mlmcp/plugin-cache`")
    .action(async (name: string) => (await import("./plugins-info.js")).showPlugin(context, name));
  plugins
    .command("create")
    .description("make a new plugin: a package with a decorator, a section, and tests that pass")
    .argument("<name>", "the package's name, such as mlmcp-plugin-audit or @acme/plugin-audit")
    .option(
      "--directory <path>",
      "where; it must be empty or not exist (default: the name without its scope)",
      filled,
    )
    .action(async (name: string, options: { directory?: string }) =>
      (await import("./plugin-create.js")).createPlugin(context, name, options),
    );
}
