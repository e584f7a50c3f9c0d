import { inspect } from "node:util";
import { ConfigurationError, type ErrorCode } from "../errors/index.js";
import type { Path } from "./layers.js";
import type { ConfigSource } from "./reader.js";
import type { SchemaIssue } from "./schema/schema.js";
import { redact } from "./secrets/redaction.js";
import { REDACTED } from "./secrets/secrets.js";

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

/** How many problems are told one by one; of the others it is said how many they are. */
export const MAX_PROBLEMS = 50;

/** Where secrets are, besides what is named like one, and passwords in URLs. */
export interface SecretPlaces {
  /** Whether what stands at a path is hidden. */
  readonly isSecret?: (path: Path) => boolean;
  /** Whether something below a path is secret. A text in its place is hidden: JSON that is cut short, say. */
  readonly holdsSecret?: (path: Path) => boolean;
}

interface ConfigurationErrorOptions extends SecretPlaces {
  readonly code?: ErrorCode;
  readonly cause?: unknown;
}

/**
 * Everything that is wrong, in one error, without secrets. Its context holds the `issues`, at most
 * {@link MAX_PROBLEMS} and one that stands for the others, and their `total`.
 */
export function configurationError(
  found: readonly ConfigProblem[],
  options: ConfigurationErrorOptions = {},
): ConfigurationError {
  const { isSecret, holdsSecret, ...given } = options;
  const problems = found
    .slice(0, MAX_PROBLEMS)
    .map((problem) => redactProblem(problem, { isSecret, holdsSecret }));
  const more = found.length - problems.length;
  if (more > 0) problems.push({ path: "", message: `and ${more} more` });
  const lines = problems.map(describeProblem);
  const message =
    found.length === 1
      ? `The configuration is wrong: ${lines[0]}`
      : `The configuration is wrong in ${found.length} places:\n  ${lines.join("\n  ")}`;
  return new ConfigurationError(message, {
    ...given,
    context: { issues: problems, total: found.length },
    suggestions: problems.flatMap(({ suggestion, path, source }) =>
      suggestion === undefined ? [] : [`For ${path || source?.name} write "${suggestion}".`],
    ),
  });
}

/** A problem without the secrets in what was received, also of a key that is mistyped. */
function redactProblem(problem: ConfigProblem, { isSecret, holdsSecret }: SecretPlaces): ConfigProblem {
  const { path, received, suggestion } = problem;
  if (received === undefined) return problem;
  const keys = parsePath(path);
  if (typeof received === "string" && holdsSecret?.(keys) === true) return { ...problem, received: REDACTED };
  const meant = suggestion === undefined ? keys : [...keys.slice(0, -1), suggestion];
  const shown = redact(redact(received, keys, isSecret), meant, isSecret);
  return shown === received ? problem : { ...problem, received: shown };
}

/**
 * What a value that code gives has wrong by its schema, each in one line, without secrets.
 *
 * @param at what the value is called, before the paths in it
 */
export function describeIssues(
  issues: readonly SchemaIssue[],
  secrets: SecretPlaces,
  at: Path = [],
): string[] {
  return issues.map(({ path, ...issue }) => {
    const problem = redactProblem({ ...issue, path: formatPath(path) }, secrets);
    return describeProblem({ ...problem, path: formatPath([...at, ...path]) });
  });
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
