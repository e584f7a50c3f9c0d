import type { Command as Program } from "commander";
import { isPlainObject } from "../config/plain.js";
import type { Command, PluginKernel } from "../plugin.js";
import type { CommandContext } from "./context.js";
import { CommandFailure } from "./failure.js";
import { progressOn } from "./progress.js";
import { formatTable, inline, toJson } from "./terminal.js";

/**
 * Adds the commands of all loaded plugins. `cache stats` becomes the command `stats` of a group
 * `cache`.
 *
 * @throws PluginError where two commands have one name, or one takes a word of the core's
 */
export async function addPluginCommands(program: Program, context: CommandContext): Promise<void> {
  const { PluginError } = await import("../errors/index.js");
  const own = new Set(program.commands.flatMap((command) => [command.name(), ...command.aliases()]));
  const kernel = await context.kernel();
  kernel.pluginSet.forEach((plugin, scope) => {
    for (const definition of plugin.commands ?? []) {
      const words = definition.name.trim().split(/\s+/);
      const group = words.slice(0, -1).reduce(groupIn, program);
      const last = words.at(-1)!;
      const refuse = (problem: string) =>
        new PluginError(
          `The plugin "${plugin.name}" has a command \`mlmcp ${definition.name}\`, but ${problem}`,
          {
            code: "MLMCP_PLUGIN_COMMAND",
            context: { plugin: plugin.name, command: definition.name },
          },
        );
      if (own.has(words[0]!) || find(group, last) !== undefined) throw refuse("that name is taken.");
      const command = addCommand(group, last, definition, scope, context);
      // Commander gives such an option to the program, so the command would never see it.
      const taken = command.options.find(({ long }) =>
        program.options.some((option) => option.long === long),
      );
      if (taken) throw refuse(`its option ${taken.long} is one that every command has.`);
    }
  });
}

const definitions = new WeakMap<Program, { readonly definition: Command; readonly kernel: PluginKernel }>();

/** What a plugin's command says may stand for an argument or option of this name. */
export async function valuesFor(command: Program, name: string): Promise<readonly string[]> {
  const { definition, kernel } = definitions.get(command) ?? {};
  return kernel ? ((await definition?.values?.[name]?.(kernel)) ?? []) : [];
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
): Program {
  const { description, destroys } = definition;
  const command = group.command(name).description(description);
  definitions.set(command, { definition, kernel });
  for (const argument of definition.arguments ?? []) command.argument(argument);
  for (const option of definition.options ?? []) command.option(option.flags, option.description);
  if (destroys !== undefined) {
    const safety = "It asks before it runs, needs --force in production, and is written to the audit log.";
    command.addHelpText("after", `\n${destroys} ${safety}`);
  }
  return command.action(async () => {
    if (destroys !== undefined) await context.confirm(destroys);
    await (await context.kernel()).start();
    const progress = progressOn(context.terminal.stderr);
    const run = () =>
      definition.run({ kernel, args: command.args, options: command.opts(), progress: progress?.show });
    try {
      const result = await (destroys === undefined ? run() : runAudited(definition, command, kernel, run));
      progress?.clear();
      printResult(result, definition, context);
      const failure = definition.failure?.(result);
      if (failure !== undefined) throw new CommandFailure(failure);
    } finally {
      progress?.clear();
    }
  });
}

async function runAudited(
  { name }: Command,
  command: Program,
  { config }: PluginKernel,
  run: () => unknown,
): Promise<unknown> {
  const [{ audited, auditFile }, { redact }] = await Promise.all([
    import("./audited.js"),
    import("../config/secrets/redaction.js"),
  ]);
  const given = command.registeredArguments.map((argument, index) => [
    argument.name(),
    command.processedArgs[index],
  ]);
  const entry = {
    action: name,
    by: "cli" as const,
    // By name, since a name tells a secret.
    arguments: redact(Object.fromEntries(given), []),
    options: redact(command.opts(), []),
  };
  return audited(auditFile(config), entry, run);
}

function printResult(given: unknown, { present }: Command, context: CommandContext): void {
  if (given === undefined) return;
  if (context.options.json === true) return context.print(toJson(given));
  const result = present ? present(given) : given;
  if (typeof result === "string") context.print(result);
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
