import { createRequire } from "node:module";
import { Command } from "commander";
import { nearest } from "../config/nearest.js";
import { UsageError } from "./failure.js";
import type { Session } from "./session.js";

/** The command line without what plugins add. Commands load what they need when they run. */
export function createProgram(session: Session): Command {
  const { stdout, stderr } = session.terminal;
  const program = new Command("mlmcp")
    .description("Look at a configuration, its plugins and the operations that they tune.")
    .version(version(), "-V, --version")
    .option("--cwd <directory>", "where the search for the configuration begins")
    .option("--config <file>", "the configuration file, in place of the one that is found")
    .option("--app <module>", "a module that imports the application's classes")
    .option("--json", "print JSON")
    .option("--debug", "show stack traces")
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
    .addHelpText("after", "\nPlugins add commands of their own; `mlmcp plugins` lists them.")
    .hook("preAction", () => {
      session.options = program.opts();
    });

  const config = program.command("config").description("The configuration");
  config
    .command("show")
    .description("print the effective configuration, each value with where it came from")
    .argument("[section]", "only this section")
    .action(async (section?: string) => (await import("./config-show.js")).showConfig(session, section));

  const plugins = program.command("plugins").description("The plugins");
  addList(plugins, "list the plugins, what they add, and which are turned off", async () =>
    (await import("./plugins.js")).listPlugins(session),
  );

  const operations = program.command("operations").description("The decorated methods");
  addList(operations, "list the decorated methods with their chains", async () =>
    (await import("./operations.js")).listOperations(session),
  );
  operations
    .command("explain")
    .description("print one chain, outermost first, each option with where it came from")
    .argument("<id>", "such as ReportService.summarise")
    .action(async (id: string) => (await import("./operations.js")).explainOperation(session, id));
  return program;
}

/** The command `list` of a group, which is also what the group does when no command follows. */
function addList(group: Command, description: string, list: () => Promise<void>): void {
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

function version(): string {
  // By the package's own name: bundled code may stand in any directory of it.
  return (createRequire(import.meta.url)("@mlmcp/core/package.json") as { version: string }).version;
}
