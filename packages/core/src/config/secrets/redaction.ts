import type { Path } from "../layers.js";
import { isPlainObject, setOwn, type PlainObject } from "../plain.js";
import { REDACTED } from "./secrets.js";

/**
 * A value as it may be shown. Hidden are what stands at or below a secret place, a text whose key
 * is named like a secret (`password`, `apiKey`, `auth_token`), and the password within a URL.
 * Gives back the value itself where there is nothing to hide.
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
  if ((!Array.isArray(value) && !isPlainObject(value)) || within.has(value)) return value;
  within.add(value);
  let changed = false;
  const entries = Object.entries(value).map(([key, child]): [string, unknown] => {
    const shown = visit(child, [...path, Array.isArray(value) ? Number(key) : key], isSecret, within);
    changed ||= shown !== child;
    return [key, shown];
  });
  within.delete(value);
  if (!changed) return value;
  if (Array.isArray(value)) return entries.map(([, child]) => child);
  const copy: PlainObject = {};
  for (const [key, child] of entries) setOwn(copy, key, child);
  return copy;
}

const secretWords =
  "passwords?|passwd|pwd|passphrases?|secrets?|tokens?|api_keys?|access_keys?|auth_keys?|signing_keys?|encryption_keys?|credentials?|private_keys?|jwts?|bearer";
const namesSecret = new RegExp(`(?:^|_)(?:(?:${secretWords})(?:_|$)|pass$)`);
/** Of these a number is a secret too; of `maxTokens` and `passwordLength` it is not. */
const isOneSecret = new RegExp(`(?:^|_)(?:${secretWords.replaceAll("s?", "")})$`);

/** By the nearest key; the items of a list are named by the list. */
function isNamedSecret(value: unknown, path: Path): boolean {
  if (typeof value !== "string" && typeof value !== "number") return false;
  const key = path.findLast((part) => typeof part === "string" && !/^\d+$/.test(part));
  if (typeof key !== "string") return false;
  const words = key
    .replaceAll(/([a-z0-9])([A-Z])/g, "$1_$2")
    .replaceAll(/([A-Z])([A-Z][a-z])/g, "$1_$2")
    .replaceAll(/[-\s]/g, "_")
    .toLowerCase()
    .replaceAll(/(^|_)apikey/g, "$1api_key");
  return (typeof value === "string" ? namesSecret : isOneSecret).test(words);
}

/** In the place before the host, and in parameters that are named like a secret. */
export function withoutPasswords(text: string): string {
  // A length for each part: otherwise a long text would be read again from each of its letters.
  const before = /[a-z][a-z0-9+.-]{0,30}:\/\/[^\s/?#:@]{0,256}:(?!\d{1,5}(?:[/?#\s]|$))/i.exec(text);
  const [start, end] = [before ? before.index + before[0].length : 0, text.lastIndexOf("@")];
  const shown = before && start < end ? `${text.slice(0, start)}${REDACTED}${text.slice(end)}` : text;
  return shown.replaceAll(
    /((?:^|[?&;] ?)[\w.-]{0,64}?(?:password|passwd|pwd|secret|token|api_?key|access_?key)=)[^&;#\s]+/gi,
    `$1${REDACTED}`,
  );
}
