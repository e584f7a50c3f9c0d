import type { ErrorObject } from "ajv";
import { nearest } from "../nearest.js";
import { valueAt } from "../plain.js";
import { MAX_PROBLEMS } from "../problems.js";
import type { SchemaIssue } from "./schema.js";

/** An error of ajv on its way to an issue. */
interface Finding {
  readonly schemaPath: string;
  readonly pointer: string;
  readonly issue: SchemaIssue;
  /** What was wanted, where the value is of another kind altogether. */
  readonly expected?: string;
  /** Whether that is a length of time or a size, for which a text may stand. */
  readonly measure?: boolean;
  /** Whether that is one of certain values, which no bound of another branch tells of. */
  readonly choice?: boolean;
  /** What was wanted, where the value is a text and not a right one. */
  readonly text?: string;
}

/** ajv's errors in words, without the ones that only repeat another. */
export function issuesFrom(errors: readonly ErrorObject[], value: unknown): SchemaIssue[] {
  const unions = errors.filter(({ keyword }) => keyword === "anyOf" || keyword === "oneOf");
  // The conditions around these report their own failure too.
  let findings = errors
    .filter(({ keyword }) => keyword !== "if" && keyword !== "propertyNames")
    .map((error, index) => toFinding(error, value, index < MAX_PROBLEMS));
  const bySchema = grouped(unions, ({ schemaPath }) => schemaPath);
  for (const [schemaPath, same] of [...bySchema].toSorted(([a], [b]) => b.length - a.length))
    findings = reduceUnions(findings, schemaPath, new Set(same.map(({ instancePath }) => instancePath)));
  return findings.map(({ issue }) => issue);
}

