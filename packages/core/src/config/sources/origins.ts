import type { Layer, Path } from "../layers.js";
import { isPlainObject, valueAt, type PlainObject } from "../plain.js";
import { formatPath, type ConfigProblem } from "../problems.js";
import type { ConfigSource } from "../reader.js";

/** A place to write configuration in: an rc file, or the code that creates a kernel. */
export interface Origin {
  readonly value: PlainObject;
  /** What its layers do before they are merged, such as putting in variables. */
  finish(layer: Layer): Layer;
  source(path: Path, kind?: ConfigSource["kind"]): ConfigSource;
}

/** What an origin says in every environment. */
export function alwaysOf(origin: Origin): Layer {
  const { profiles: _, extends: _bases, $schema: _editors, ...value } = origin.value;
  return { ...origin.finish({ value, source: (path) => origin.source(path) }), written: value };
}

/** The environments that it has a profile for. */
export function profileNames({ value: { profiles } }: Origin): string[] {
  return isPlainObject(profiles) ? Object.keys(profiles) : [];
}

/** What it says above that in one environment; the profiles of all others are checked too. */
export function profilesOf(origin: Origin, environment: string, problems: ConfigProblem[]): Layer[] {
  const { profiles } = origin.value;
  if (profiles === undefined) return [];
  const wrong = (path: string[], message: string) =>
    problems.push({
      path: formatPath(path),
      message,
      received: valueAt(origin.value, path),
      source: origin.source(path),
    });
  if (!isPlainObject(profiles)) {
    wrong(["profiles"], "expected a map of environments to configurations");
    return [];
  }
  const layers: Layer[] = [];
  for (const [name, profile] of Object.entries(profiles)) {
    const path = ["profiles", name];
    if (!isPlainObject(profile)) wrong(path, "expected a map of sections");
    else if (Object.hasOwn(profile, "profiles"))
      wrong([...path, "profiles"], "a profile cannot hold profiles");
    else if (Object.hasOwn(profile, "extends"))
      wrong([...path, "extends"], "a profile cannot extend a file; the file that it stands in can");
    else if (valueAt(profile, ["system", "environment"]) !== undefined) {
      wrong(
        [...path, "system", "environment"],
        "a profile cannot choose the environment, which chooses the profile",
      );
    } else if (name === environment) {
      const kind = origin.source([]).kind === "file" ? "profile" : undefined;
      const layer = origin.finish({
        value: profile,
        source: (inner) => origin.source([...path, ...inner], kind),
      });
      layers.push({ ...layer, written: profile });
    }
  }
  return layers;
}
