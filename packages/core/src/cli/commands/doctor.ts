import type { Command } from "commander";
import type { CommandContext } from "../context.js";
import type { DoctorOptions } from "./doctor-run.js";

/** `mlmcp doctor`. It loads what it needs when it runs. */
export function addDoctorCommand(program: Command, context: CommandContext): void {
  program
    .command("doctor")
    .description("look for what is wrong with the installation, the configuration and the operations")
    .option("--rule <ids...>", "only these rules")
    .option("--no-start", "look only: start no plugin, ask no store")
    .option("--strict", "fail on warnings too")
    .action(async (options: DoctorOptions) => (await import("./doctor-run.js")).runDoctor(context, options));
}
