import type { KnownSchemas } from "../../config/load.js";
import { defaultsOf, isDefault, settingPaths, settingSchema } from "../../config/schema/known-settings.js";
import { isPlainObject, setOwn, valueAt, type PlainObject } from "../../config/plain.js";
import { formatPath, parsePath } from "../../config/problems.js";
import type { ConfigReader, ConfigSource } from "../../config/reader.js";
import { CommandFailure, UsageError } from "../failure.js";

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

/** A source in full, as terminals and editors open it: with its line and column. */
export function place({ name, line, column, references = [] }: ConfigSource): string {
  const at = [name, line, column].filter((part) => part !== undefined).join(":");
  return references.length === 0 ? at : `${at} (${references.join(", ")})`;
}

/** The failure of a command that was asked for a path which means nothing, or nothing here. */
export async function notSet(
  path: readonly string[],
  config: ConfigReader,
  known: KnownSchemas,
): Promise<CommandFailure> {
  const name = formatPath(path);
  if (settingSchema(known, path) !== undefined) return new CommandFailure(`${name} is not set`);
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

/** What stands at some paths, and what is around it. */
export function pick(values: PlainObject, paths: ReadonlyArray<readonly string[]>): PlainObject {
  const picked: PlainObject = {};
  for (const path of paths) {
    let target = picked;
    for (const key of path.slice(0, -1)) {
      if (!Object.hasOwn(target, key)) setOwn(target, key, {});
      target = target[key] as PlainObject;
    }
    setOwn(target, path.at(-1)!, valueAt(values, path));
  }
  return picked;
}
