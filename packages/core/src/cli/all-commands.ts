import type { Command } from "commander";
import type { Session } from "./session.js";
import { formatTable, toJson } from "./terminal.js";

/**
 * `mlmcp help --all`: every command in one line, nested ones and those of plugins too, and below them
 * for people the plugins that are installed and not loaded. Where a configuration keeps the plugins
 * from being loaded, the core's own, and a warning.
 */
export async function printAllCommands(program: Command, session: Session): Promise<void> {
  session.options = program.opts();
  const { addPluginCommands } = await import("./plugin-commands.js");
  const { idlePlugins } = await import("./idle-plugins.js");
  let idle: readonly string[] = [];
  try {
    await addPluginCommands(program, session);
    idle = await idlePlugins(session);
  } catch (error) {
    const reason = (error as Error).message.split("\n")[0]!.replace(/:$/, "");
    session.terminal.stderr.write(`warning: the commands of plugins are not among these: ${reason}\n`);
  }
  const commands = leavesOf(program, program.name());
  if (session.options.json === true) return session.print(toJson(commands));
  session.print(formatTable(commands, session.paint));
  if (idle.length > 0)
    session.print(
      `\nInstalled, but not configured, so that their commands are not among these: ${idle.join(", ")}`,
    );
}

function leavesOf(group: Command, path: string): Array<{ command: string; description: string }> {
  return group
    .createHelp()
    .visibleCommands(group)
    .flatMap((command) => {
      if (command.name() === "help") return [];
      const here = `${path} ${command.name()}`;
      if (command.commands.length > 0) return leavesOf(command, here);
      const words = command.registeredArguments.map((argument) => {
        const name = `${argument.name()}${argument.variadic ? "..." : ""}`;
        return argument.required ? `<${name}>` : `[${name}]`;
      });
      return [{ command: [here, ...words].join(" "), description: command.description() }];
    });
}
