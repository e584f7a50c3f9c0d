import type { KnownSchemas } from "../../config/load.js";
import { defaultsOf, isDefault, settingPaths, settingSchema } from "../../config/schema/known-settings.js";
import { partsOf } from "../../config/schema/schema-lookup.js";
import { formatDuration, formatSize } from "../../config/schema/units.js";
import { isPlainObject, setOwn, valueAt, type PlainObject } from "../../config/plain.js";
import { formatPath, parsePath } from "../../config/problems.js";
import type { ConfigReader, ConfigSource } from "../../config/reader.js";
import { CommandFailure, UsageError } from "../failure.js";
import { inline } from "../terminal.js";

/** Paths of everything that is no object with keys. */
export function leavesOf(value: unknown, path: readonly string[] = []): Array<readonly string[]> {
  if (!isPlainObject(value) || (Object.keys(value).length === 0 && path.length > 0)) return [path];
  return Object.entries(value).flatMap(([key, child]) => leavesOf(child, [...path, key]));
}

/** The keys of a path as it was typed. */
export function keysOf(path: string): string[] {
  const keys = parsePath(path);
  if (keys.length > 0) return keys;
  throw new UsageError(
    `"${path}" is no path`,
    'Write it as in cache.ttl; a key with a dot in it is quoted: operations."Reports.load".retry.',
  );
}

/**
 * The path as it was meant, where an operation's id in it was typed without its quotes: that of one
 * that is known, or what stands before the name of an advice.
 */
export async function withQuotedId(
  keys: readonly string[],
  { advice }: KnownSchemas,
): Promise<string | undefined> {
  const [section, ...rest] = keys;
  if (section !== "operations") return undefined;
  const { liveOperations } = await import("../../operations/operation.js");
  const known = Array.from(liveOperations(), ({ id }) => id.split("."));
  const lengths = known
    .filter((parts) => parts.every((part, index) => part === rest[index]))
    .map((parts) => parts.length);
  const named = rest.findIndex((key, index) => index > 0 && advice.some(({ name }) => name === key));
  const length = lengths[0] ?? named;
  return length > 1
    ? formatPath([section, rest.slice(0, length).join("."), ...rest.slice(length)])
    : undefined;
}

/** What to say of such a path: quotes that a shell leaves alone. */
export function quotesHint(path: string): string {
  return `An operation's id stands in quotes: '${path}'`;
}

/** A source in full, as terminals and editors open it: with its line and column. */
export function place({ name, line, column, references = [] }: ConfigSource): string {
  const at = [name, line, column].filter((part) => part !== undefined).join(":");
  return references.length === 0 ? at : `${at} (${references.join(", ")})`;
}

/** The value of a setting for a person: a length of time and a size with its unit too, as `30m (1800000)`. */
export function readable(known: KnownSchemas, path: readonly string[], value: unknown): string {
  // An empty text would look like none.
  if (value === "") return '""';
  if (typeof value !== "number") return inline(value);
  const schema = settingSchema(known, path) ?? {};
  const is = (keyword: string) => partsOf(schema, schema).some((part) => part[keyword] === true);
  const text = is("duration") ? formatDuration(value) : is("size") ? formatSize(value) : String(value);
  // In the smallest unit the number is there already.
  return Number.parseFloat(text) === value ? text : `${text} (${value})`;
}

/** The failure of a command that was asked for a path which means nothing, or nothing here. */
export async function notSet(
  path: readonly string[],
  config: ConfigReader,
  known: KnownSchemas,
): Promise<CommandFailure> {
  const name = formatPath(path);
  if (settingSchema(known, path) !== undefined) return new CommandFailure(`${name} is not set`);
  const quoted = await withQuotedId(path, known);
  if (quoted !== undefined)
    return new CommandFailure(`${name} is no setting that a loaded plugin knows`, quotesHint(quoted));
  const { nearest } = await import("../../config/nearest.js");
  const inUse = leavesOf(config.get("")).flatMap((leaf) => leaf.map((_, depth) => leaf.slice(0, depth + 1)));
  const meant = nearest(name, new Set([...settingPaths(known), ...inUse.map(formatPath)]));
  return new CommandFailure(
    `${name} is no setting that a loaded plugin knows`,
    meant === undefined ? "`mlmcp config show` lists what is set." : `Did you mean "${meant}"?`,
  );
}

/** Those of some settings that are not what holds where nothing is configured. */
export function changedLeaves(
  config: ConfigReader,
  known: KnownSchemas,
  leaves: ReadonlyArray<readonly string[]>,
): Array<readonly string[]> {
  const defaults = defaultsOf(known);
  const effective = config.get<PlainObject>("");
  return leaves.filter((path) => !isDefault(defaults, path, valueAt(effective, path)));
}

/** What stands at some paths, and what is around it; nothing for a value that is not there. */
export function pick(
  paths: ReadonlyArray<readonly string[]>,
  valueOf: (path: readonly string[]) => unknown,
): PlainObject {
  const picked: PlainObject = {};
  for (const path of paths) {
    const value = valueOf(path);
    if (value === undefined) continue;
    let target = picked;
    for (const key of path.slice(0, -1)) {
      if (!Object.hasOwn(target, key)) setOwn(target, key, {});
      target = target[key] as PlainObject;
    }
    setOwn(target, path.at(-1)!, value);
  }
  return picked;
}
