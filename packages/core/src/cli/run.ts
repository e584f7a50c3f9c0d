import type { Command } from "commander";
import { nearest } from "../config/nearest.js";
import { exitCodes, report } from "./failure.js";
import { createProgram } from "./program.js";
import { Session } from "./session.js";
import type { Terminal } from "./terminal.js";

/**
 * Runs one command line and gives its exit code: 0 done, 1 failed, 2 typed wrong.
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
    const foreign = foreignWord(program, argv);
    if (foreign !== undefined) await addForeign(foreign, program, session);
    await program.parseAsync(argv, { from: "user" });
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
  }
}

function namesOf(program: Command): string[] {
  return program.commands.flatMap((command) => [command.name(), ...command.aliases()]);
}
