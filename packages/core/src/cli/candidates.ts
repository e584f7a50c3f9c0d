import type { Command, Option } from "commander";
import type { KnownSchemas } from "../config/load.js";
import { formatPath } from "../config/problems.js";
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
  // The commands of plugins are known once they are loaded, which takes a moment; options of the program are known before.
  const isOfProgram = typed.startsWith("-") && first.rest.length === 0;
  if (first.command === program && !first.awaiting && !isOfProgram)
    await quietly(async () => (await import("./plugin-commands.js")).addPluginCommands(program, session));
  const { command, rest: values, awaiting } = readWords(program, before);
  const found = await (async () => {
    if (awaiting && !(awaiting.variadic && typed.startsWith("-")))
      return optionValues(session, command, awaiting);
    if (typed.startsWith("-")) return optionsOf(program, command);
    return [
      ...subcommands(program, command, values),
      ...(await valuesFor(session, command, values.length, typed)),
    ];
  })();
  // A line for each, which a shell splits: what breaks one cannot be offered.
  return found.flatMap(({ value, description }) =>
    beginsWith(value, typed) && !/\p{Cc}/u.test(value)
      ? [{ value, description: description.replaceAll(/\s+/g, " ") }]
      : [],
  );
}

/** Quotes do not count: whoever begins to type an id need not know that it stands in them. */
function beginsWith(text: string, typed: string): boolean {
  return text.replaceAll('"', "").startsWith(typed.replaceAll('"', ""));
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
    if (awaiting && !(awaiting.variadic && word.startsWith("-"))) {
      set(awaiting, word);
      if (!awaiting.variadic) awaiting = undefined;
    } else if (word.startsWith("-")) {
      const [flag, value] = word.split(/=(.*)/s) as [string, string | undefined];
      const option = [...command.options, ...program.options].find(
        ({ long, short }) => flag === long || flag === short,
      );
      awaiting = option?.required && value === undefined ? option : undefined;
      if (awaiting) continue;
      if (option) set(option, value ?? true);
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

async function optionValues(session: Session, command: Command, option: Option): Promise<Candidate[]> {
  if (option.attributeName() === "rule") return rules(session);
  const choices = option.argChoices?.map((value) => ({ value, description: "" }));
  return choices ?? valuesOfPlugin(command, option.attributeName());
}

/** Of doctor: those of the core, and of plugins where they can be loaded. */
async function rules(session: Session): Promise<Candidate[]> {
  const { kernelRules, runningRules, surroundingRules } = await import("../diagnostics/core-rules.js");
  const own = [...surroundingRules, ...kernelRules, ...runningRules];
  const plugins = await quietly(async () => (await session.kernel()).plugins);
  return [
    ...own.map(({ rule }) => ({ value: rule, description: "" })),
    ...plugins.flatMap(({ name, diagnostics = [] }) =>
      diagnostics.map(({ rule }) => ({ value: rule, description: name })),
    ),
  ];
}

/** Values of an argument, by the command that takes it. */
async function valuesFor(
  session: Session,
  command: Command,
  position: number,
  typed: string,
): Promise<Candidate[]> {
  const choices = command.registeredArguments[position]?.argChoices;
  if (choices) return choices.map((value) => ({ value, description: "" }));
  const named = command.registeredArguments[position]?.name();
  const given = named === undefined ? [] : await valuesOfPlugin(command, named);
  if (given.length > 0) return given;
  if (position > 0) return [];
  switch (pathOf(command)) {
    case "config get":
    case "config set":
    case "config unset":
    case "config explain":
      return settings(session, typed);
    case "config show":
      return (await settings(session, "")).filter(({ value }) => !value.includes("."));
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

/** What the plugin that a command belongs to says may stand for an argument or option. */
function valuesOfPlugin(command: Command, name: string): Promise<Candidate[]> {
  return quietly(async () => {
    const { valuesFor: values } = await import("./plugin-commands.js");
    return (await values(command, name)).map((value) => ({ value, description: "" }));
  });
}

function pathOf(command: Command): string {
  return command.parent?.parent ? `${pathOf(command.parent)} ${command.name()}` : command.name();
}

/** Every path that may be configured, also where the configuration is broken; of operations what goes on from what is typed. */
async function settings(session: Session, typed: string): Promise<Candidate[]> {
  const { settingFacts, settingPaths } = await import("../config/schema/known-settings.js");
  const { knownTo, readConfig } = await import("./commands/config-loading.js");
  const core = { sections: [], advice: [] };
  const known = await readConfig(session)
    .then((sources) => knownTo(session, sources))
    .catch(() => core);
  const described = (path: readonly string[]): Candidate => {
    const { description = "", type = "" } = settingFacts(known, path) ?? {};
    return { value: formatPath(path), description: (description || type).replaceAll(/\s+/g, " ") };
  };
  const { liveOperations } = await import("../operations/operation.js");
  const tunable = [...liveOperations()].filter(({ pending }) => !pending);
  return [
    ...settingPaths(known).map((path) => described(path.split("."))),
    ...tunable.flatMap(({ id, advice }) => {
      const path = ["operations", id];
      const inside = beginsWith(typed, formatPath(path));
      const names = inside ? new Set(advice.map((one) => one.advice.name)) : [];
      return [
        { value: formatPath(path), description: "" },
        ...[...names].flatMap((name) => [
          described([...path, name]),
          ...optionNames(known, name).map((option) => described([...path, name, option])),
        ]),
      ];
    }),
  ];
}

function optionNames({ advice }: KnownSchemas, name: string): string[] {
  const { properties = {} } = advice.find((one) => one.name === name)?.schema ?? {};
  return Object.keys(properties as object);
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
