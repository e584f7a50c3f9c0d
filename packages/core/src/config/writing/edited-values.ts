import { ConfigurationError } from "../../errors/index.js";
import { isPlainObject, setOwn, valueAt, type PlainObject } from "../plain.js";
import { formatPath } from "../problems.js";

/**
 * A copy of values with another one at a path, and with the maps around it that are missing. What
 * is no map or list gives way to a map.
 *
 * @throws ConfigurationError `MLMCP_CONFIG_PATH` for a path that leads into a list by a name
 */
export function withValueAt(
  values: unknown,
  path: readonly string[],
  value: unknown,
  depth: number = 0,
): unknown {
  const key = path[depth];
  if (key === undefined) return value;
  const inner = withValueAt(valueAt(values, [key]), path, value, depth + 1);
  if (Array.isArray(values)) {
    if (!isIndex(key, values.length)) throw notAnIndex(path, depth, values.length);
    const copy: unknown[] = [...(values as unknown[])];
    copy[Number(key)] = inner;
    return copy;
  }
  const copy: PlainObject = isPlainObject(values) ? { ...values } : {};
  setOwn(copy, key, inner);
  return copy;
}

/** A copy of values without what stands at a path; the values themselves where nothing does. */
export function withoutValueAt(values: unknown, path: readonly string[]): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return values;
  if (Array.isArray(values)) {
    if (!isIndex(key, values.length - 1)) return values;
    if (rest.length === 0) return values.toSpliced(Number(key), 1);
  } else if (!isPlainObject(values) || !Object.hasOwn(values, key)) return values;
  else if (rest.length === 0)
    return Object.fromEntries(Object.entries(values).filter(([name]) => name !== key));
  const before = valueAt(values, [key]);
  const after = withoutValueAt(before, rest);
  return after === before ? values : withValueAt(values, [key], after);
}

/** Whether a key of a path is the index of an element, or of the one to be added. */
export function isIndex(key: string, length: number): boolean {
  return /^(0|[1-9]\d*)$/.test(key) && Number(key) <= length;
}

/** A path that goes by a name, or past the end, where there is a list. */
function notAnIndex(path: readonly string[], depth: number, length: number): ConfigurationError {
  const list = formatPath(path.slice(0, depth));
  return new ConfigurationError(
    `${formatPath(path)}: ${list} is a list of ${length}, and ${JSON.stringify(path[depth])} is no index in it. ` +
      `Name an index from 0 to ${length}, or set the whole list.`,
    { code: "MLMCP_CONFIG_PATH", context: { path: formatPath(path) } },
  );
}
