import { isDeepStrictEqual } from "node:util";
import { toObject } from "./checked-object.js";
import { deepFreeze, type PlainObject } from "../plain.js";
import { configurationError, type ConfigProblem } from "../problems.js";
import type { ConfigSource } from "../reader.js";
import type { ConfigSources } from "./sources.js";

const source = (): ConfigSource => ({ kind: "runtime", name: "config.set()" });

/**
 * The same sources with other run-time settings; the very same where nothing changes.
 *
 * @throws ConfigurationError for what no source may hold, such as an object that contains itself
 */
export function withRuntime(
  sources: ConfigSources,
  edit: (runtime: PlainObject) => PlainObject,
): ConfigSources {
  const before = sources.runtime?.value ?? {};
  const problems: ConfigProblem[] = [];
  const value = toObject(edit(before), source, problems);
  if (problems.length > 0) throw configurationError(problems);
  return isDeepStrictEqual(before, value)
    ? sources
    : { ...sources, runtime: { value: deepFreeze(value), source } };
}
