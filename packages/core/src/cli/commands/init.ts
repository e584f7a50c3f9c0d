import { Option, type Command } from "commander";
import type { CommandContext } from "../context.js";
import type { InitOptions } from "./init-run.js";

/** `mlmcp init`. It loads what it needs when it runs. */
export function addInitCommand(program: Command, context: CommandContext): void {
  program
    .command("init")
    .description("write a configuration file: asks, or takes what it finds under --yes")
    .addOption(new Option("--format <format>", "of the file (default: yaml)").choices(["yaml", "json", "ts"]))
    .option("--environment <name>", "system.environment (default: development)")
    .action(async (options: InitOptions) => (await import("./init-run.js")).initialize(context, options));
}
