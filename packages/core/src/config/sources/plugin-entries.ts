import { relative, resolve } from "node:path";
import type { Layer } from "../layers.js";
import { mergePlain } from "../merge.js";
import { isPlainObject, type PlainObject } from "../plain.js";
import type { ConfigProblem } from "../problems.js";
import type { ConfigSource } from "../reader.js";

/** One plugin that the configuration names. */
export interface PluginEntry {
  /** A package's name, or a path from the configuration's directory. */
  readonly name: string;
  readonly enabled: boolean;
  /** What the map `plugins` gives it, of all layers together. */
  readonly options?: object;
  /** Where it was last said whether it is on. */
  readonly source: ConfigSource;
}

/**
 * The plugins of all layers, merged by name, in the order in which they are first named. `false`
 * turns off what a lower layer turned on; options of several layers are merged.
 */
export function readPluginEntries(layers: readonly Layer[], problems: ConfigProblem[]): PluginEntry[] {
  const entries = new Map<string, PluginEntry>();
  for (const layer of layers) {
    const { plugins } = layer.value;
    if (plugins === undefined) continue;
    if (!Array.isArray(plugins) && !isPlainObject(plugins)) {
      const message = "expected a list of names, or a map of names to true, false or options";
      problems.push({ path: "plugins", message, received: plugins, source: layer.source(["plugins"]) });
      continue;
    }
    for (const [name, setting, key] of namedIn(plugins)) {
      const source = layer.source(["plugins", key]);
      if (typeof name !== "string" || name === "") {
        problems.push({
          path: `plugins.${key}`,
          message: "expected the name of a package, or a path",
          received: name,
          source,
        });
      } else if (typeof setting !== "boolean" && !isPlainObject(setting)) {
        problems.push({
          path: `plugins.${name}`,
          message: "expected true, false, or the plugin's options",
          received: setting,
          source,
        });
      } else {
        const options = isPlainObject(setting)
          ? mergePlain(entries.get(name)?.options ?? {}, setting)
          : entries.get(name)?.options;
        entries.set(name, {
          name,
          enabled: setting !== false,
          ...(options === undefined ? {} : { options }),
          source,
        });
      }
    }
  }
  return [...entries.values()];
}

function namedIn(
  plugins: unknown[] | PlainObject,
): Array<[name: unknown, setting: unknown, key: string | number]> {
  if (Array.isArray(plugins)) return plugins.map((name, index) => [name, true, index]);
  return Object.entries(plugins).map(([name, setting]) => [name, setting, name]);
}

/**
 * A layer of a file in one directory, with the relative paths that the core reads (of plugins, and
 * `app`) starting in another, so that files of several directories can be merged.
 */
export function relativeTo(layer: Layer, from: string, to: string): Layer {
  const { plugins, app } = layer.value;
  if (from === to || (plugins === undefined && app === undefined)) return layer;
  const written = new Map<string, string>();
  const moved = (name: unknown): unknown => {
    if (typeof name !== "string" || !/^\.\.?[/\\]/.test(name)) return name;
    const path = relative(to, resolve(from, name)).replaceAll("\\", "/");
    const here = path.startsWith(".") ? path : `./${path}`;
    written.set(here, name);
    return here;
  };
  const value = { ...layer.value };
  if (Array.isArray(plugins)) value["plugins"] = plugins.map(moved);
  else if (isPlainObject(plugins)) {
    const entries = Object.entries(plugins).map(([name, setting]) => [moved(name), setting] as const);
    value["plugins"] = Object.fromEntries(entries) as PlainObject;
  }
  if (typeof app === "string" && app !== "") value["app"] = resolve(from, app);
  const source: Layer["source"] = (path) => {
    const [key, name, ...rest] = path;
    if (key !== "plugins" || name === undefined) return layer.source(path);
    return layer.source([key, written.get(String(name)) ?? name, ...rest]);
  };
  return { ...layer, value, source };
}

/** A layer whose list of plugins, if it has one, is written as a map, so that layers can be merged and explained. */
export function withPluginMap(layer: Layer): Layer {
  const { plugins } = layer.value;
  if (!Array.isArray(plugins)) return layer;
  const value = { ...layer.value, plugins: Object.fromEntries(plugins.map((name) => [String(name), true])) };
  return {
    ...layer,
    value,
    source: (path) => {
      const [key, name, ...rest] = path;
      return layer.source(
        key === "plugins" && name !== undefined ? [key, plugins.indexOf(name), ...rest] : path,
      );
    },
  };
}

/** The same layers with what `plugins` gives a plugin standing just below its section. */
export function withPluginOptions(layers: readonly Layer[], sections: ReadonlyMap<string, string>): Layer[] {
  return layers.flatMap((layer) => {
    const { plugins } = layer.value;
    if (!isPlainObject(plugins)) return [layer];
    const value: PlainObject = {};
    const names = new Map<string, string>();
    for (const [section, name] of sections) {
      if (!Object.hasOwn(plugins, name) || !isPlainObject(plugins[name])) continue;
      value[section] = plugins[name];
      names.set(section, name);
    }
    const source: Layer["source"] = ([section, ...rest]) =>
      layer.source(["plugins", names.get(String(section))!, ...rest]);
    return names.size === 0 ? [layer] : [{ value, source }, layer];
  });
}
