import type { Command, Option } from "commander";
import type { Session } from "./session.js";

/** Something that may stand in place of the word that is being typed. */
export interface Candidate {
  readonly value: string;
  /** In one line; may be empty. */
  readonly description: string;
}

/**
 * What may stand in place of the last word, from the commands themselves, the configuration and the
 * application. Empty where that is a file. What goes wrong on the way is not reported: there are
 * fewer candidates then.
 *
 * @param words what is typed after `mlmcp`, the last one as far as it is typed
 */
export async function candidates(
  program: Command,
  session: Session,
  words: readonly string[],
): Promise<Candidate[]> {
  const before = words.slice(0, -1);
  const typed = words.at(-1) ?? "";
  const first = readWords(program, before);
  session.options = first.options;
  // The commands of plugins are known once they are loaded, which takes a moment.
  if (first.command === program && !first.awaiting && !typed.startsWith("-"))
    await quietly(async () => (await import("./plugin-commands.js")).addPluginCommands(program, session));
  const { command, rest: values, awaiting } = readWords(program, before);
  const found = await (async () => {
    if (awaiting) return awaiting.argChoices?.map((value) => ({ value, description: "" })) ?? [];
    if (typed.startsWith("-")) return optionsOf(program, command);
    return [...subcommands(program, command, values), ...(await valuesFor(session, command, values.length))];
  })();
  return found.filter(({ value }) => value.startsWith(typed));
}

interface Read {
  /** The innermost command that is named. */
  readonly command: Command;
  /** What is typed for it, options left out. */
  readonly rest: readonly string[];
  /** An option whose value comes next. */
  readonly awaiting: Option | undefined;
  /** Those that every command takes. */
  readonly options: Record<string, string | boolean>;
}

function readWords(program: Command, words: readonly string[]): Read {
  let command = program;
  let awaiting: Option | undefined;
  const rest: string[] = [];
  const options: Record<string, string | boolean> = {};
  const set = (option: Option, value: string | boolean): void => {
    if (program.options.includes(option)) options[option.attributeName()] = value;
  };
  for (const word of words) {
    if (awaiting) {
      set(awaiting, word);
      awaiting = undefined;
    } else if (word.startsWith("-")) {
      const [flag, value] = word.split(/=(.*)/s) as [string, string | undefined];
      const option = [...command.options, ...program.options].find(
        ({ long, short }) => flag === long || flag === short,
      );
      if (option?.required && value === undefined) awaiting = option;
      else if (option) set(option, value ?? true);
    } else if (command === program && word === "help") {
      continue;
    } else {
      const next = rest.length === 0 ? findCommand(command, word) : undefined;
      if (next) command = next;
      else rest.push(word);
    }
  }
  return { command, rest, awaiting, options };
}

function findCommand(group: Command, word: string): Command | undefined {
  return group.commands.find((command) => command.name() === word || command.aliases().includes(word));
}

function optionsOf(program: Command, command: Command): Candidate[] {
  const options = new Set([...command.options, ...program.options]);
  return [
    ...Array.from(options, ({ long, short, description }) => ({ value: long ?? short!, description })),
    { value: "--help", description: "display help for command" },
  ];
}

function subcommands(program: Command, command: Command, values: readonly string[]): Candidate[] {
  if (values.length > 0) return [];
  const visible = command.createHelp().visibleCommands(command);
  return visible.map((one) => ({ value: one.name(), description: one.description() }));
}

/** Values of an argument, by the command that takes it. */
async function valuesFor(session: Session, command: Command, position: number): Promise<Candidate[]> {
  const choices = command.registeredArguments[position]?.argChoices;
  if (choices) return choices.map((value) => ({ value, description: "" }));
  if (position > 0) return [];
  switch (pathOf(command)) {
    case "config get":
    case "config set":
    case "config unset":
    case "config explain":
      return settings(session);
    case "config show":
      return (await settings(session)).filter(({ value }) => !value.includes("."));
    case "operations":
    case "operations list":
    case "operations explain":
    case "operations export":
      return quietly(async () =>
        (await session.kernel()).operations.list().map(({ id, source }) => ({
          value: id,
          description: source ? `${source.file}:${source.line}` : "",
        })),
      );
    case "plugins info":
      return quietly(async () =>
        (await session.kernel()).plugins.map(({ name, section }) => ({
          value: name,
          description: section === undefined ? "" : `section ${section}`,
        })),
      );
    default:
      return [];
  }
}

function pathOf(command: Command): string {
  return command.parent?.parent ? `${pathOf(command.parent)} ${command.name()}` : command.name();
}

/** Every path that may be configured, also where the configuration is broken. */
async function settings(session: Session): Promise<Candidate[]> {
  const { settingFacts, settingPaths } = await import("../config/schema/known-settings.js");
  const { knownTo, readConfig } = await import("./commands/config-loading.js");
  const core = { sections: [], advice: [] };
  const known = await readConfig(session)
    .then((sources) => knownTo(session, sources))
    .catch(() => core);
  return settingPaths(known).map((path) => {
    const { description = "", type = "" } = settingFacts(known, path.split(".")) ?? {};
    return { value: path, description: (description || type).replaceAll(/\s+/g, " ") };
  });
}

/** What goes wrong here would be written over what somebody is typing. */
async function quietly<T>(find: () => Promise<T>): Promise<T extends readonly unknown[] ? T : never[]> {
  type Found = T extends readonly unknown[] ? T : never[];
  try {
    return ((await find()) ?? []) as Found;
  } catch {
    return [] as unknown as Found;
  }
}
