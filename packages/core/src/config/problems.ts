import { inspect } from "node:util";
import { ConfigurationError, type ErrorCode } from "../errors/index.js";
import type { ConfigSource } from "./reader.js";

/** One thing that is wrong with the configuration. */
export interface ConfigProblem {
  /** Dotted path: `cache.ttl`. Empty for a source as a whole. */
  readonly path: string;
  readonly message: string;
  readonly received?: unknown;
  readonly source?: ConfigSource;
  /** The nearest valid key or value. */
  readonly suggestion?: string;
}

/** Everything that is wrong, in one error. */
export function configurationError(
  problems: readonly ConfigProblem[],
  options: { code?: ErrorCode; cause?: unknown } = {},
): ConfigurationError {
  const lines = problems.map(describeProblem);
  const message =
    lines.length === 1
      ? `The configuration is wrong: ${lines[0]}`
      : `The configuration is wrong in ${lines.length} places:\n  ${lines.join("\n  ")}`;
  return new ConfigurationError(message, {
    ...options,
    context: { issues: problems },
    suggestions: problems.flatMap(({ suggestion, path }) =>
      suggestion === undefined ? [] : [`For ${path} write "${suggestion}".`],
    ),
  });
}

function describeProblem({ path, message, received, source, suggestion }: ConfigProblem): string {
  let line = path === "" ? message : `${path}: ${message}`;
  if (received !== undefined) line += `, received ${show(received)}`;
  if (source !== undefined) line += ` (${locate(source)})`;
  return suggestion === undefined ? line : `${line}. Did you mean "${suggestion}"?`;
}

/** A source in full: a file with its directory, line and column, as terminals and editors open it. */
function locate({ name, line, column }: ConfigSource): string {
  return [name, line, column].filter((part) => part !== undefined).join(":");
}

function show(value: unknown): string {
  const text =
    typeof value === "string" ? JSON.stringify(value) : inspect(value, { depth: 2, breakLength: Infinity });
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

/** A path as it is written for people; keys with dots are quoted, and {@link parsePath} reads it again. */
export function formatPath(path: readonly (string | number)[]): string {
  return path
    .map((key) => (/[."]/.test(String(key)) || key === "" ? JSON.stringify(key) : String(key)))
    .join(".");
}

/** Reads `cache.ttl` and `operations."Reports.load".cached`. */
export function parsePath(path: string): string[] {
  return [...path.matchAll(/"((?:[^"\\]|\\.)*)"|[^.]+/g)].map(([whole, quoted]) =>
    quoted === undefined ? whole : (JSON.parse(whole) as string),
  );
}
