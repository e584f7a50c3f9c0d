import type { Path } from "../layers.js";
import { isPlainObject, setOwn, type PlainObject } from "../plain.js";
import { isSecretName, namesSecretItself } from "./secret-names.js";
import { REDACTED } from "./secrets.js";

/**
 * A value as it may be shown. Hidden are what stands at or below a secret place, a text whose key
 * is named like a secret (`password`, `apiKey`, `auth_token`), and the password within a URL.
 * Gives back the value itself where there is nothing to hide; else a `URL` is a text, a `Map` an
 * object and a `Set` a list.
 *
 * ```ts
 * redact({ url: "redis://app:hunter2@host", token: "x" }, ["cache"]); // { url: "redis://app:[secret]@host", token: "[secret]" }
 * ```
 *
 * @param isSecret whether a path is a secret place, by its schema or by where its value came from
 */
export function redact(value: unknown, path: Path, isSecret: (path: Path) => boolean = () => false): unknown {
  if (value === undefined) return undefined;
  const around = path.map((_, depth) => path.slice(0, depth));
  return around.some(isSecret) ? REDACTED : visit(value, path, isSecret, new Set());
}

function visit(value: unknown, path: Path, isSecret: (path: Path) => boolean, within: Set<object>): unknown {
  if (value === undefined) return value;
  if (isSecret(path) || isNamedSecret(value, path)) return REDACTED;
  if (typeof value === "string") return withoutPasswords(value);
  if (value instanceof URL) {
    const shown = withoutPasswords(value.href);
    return shown === value.href ? value : shown;
  }
  const entries = entriesOf(value);
  if (entries === undefined || within.has(value as object)) return value;
  within.add(value as object);
  let changed = false;
  const shown = entries.map(([key, child]): [string | number, unknown] => {
    const one = visit(child, [...path, key], isSecret, within);
    changed ||= one !== child;
    return [key, one];
  });
  within.delete(value as object);
  if (!changed) return value;
  if (Array.isArray(value) || value instanceof Set) return shown.map(([, child]) => child);
  const copy: PlainObject = {};
  for (const [key, child] of shown) setOwn(copy, String(key), child);
  return copy;
}

/** What is looked at one by one, each with its key: in lists, plain objects, and the Maps and Sets that code may give. */
export function entriesOf(value: unknown): Array<[key: string | number, child: unknown]> | undefined {
  if (Array.isArray(value)) return [...value.entries()];
  if (value instanceof Set) return [...[...value].entries()];
  if (value instanceof Map)
    return Array.from(value, ([key, child]: [unknown, unknown], index) => [keyOf(key, index), child]);
  return isPlainObject(value) ? Object.entries(value) : undefined;
}

/** Not every object can be written as a text. */
function keyOf(key: unknown, index: number): string | number {
  return typeof key === "object" || typeof key === "function" ? index : String(key);
}

/** Whether a value is a secret by the nearest key around it; the items of a list are named by the list. */
export function isNamedSecret(value: unknown, path: Path): boolean {
  const key = path.findLast((part) => typeof part === "string" && !/^\d+$/.test(part));
  if (typeof key !== "string") return false;
  if (typeof value === "string") return isSecretName(key);
  if (typeof value === "number" || typeof value === "bigint") return namesSecretItself(key);
  // Bytes, a key of `node:crypto` and other instances, which would be shown with all that they hold.
  return typeof value === "object" && value !== null && !isTransparent(value) && isSecretName(key);
}

function isTransparent(value: object): boolean {
  return value instanceof Date || value instanceof URL || entriesOf(value) !== undefined;
}

/** A text without the password before the host of a URL, parameters that are named like a secret, and the credentials of an HTTP header. */
export function withoutPasswords(text: string): string {
  return replaceSecrets(text, () => REDACTED);
}

/** The secrets that {@link withoutPasswords} hides in a text, decoded; of several URLs those of each. */
export function secretsWithin(text: string): string[] {
  const found = new Set<string>();
  replaceSecrets(text, (secret) => {
    found.add(decoded(secret));
    return secret;
  });
  for (const [, password] of text.matchAll(/:\/\/[^\s/?#:@]{0,256}:([^\s/?#@]{1,256})@/g))
    found.add(decoded(password!));
  return [...found];
}

function replaceSecrets(text: string, replace: (secret: string) => string): string {
  // A length for each part: otherwise a long text would be read again from each of its letters. What
  // looks like a port or a path may be a part of a password that is not encoded: before an @ all of it goes.
  const before = /[a-z][a-z0-9+.-]{0,30}:\/\/[^\s:]{0,256}:/i.exec(text);
  const [start, end] = [before ? before.index + before[0].length : 0, text.lastIndexOf("@")];
  const shown =
    before && start < end ? text.slice(0, start) + replace(text.slice(start, end)) + text.slice(end) : text;
  // Where `;` stands between parameters, a value may hold spaces.
  const parameters = shown.includes(";") ? PARAMETER_OF_LIST : PARAMETER;
  return shown
    .replaceAll(parameters, (whole, opening: string, name: string, value: string) =>
      namesSecretItself(name) ? opening + replace(value) : whole,
    )
    .replaceAll(AUTHORIZATION, (_, scheme: string, credentials: string) => scheme + replace(credentials))
    .replaceAll(PRIVATE_KEY, (key) => replace(key));
}

const PARAMETER = /((?:^|[?&;#\s])([\w.-]+)=)('[^']*'|"[^"]*"|[^&;#\s]+)/g;
const PARAMETER_OF_LIST = /((?:^|[?&;#\s])([\w.-]+)=)('[^']*'|"[^"]*"|[^&;#]+)/g;
/** What an HTTP header holds. Of few letters and without a digit it is a word of a sentence. */
const AUTHORIZATION = /\b((?:Bearer|Basic) {1,8})(?=[\w.~+/-]{20}|[a-z.~+/_-]{0,19}\d)([\w.~+/-]{8,}=*)/gi;
const PRIVATE_KEY = /-----BEGIN [A-Z ]{0,20}PRIVATE KEY-----[^-]*(?:-----END [A-Z ]{0,20}PRIVATE KEY-----)?/g;

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
