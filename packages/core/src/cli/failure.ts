import { inspect } from "node:util";
import { CommanderError } from "commander";
import { isMlmcpError } from "../errors/index.js";
import { painter, type Terminal } from "./terminal.js";

/** A command that cannot do what it was asked to, and what to do about it. */
export class CommandFailure extends Error {
  constructor(
    message: string,
    readonly remedy?: string,
  ) {
    super(message);
  }
}

/** A command line that is wrong whatever is configured. A name that nothing has is a {@link CommandFailure}. */
export class UsageError extends CommandFailure {}

/** Ends a command that has said everything with a code that is not 0. */
export class ExitCode extends Error {
  constructor(readonly code: number) {
    super(`exit code ${code}`);
  }
}

export const exitCodes = { ok: 0, failure: 1, usage: 2 } as const;

/** Writes what went wrong for a person, without a stack unless asked for, and gives the exit code. */
export function report(error: unknown, { stderr, env }: Terminal, debug: boolean): number {
  // Commander has written its own message by now.
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
  if (error instanceof ExitCode) return error.code;
  const paint = painter(stderr, env);
  const lines = describe(error).map((line, index) =>
    index === 0 ? `${paint("red", "error:")} ${line}` : line,
  );
  stderr.write(`${lines.join("\n")}\n`);
  if (debug) stderr.write(`${inspect(error)}\n`);
  else if (!isExplained(error)) stderr.write(`${paint("dim", "Run it with --debug for the stack trace.")}\n`);
  return error instanceof UsageError ? exitCodes.usage : exitCodes.failure;
}

/** Whether the message says all that a person can use: a stack would only show the inside of this package. */
function isExplained(error: unknown): boolean {
  if (error instanceof AggregateError) return error.errors.every(isExplained);
  return error instanceof CommandFailure || isMlmcpError(error);
}

function describe(error: unknown): string[] {
  if (error instanceof CommandFailure)
    return [error.message, ...(error.remedy === undefined ? [] : [error.remedy])];
  if (error instanceof AggregateError)
    return [error.message, ...error.errors.flatMap((one) => describe(one).map((line) => `  ${line}`))];
  if (!(error instanceof Error)) return [String(error)];
  const { suggestions, context } = error as { suggestions?: unknown; context?: { issues?: unknown } };
  // Each of the issues in the message has its own suggestion with it.
  if (context?.issues !== undefined) return [error.message];
  return [
    error.message,
    ...(Array.isArray(suggestions) ? suggestions.map((suggestion) => `  ${String(suggestion)}`) : []),
  ];
}
