import { inspect } from "node:util";
import { CommanderError } from "commander";
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

/** A command that was typed wrong. */
export class UsageError extends CommandFailure {}

export const exitCodes = { ok: 0, failure: 1, usage: 2 } as const;

/** Writes what went wrong for a person, without a stack unless asked for, and gives the exit code. */
export function report(error: unknown, { stderr, env }: Terminal, debug: boolean): number {
  // Commander has written its own message by now.
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
  const paint = painter(stderr, env);
  const lines = describe(error).map((line, index) =>
    index === 0 ? `${paint("red", "error:")} ${line}` : line,
  );
  stderr.write(`${lines.join("\n")}\n`);
  if (debug) stderr.write(`${inspect(error)}\n`);
  else if (!(error instanceof CommandFailure))
    stderr.write(`${paint("dim", "Run it with --debug for the stack trace.")}\n`);
  return error instanceof UsageError ? exitCodes.usage : exitCodes.failure;
}

function describe(error: unknown): string[] {
  if (error instanceof CommandFailure)
    return [error.message, ...(error.remedy === undefined ? [] : [error.remedy])];
  if (error instanceof AggregateError)
    return [error.message, ...error.errors.flatMap((one) => describe(one).map((line) => `  ${line}`))];
  if (!(error instanceof Error)) return [String(error)];
  const { suggestions } = error as { suggestions?: unknown };
  return [
    error.message,
    ...(Array.isArray(suggestions) ? suggestions.map((suggestion) => `  ${String(suggestion)}`) : []),
  ];
}