/** @param suggest whether to look for what was meant */
function toFinding(error: ErrorObject, value: unknown, suggest: boolean): Finding {
  const { keyword, params, schemaPath, instancePath: pointer } = error;
  const extra =
    params["additionalProperty"] ??
    params["unevaluatedProperty"] ??
    params["missingProperty"] ??
    error.propertyName;
  const path = extra === undefined ? toPath(pointer, value) : [...toPath(pointer, value), String(extra)];
  const received = valueAt(value, path);
  const found = received === undefined || keyword === "check" ? {} : { received };
  const expected = expectation(error);
  if (expected !== undefined) {
    const suggestion =
      suggest && keyword === "enum" && typeof received === "string"
        ? nearest(received, (error.schema as unknown[]).map(String))
        : undefined;
    return {
      schemaPath,
      pointer,
      expected,
      measure: keyword === "duration" || keyword === "size",
      choice: keyword === "const" || keyword === "enum",
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
    const suggestion = suggest ? nearest(String(extra), known) : undefined;
    return {
      schemaPath,
      pointer,
      issue: { path, message: "unknown key", ...found, ...(suggestion === undefined ? {} : { suggestion }) },
    };
  }
  const text = keyword === "pattern" ? textLike(error) : undefined;
  return {
    schemaPath,
    pointer,
    ...(text !== undefined && { text }),
    issue: { path, message: text === undefined ? message(error) : `expected ${text}`, ...found },
  };
}

const aFunction = "a function, which only code can give";

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
function expectation(error: ErrorObject): string | undefined {
  const { keyword, params, schema } = error;
  switch (keyword) {
    case "type":
      return [params["type"] as string | string[]]
        .flat()
        .map((type) => types[type] ?? type)
        .join(" or ");
    case "typeof":
      return schema === "function" ? aFunction : `a ${String(schema)}`;
    case "enum":
      return `one of ${(schema as unknown[]).map((allowed) => JSON.stringify(allowed)).join(", ")}`;
    case "const":
      return JSON.stringify(schema);
    case "duration":
      if (isNegative(error)) return undefined;
      return 'a duration: milliseconds, or a text such as "250ms", "5s", "30m", "1h", "1d"';
    case "size":
      if (isNegative(error)) return undefined;
      return 'a size: bytes, or a text such as "512KB", "64MB", "1GB"';
    default:
      return undefined;
  }
}

/** Whether a length of time or a size would be right but for its sign. */
function isNegative({ data }: ErrorObject): boolean {
  return typeof data === "number" ? data < 0 : typeof data === "string" && /^\s*-\s*\d/.test(data);
}

/** A pattern in words: what it is for, with examples; nothing where its schema has none. */
function textLike({ parentSchema }: ErrorObject): string | undefined {
  const { title = "a text", examples } = parentSchema ?? {};
  if (!Array.isArray(examples) || examples.length === 0) return undefined;
  return `${String(title)} such as ${examples.map((example) => JSON.stringify(example)).join(", ")}`;
}

function message({ keyword, params, message: text }: ErrorObject): string {
  switch (keyword) {
    case "duration":
    case "size":
      return "must be at least 0";
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
 * Each value that matches no branch of a union gives the errors of all of them.
 *
 * @param pointers where those values are
 */
function reduceUnions(
  findings: readonly Finding[],
  schemaPath: string,
  pointers: ReadonlySet<string>,
): Finding[] {
  const prefix = `${schemaPath}/`;
  const unionOf = ({ schemaPath: path, pointer }: Finding): string | undefined =>
    path.startsWith(prefix) ? nearestAbove(pointer, pointers) : undefined;
  const byUnion = grouped(findings, unionOf);
  return (byUnion.get(undefined) ?? []).flatMap((finding) => {
    const inside = finding.schemaPath === schemaPath ? byUnion.get(finding.pointer) : undefined;
    return inside ? reduceUnion(finding, inside, prefix) : [finding];
  });
}

function nearestAbove(pointer: string, pointers: ReadonlySet<string>): string | undefined {
  let at = pointer;
  while (!pointers.has(at)) {
    if (at === "") return undefined;
    at = at.slice(0, at.lastIndexOf("/"));
  }
  return at;
}

/**
 * Where the value is of the kind of one branch, that branch's complaints are the ones that help, with
 * the values that others name beside one about the value itself; otherwise one issue names every kind.
 */
function reduceUnion(own: Finding, inside: readonly Finding[], prefix: string): Finding[] {
  const branches = grouped(inside, ({ schemaPath }) => schemaPath.slice(prefix.length).split("/")[0]!);
  const otherKind = (finding: Finding) => finding.expected !== undefined && finding.pointer === own.pointer;
  const [likely] = [...branches.values()]
    .filter((branch) => !branch.some(otherKind))
    .toSorted((a, b) => a.length - b.length);
  const said = (some: readonly (string | undefined)[]): Finding[] => {
    const all = [...new Set(some)];
    // A file cannot give a function, and code sees from the types that it can.
    const expected = (all.length > 1 ? all.filter((kind) => kind !== aFunction) : all).join(", or ");
    return [{ ...own, expected, issue: { ...own.issue, message: `expected ${expected}` } }];
  };
  const kinds = inside.filter(otherKind);
  if (likely === undefined) return said(kinds.map(({ expected }) => expected));
  const [only, ...more] = likely;
  // A key that is missing or too many is within the value.
  const ofItself = only?.issue.path.length === own.issue.path.length;
  if (only === undefined || !ofItself || more.length > 0) return likely;
  const choices = kinds.filter(({ choice }) => choice).map(({ expected }) => expected!);
  if (only.text !== undefined) {
    const measures = kinds.filter(({ measure }) => measure).map(({ expected }) => expected);
    return said([...measures, only.text, ...choices]);
  }
  const { issue } = only;
  return [{ ...only, issue: { ...issue, message: [issue.message, ...new Set(choices)].join(", or ") } }];
}

function grouped<T, Key>(items: readonly T[], keyOf: (item: T) => Key): Map<Key, T[]> {
  const groups = new Map<Key, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group) group.push(item);
    else groups.set(key, [item]);
  }
  return groups;
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
