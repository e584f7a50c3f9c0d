import type { ErrorObject } from "ajv";
import { nearest } from "../nearest.js";
import { valueAt } from "../plain.js";
import type { SchemaIssue } from "./schema.js";

/** An error of ajv on its way to an issue. */
interface Finding {
  readonly schemaPath: string;
  readonly pointer: string;
  readonly issue: SchemaIssue;
  /** What was wanted, where the value is of another kind altogether. */
  readonly expected?: string;
}

/** ajv's errors in words, without the ones that only repeat another. */
export function issuesFrom(errors: readonly ErrorObject[], value: unknown): SchemaIssue[] {
  const unions = errors.filter(({ keyword }) => keyword === "anyOf" || keyword === "oneOf");
  // The conditions around these report their own failure too.
  let findings = errors
    .filter(({ keyword }) => keyword !== "if" && keyword !== "propertyNames")
    .map((error) => toFinding(error, value));
  for (const union of unions.toSorted((a, b) => b.schemaPath.length - a.schemaPath.length))
    findings = reduceUnion(findings, union);
  return findings.map(({ issue }) => issue);
}

function toFinding(error: ErrorObject, value: unknown): Finding {
  const { keyword, params, schemaPath, instancePath: pointer } = error;
  const extra =
    params["additionalProperty"] ??
    params["unevaluatedProperty"] ??
    params["missingProperty"] ??
    error.propertyName;
  const path = extra === undefined ? toPath(pointer, value) : [...toPath(pointer, value), String(extra)];
  const received = valueAt(value, path);
  const found = received === undefined ? {} : { received };
  const expected = expectation(error);
  if (expected !== undefined) {
    const suggestion =
      keyword === "enum" && typeof received === "string"
        ? nearest(received, (error.schema as unknown[]).map(String))
        : undefined;
    return {
      schemaPath,
      pointer,
      expected,
      issue: {
        path,
        message: `expected ${expected}`,
        ...found,
        ...(suggestion === undefined ? {} : { suggestion }),
      },
    };
  }
  if (keyword === "additionalProperties") {
    const known = Object.keys((error.parentSchema?.["properties"] ?? {}) as object);
    const suggestion = nearest(String(extra), known);
    return {
      schemaPath,
      pointer,
      issue: { path, message: "unknown key", ...found, ...(suggestion === undefined ? {} : { suggestion }) },
    };
  }
  return { schemaPath, pointer, issue: { path, message: message(error), ...found } };
}

const types: Record<string, string> = {
  string: "a text",
  number: "a number",
  integer: "a whole number",
  boolean: "true or false",
  object: "an object",
  array: "a list",
  null: "null",
};

/** What kind of value was wanted; nothing where the kind is right and something about it is not. */
function expectation({ keyword, params, schema }: ErrorObject): string | undefined {
  switch (keyword) {
    case "type":
      return [params["type"] as string | string[]]
        .flat()
        .map((type) => types[type] ?? type)
        .join(" or ");
    case "typeof":
      return `a ${String(schema)}`;
    case "enum":
      return `one of ${(schema as unknown[]).map((allowed) => JSON.stringify(allowed)).join(", ")}`;
    case "const":
      return JSON.stringify(schema);
    case "duration":
      return 'a duration: milliseconds, or a text such as "250ms", "5s", "30m", "1h", "1d"';
    case "size":
      return 'a size: bytes, or a text such as "512KB", "64MB", "1GB"';
    default:
      return undefined;
  }
}

function message({ keyword, params, message: text }: ErrorObject): string {
  switch (keyword) {
    case "required":
      return "is required";
    case "minimum":
      return `must be at least ${params["limit"]}`;
    case "maximum":
      return `must be at most ${params["limit"]}`;
    case "exclusiveMinimum":
      return `must be more than ${params["limit"]}`;
    case "exclusiveMaximum":
      return `must be less than ${params["limit"]}`;
    default:
      return text ?? `does not match "${keyword}"`;
  }
}

/**
 * One union gives the errors of all its branches. Where the value is of the kind of one branch,
 * that branch's complaints are the ones that help; otherwise one issue names every kind.
 */
function reduceUnion(findings: readonly Finding[], union: ErrorObject): Finding[] {
  const prefix = `${union.schemaPath}/`;
  const inside = findings.filter(({ schemaPath }) => schemaPath.startsWith(prefix));
  const outside = findings.filter((finding) => !inside.includes(finding));
  const own = outside.find(
    ({ schemaPath, pointer }) => schemaPath === union.schemaPath && pointer === union.instancePath,
  );
  if (own === undefined || inside.length === 0) return outside;
  const branches = new Map<string, Finding[]>();
  for (const finding of inside) {
    const branch = finding.schemaPath.slice(prefix.length).split("/")[0]!;
    branches.set(branch, [...(branches.get(branch) ?? []), finding]);
  }
  const otherKind = (finding: Finding) =>
    finding.expected !== undefined && finding.pointer === union.instancePath;
  const likely = [...branches.values()]
    .filter((branch) => !branch.some(otherKind))
    .toSorted((a, b) => a.length - b.length)[0];
  const rest = outside.filter((finding) => finding !== own);
  if (likely !== undefined) return [...rest, ...likely];
  const expected = [...new Set(inside.filter(otherKind).map((finding) => finding.expected))].join(", or ");
  return [...rest, { ...own, expected, issue: { ...own.issue, message: `expected ${expected}` } }];
}

/** A JSON pointer as keys; a key of a list is a number. */
function toPath(pointer: string, value: unknown): (string | number)[] {
  const path: (string | number)[] = [];
  for (const part of pointer.split("/").slice(1)) {
    const key = part.replaceAll("~1", "/").replaceAll("~0", "~");
    path.push(Array.isArray(valueAt(value, path)) ? Number(key) : key);
  }
  return path;
}
