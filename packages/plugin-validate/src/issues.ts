import type { Issue } from "@mlmcp/core";
import type { ErrorObject } from "ajv";

/** One thing that is wrong with a value. */
export interface ValueIssue extends Issue {
  /** Where, as an expression: `args[0].rows[3].price`, `result.total`. */
  readonly path: string;
  /** What is wrong, to be read behind the path: `must be >= 0`. */
  readonly message: string;
  /** The keyword of the schema that is not met, such as `minimum`. */
  readonly keyword: string;
  /** What would have been right, in short: `number`, `>= 0`, `one of "asc", "desc"`. */
  readonly expected: string;
  /**
   * What was there, in short. Never the content of an object, an array or a long text, nor a
   * secret: what a schema with `writeOnly: true` or `format: "password"` describes, and what
   * stands under a name that sounds like one.
   */
  readonly received: string;
  /** Position of the argument, from 0; absent for a result. */
  readonly argument?: number;
}

/** What the issues are about. */
export interface Subject {
  /** How a path begins: `args[0]`, `result`, or a parameter's name. */
  readonly root: string;
  readonly argument?: number;
}

/** An array of a million wrong items must not become a million issues. */
const MAX_ISSUES = 100;
const MAX_PATH = 200;
const MAX_TEXT = 40;
const SECRET =
  /pass(word|phrase|code)|secret|token|credential|authorization|api[-_]?key|private[-_]?key|cookie/i;

/** ajv's errors about `value` in words; at most 100 of them. */
export function issuesOf(errors: readonly ErrorObject[], value: unknown, subject: Subject): ValueIssue[] {
  return errors
    .filter(({ keyword }) => keyword !== "if" && keyword !== "propertyNames") // what they repeat is there already
    .slice(0, MAX_ISSUES)
    .map((error) => {
      const { params, keyword, propertyName, parentSchema } = error;
      const keys = keysOf(error.instancePath);
      const property =
        params["missingProperty"] ??
        params["additionalProperty"] ??
        params["unevaluatedProperty"] ??
        propertyName;
      if (property !== undefined) keys.push(String(property));
      const { found, text } = locate(value, keys, subject.root);
      const secret =
        keys.some(soundsSecret) ||
        parentSchema?.["writeOnly"] === true ||
        parentSchema?.["format"] === "password";
      const message = messageOf(error);
      return {
        path: text,
        message: propertyName === undefined ? message : `has a name that ${message}`,
        keyword,
        expected: expectationOf(error),
        received: inShort(found, secret),
        ...(subject.argument === undefined ? {} : { argument: subject.argument }),
      };
    });
}

/** A value in short, for {@link ValueIssue.received}. */
export function inShort(value: unknown, secret: boolean): string {
  if (secret && value !== undefined) return "[redacted]";
  try {
    return describe(value);
  } catch {
    return "an unreadable object"; // such as a revoked proxy
  }
}

export function soundsSecret(name: string): boolean {
  return SECRET.test(name);
}

/** Issues in one line: `limit must be >= 1 (received -5); order is required (received undefined)`. */
export function summaryOf(issues: readonly ValueIssue[], most = 5): string {
  const shown = issues
    .slice(0, most)
    .map(({ path, message, received }) => `${path} ${message} (received ${received})`);
  if (issues.length > most) shown.push(`and ${issues.length - most} more`);
  return shown.join("; ");
}

function messageOf(error: ErrorObject): string {
  switch (error.keyword) {
    case "required":
      return "is required";
    case "additionalProperties":
    case "unevaluatedProperties":
      return "is not a known property";
    case "false schema":
      return "must be left out";
    case "type":
    case "enum":
    case "const":
      return `must be ${expectationOf(error)}`;
    default:
      return error.message ?? `does not meet ${error.keyword}`;
  }
}

function expectationOf({ keyword, params, message }: ErrorObject): string {
  switch (keyword) {
    case "required":
      return "a value";
    case "additionalProperties":
    case "unevaluatedProperties":
    case "false schema":
      return "nothing";
    case "type":
      return [params["type"] as string | string[]].flat().join(" or ");
    case "enum": {
      const allowed = params["allowedValues"] as unknown[];
      const shown = allowed.slice(0, 10).map(literal).join(", ");
      return `one of ${shown}${allowed.length > 10 ? ` and ${allowed.length - 10} more` : ""}`;
    }
    case "const":
      return literal(params["allowedValue"]);
    default:
      return (message ?? keyword).replace(/^must (be |match )?/, "");
  }
}

/** The keys of a JSON pointer. */
export function keysOf(pointer: string): string[] {
  return pointer
    .split("/")
    .slice(1)
    .map((key) => key.replaceAll("~1", "/").replaceAll("~0", "~"));
}

function locate(value: unknown, path: readonly string[], root: string): { found: unknown; text: string } {
  let found = value;
  let text = root;
  for (const key of path) {
    const shown = cut(key);
    if (Array.isArray(found)) text += `[${shown}]`;
    else text += /^[\p{L}_$][\p{L}\p{N}_$]*$/u.test(shown) ? `.${shown}` : `[${JSON.stringify(shown)}]`;
    found = read(found, key);
  }
  return { found, text: text.length <= MAX_PATH ? text : `${root}…${text.slice(root.length - MAX_PATH)}` };
}

function read(container: unknown, key: string): unknown {
  if (typeof container !== "object" || container === null) return undefined;
  try {
    return Object.hasOwn(container, key) ? (container as Record<string, unknown>)[key] : undefined;
  } catch {
    return undefined; // a getter that throws: the issue itself says so
  }
}

function describe(value: unknown): string {
  switch (typeof value) {
    case "string":
      return value.length <= MAX_TEXT ? JSON.stringify(value) : `a text of ${value.length} characters`;
    case "bigint":
      return `${cut(String(value))}n`;
    case "function":
    case "symbol":
      return `a ${typeof value}`;
    case "object":
      if (value === null) return "null";
      if (Array.isArray(value)) return `an array of ${value.length}`;
      return Object.prototype.toString.call(value) === "[object Object]"
        ? `an object with ${Object.keys(value).length} properties`
        : `a ${Object.prototype.toString.call(value).slice(8, -1)}`;
    default:
      return Object.is(value, -0) ? "-0" : String(value);
  }
}

function literal(value: unknown): string {
  return cut(JSON.stringify(value) ?? String(value));
}

function cut(text: string): string {
  return text.length <= MAX_TEXT ? text : `${text.slice(0, MAX_TEXT - 1)}…`;
}
