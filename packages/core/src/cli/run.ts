import type { Command } from "commander";
import { nearest } from "../config/nearest.js";
import { commandHint } from "./default-command.js";
import { exitCodes, report, UsageError } from "./failure.js";
import { createProgram } from "./program.js";
import { Session } from "./session.js";
import type { Terminal } from "./terminal.js";

/**
 * Runs one command line and gives its exit code: 0 done, 1 failed or a name that nothing has, 2 typed wrong.
 *
 * ```ts
 * process.exitCode = await run(["config", "show"], { stdin, stdout, stderr, cwd: cwd(), env }); // all of node:process
 * ```
 */
export async function run(argv: readonly string[], terminal: Terminal): Promise<number> {
  const session = new Session(terminal);
  const program = createProgram(session);
  let code: number = exitCodes.ok;
  try {
    if (asksForAll(program, argv))
      await (await import("./all-commands.js")).printAllCommands(program, session);
    else {
      const foreign = foreignWord(program, argv);
      if (foreign !== undefined) await addForeign(foreign, program, session);
      refuseUnknownTopic(program, argv);
      await program.parseAsync(helpAsOption(program, argv), { from: "user" });
    }
  } catch (error) {
    code = report(error, terminal, argv.includes("--debug"));
  }
  try {
    await session.close();
  } catch (error) {
    code = report(error, terminal, argv.includes("--debug"));
  }
  return code;
}

/** Whether it is `help --all`: commander's command of that name takes no options. */
function asksForAll(program: Command, argv: readonly string[]): boolean {
  const { operands, unknown } = program.parseOptions([...argv]);
  return operands[0] === "help" && [...operands.slice(1), ...unknown].join(" ") === "--all";
}

/** `help confg`, which commander answers with the help of everything. */
function refuseUnknownTopic(program: Command, argv: readonly string[]): void {
  const { operands } = program.parseOptions([...argv]);
  if (operands[0] !== "help") return;
  let group = program;
  for (const word of operands.slice(1)) {
    if (group.commands.length === 0 || word === "help") return;
    const known = group.commands.find((one) => one.name() === word || one.aliases().includes(word));
    if (known === undefined) throw new UsageError(`unknown command '${word}'`, commandHint(group, word));
    group = known;
  }
}

/** `help config set` as `config set --help`: commander's `help` looks at one word only. */
function helpAsOption(program: Command, argv: readonly string[]): readonly string[] {
  const { operands } = program.parseOptions([...argv]);
  return operands[0] === "help" && operands.length > 2 ? [...operands.slice(1), "--help"] : argv;
}

/** The first word, where it is none of ours: then it is a plugin's command, or wrong. */
function foreignWord(program: Command, argv: readonly string[]): string | undefined {
  const { operands } = program.parseOptions([...argv]);
  const word = operands[0] === "help" ? operands[1] : operands[0];
  return namesOf(program).includes(word ?? "") ? undefined : word;
}

async function addForeign(word: string, program: Command, session: Session): Promise<void> {
  session.options = program.opts();
  const own = namesOf(program);
  const { addPluginCommands } = await import("./plugin-commands.js");
  try {
    await addPluginCommands(program, session);
  } catch (error) {
    // Somebody who mistyped a command of ours need not hear of a configuration that is wrong.
    if (nearest(word, own) === undefined) throw error;
    return;
  }
  // Where a command was nearly typed, commander says so.
  if (nearest(word, namesOf(program)) !== undefined) return;
  const { idlePluginHint } = await import("./idle-plugins.js");
  const hint = await idlePluginHint(word, session);
  if (hint !== undefined) throw new UsageError(`unknown command '${word}'`, hint);
}

function namesOf(program: Command): string[] {
  return program.commands.flatMap((command) => [command.name(), ...command.aliases()]);
}
