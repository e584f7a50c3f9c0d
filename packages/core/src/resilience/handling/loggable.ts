import { isSecretName, namesSecretItself } from "../../config/secrets/secret-names.js";
import { REDACTED } from "../../config/secrets/secrets.js";
import { isInstance, read, readText } from "../classification/thrown.js";

/** Limits of what one line of a log holds of a value. */
const deepest = 6;
const mostEntries = 100;
const longestText = 10_000;

/**
 * A copy of a value that `JSON.stringify` can write whatever it is, without its secrets: what
 * stands under a key that is named like one (`password`, `apiKey`, `authorization`, …), and within
 * texts the password of a URL, parameters named like one, and bearer tokens. Circles, deep
 * nesting, long lists and long texts are cut short; what cannot be read says so.
 */
export function loggable(value: unknown): unknown {
  return copy(value, 0, new Set());
}

function copy(value: unknown, depth: number, within: Set<object>): unknown {
  switch (typeof value) {
    case "string":
      return withoutSecrets(value.length > longestText ? `${value.slice(0, longestText)}…` : value);
    case "number":
      return Number.isFinite(value) ? value : String(value);
    case "bigint":
    case "symbol":
      return String(value);
    case "function":
      return `[function ${readText(value, "name") || "anonymous"}]`;
    case "object":
      if (value === null) return null;
      break;
    default:
      return value;
  }
  if (within.has(value)) return "[circular]";
  if (depth >= deepest) return "[too deep]";
  within.add(value);
  try {
    return copyObject(value, depth + 1, within);
  } catch (error) {
    return `[unreadable: ${readText(error, "message")}]`;
  } finally {
    within.delete(value);
  }
}

function copyObject(value: object, depth: number, within: Set<object>): unknown {
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? "Invalid Date" : value.toISOString();
  if (isInstance(value, Error)) return { name: text(value, "name"), message: text(value, "message") };
  if (ArrayBuffer.isView(value)) return `[${value.constructor.name} of ${value.byteLength} bytes]`;
  if (Array.isArray(value) || value instanceof Set) {
    const items = [...value].slice(0, mostEntries).map((item) => copy(item, depth, within));
    const more = (Array.isArray(value) ? value.length : value.size) - items.length;
    return more > 0 ? [...items, `… ${more} more`] : items;
  }
  const entries =
    value instanceof Map || isHeaders(value) ? [...value] : Object.keys(value).map((key) => [key]);
  const shown: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
  for (const [key, given] of entries.slice(0, mostEntries)) {
    const name = String(key);
    const entry: unknown = value instanceof Map || isHeaders(value) ? given : read(value, name);
    shown[name] = isSecret(name, entry) ? REDACTED : copy(entry, depth, within);
  }
  if (entries.length > mostEntries) shown["…"] = `${entries.length - mostEntries} more`;
  return shown;
}

function isHeaders(value: object): value is Headers {
  return typeof Headers === "function" && value instanceof Headers;
}

function text(value: unknown, key: string): string {
  return withoutSecrets(readText(value, key).slice(0, longestText));
}

/** By its key; of a number only where it is one secret, not a count of them. */
function isSecret(key: string, value: unknown): boolean {
  if (value === undefined || value === null || typeof value === "boolean") return false;
  return typeof value === "number" || typeof value === "bigint" ? namesSecretItself(key) : isSecretName(key);
}

/**
 * A name with what stands before its value: in a query, a connection string or a shell; in JSON and
 * in what `util.inspect` writes; in JSON within a text of JSON. The whole name at once: otherwise a
 * long text would be read again from each of its letters.
 */
const parameters = [
  /((?<![\w.-])([\w.-]+)=)(?:(?:"[^"]*"|'[^']*')(?!\s*:)|[^\s"'&;,]+)/g,
  // What stands in quotes before a colon is a name, not a value: the whole of it is looked at first.
  /((?<![\w.-])["']?([\w.-]+)["']?\s*:\s*(["']))(?=((?:\\.|(?!\3)[^\\\n])+))\4(?!\3\s*:)/g,
  /((?<!\\)\\+"([\w.-]+)\\+"\s*:\s*\\+")[^"\\]+/g,
];

/** A text without the passwords and tokens of URLs, secret parameters and bearer tokens in it. */
export function withoutSecrets(message: string): string {
  const withoutTokens = message
    .replaceAll(/([a-z][a-z0-9+.-]{0,30}:\/\/[^\s/?#:@]{0,256}):[^\s/?#]{1,256}@/gi, `$1:${REDACTED}@`)
    .replaceAll(/\b(https?:\/\/)[^\s/?#:@=]{1,256}@/gi, `$1${REDACTED}@`)
    .replaceAll(/\b(bearer|basic)\s+[\w.~+/=-]{8,}/gi, `$1 ${REDACTED}`);
  return withoutParameters(withoutTokens, deepestParameters);
}

/** Parameters within the value of a parameter, such as a body in JSON or an address, are looked for so deep. */
const deepestParameters = 3;

function withoutParameters(message: string, depth: number): string {
  if (depth === 0) return message;
  return parameters.reduce(
    (shown, parameter) =>
      shown.replaceAll(parameter, (whole, opening: string, name: string) =>
        namesSecretItself(name)
          ? `${opening}${REDACTED}`
          : `${opening}${withoutParameters(whole.slice(opening.length), depth - 1)}`,
      ),
    message,
  );
}
