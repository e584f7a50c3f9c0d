import { inspect } from "node:util";
import { ConfigurationError, type ErrorCode } from "../errors/index.js";
import type { Path } from "./layers.js";
import type { ConfigSource } from "./reader.js";
import { redact } from "./secrets/redaction.js";

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

/** Everything that is wrong, in one error. What is named like a secret, or is the password in a URL, is hidden. */
export function configurationError(
  found: readonly ConfigProblem[],
  options: { code?: ErrorCode; cause?: unknown } = {},
): ConfigurationError {
  const problems = found.map((problem) => redactProblem(problem));
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

/** A problem without the secrets in what was received, also of a key that is mistyped. */
export function redactProblem(problem: ConfigProblem, isSecret?: (path: Path) => boolean): ConfigProblem {
  const { path, received, suggestion } = problem;
  if (received === undefined) return problem;
  const keys = parsePath(path);
  const meant = suggestion === undefined ? keys : [...keys.slice(0, -1), suggestion];
  const shown = redact(redact(received, keys, isSecret), meant, isSecret);
  return shown === received ? problem : { ...problem, received: shown };
}

/** One problem in one line. */
export function describeProblem({ path, message, received, source, suggestion }: ConfigProblem): string {
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
  return [...path.matchAll(/"(?:[^"\\]|\\.)*"|[^.]+/gs)].map(([key]) => unquoted(key));
}

function unquoted(key: string): string {
  if (!key.startsWith('"')) return key;
  try {
    return JSON.parse(key) as string;
  } catch {
    // Typed by a person: a quote without its other half is a part of the key.
    return key;
  }
}
