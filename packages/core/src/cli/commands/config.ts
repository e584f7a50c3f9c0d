import type { Command } from "commander";
import type { CommandContext } from "../context.js";

/** `mlmcp config …`. Each command loads what it needs when it runs. */
export function addConfigCommands(program: Command, context: CommandContext): void {
  const config = program.command("config").description("The configuration");
  config
    .command("show")
    .description("print the effective configuration, each value with where it came from")
    .argument("[section]", "only this section")
    .action(async (section?: string) => (await import("./config-show.js")).showConfig(context, section));
}
