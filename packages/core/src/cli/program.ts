import { createRequire } from "node:module";
import { Command } from "commander";
import { filled } from "./filled.js";
import { addCompletionCommands } from "./commands/completion.js";
import { addConfigCommands } from "./commands/config.js";
import { addDoctorCommand } from "./commands/doctor.js";
import { addInitCommand } from "./commands/init.js";
import { addOperationsCommands } from "./commands/operations.js";
import { addPluginsCommands } from "./commands/plugins.js";
import type { Session } from "./session.js";

/** The command line without what plugins add. Commands load what they need when they run. */
export function createProgram(session: Session): Command {
  const { stdout, stderr } = session.terminal;
  const program = new Command("mlmcp")
    .description("Look at and change a configuration, its plugins and the operations that they tune.")
    .version(version(), "-V, --version")
    .option("--cwd <directory>", "where the search for the configuration begins", filled)
    .option("--config <file>", "the configuration file, in place of the one that is found", filled)
    .option("--app <module>", "a module that imports the application's classes", filled)
    .option("--json", "print JSON")
    .option("--debug", "show stack traces")
    .option("--yes", "ask nothing, and take every question as agreed to")
    .option("--force", "do it in production too, or over a file that exists")
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: (text) => stdout.write(text),
      writeErr: (text) => stderr.write(text),
      getOutHelpWidth: () => stdout.columns ?? 80,
      getErrHelpWidth: () => stderr.columns ?? 80,
      getOutHasColors: () => stdout.isTTY === true,
      getErrHasColors: () => stderr.isTTY === true,
    })
    .exitOverride()
    .showHelpAfterError("(add --help for what there is)")
    .addHelpText("after", "\n`mlmcp help --all` lists every command, with those that plugins add.")
    .hook("preAction", () => {
      session.options = program.opts();
    });

  const groups = [
    addInitCommand,
    addConfigCommands,
    addPluginsCommands,
    addOperationsCommands,
    addDoctorCommand,
    addCompletionCommands,
  ];
  for (const add of groups) add(program, session);
  return program;
}

function version(): string {
  // By the package's own name: bundled code may stand in any directory of it.
  return (createRequire(import.meta.url)("@mlmcp/core/package.json") as { version: string }).version;
}
