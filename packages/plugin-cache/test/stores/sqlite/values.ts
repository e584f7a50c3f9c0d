import { createHash } from "node:crypto";

/** A value that can be told from every other key's, and from half of one. */
export function valueOf(key: string, text: string): string {
  return `${key}|${text}|${digest(`${key}|${text}`)}`;
}

export function isValueOf(key: string, value: string): boolean {
  const end = value.lastIndexOf("|");
  return value.startsWith(`${key}|`) && digest(value.slice(0, end)) === value.slice(end + 1);
}

/** What of {@link valueOf} was its text. */
export function textOfValue(key: string, value: string): string {
  return value.slice(key.length + 1, value.lastIndexOf("|"));
}

function digest(text: string): string {
  return createHash("sha256").update(text).digest("base64url");
}
