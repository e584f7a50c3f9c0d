import type { ConfigSource } from "./reader.js";
import { isPlainObject, valueAt, type PlainObject } from "./plain.js";

export type Path = readonly (string | number)[];

/** One place where configuration is written, from the lowest rank to the highest in a list of them. */
export interface Layer {
  readonly value: PlainObject;
  /** Where the value at a path stands; where it is not set, the nearest thing around it. */
  source(path: Path): ConfigSource;
}

/**
 * The values that layers give for one path, the effective one first. Layers below one that puts
 * something else in place of an object on the way do not count: they no longer contribute.
 */
export function settingsAt(
  layers: readonly Layer[],
  path: Path,
): Array<{ value: unknown; source: ConfigSource }> {
  const found: Array<{ value: unknown; source: ConfigSource }> = [];
  for (const layer of layers.toReversed()) {
    const value = valueAt(layer.value, path);
    if (value !== undefined) found.push({ value, source: layer.source(path) });
    else if (path.some((_, depth) => replaces(layer, path.slice(0, depth)))) break;
  }
  return found;
}

/** Where to send somebody who wants to mend what is wrong at a path: also for what is missing there. */
export function sourceNear(layers: readonly Layer[], path: Path): ConfigSource | undefined {
  for (let length = path.length; length > 0; length--) {
    const [nearest] = settingsAt(layers, path.slice(0, length));
    if (nearest !== undefined) return nearest.source;
  }
  return undefined;
}

function replaces(layer: Layer, path: Path): boolean {
  const value = valueAt(layer.value, path);
  return value !== undefined && !isPlainObject(value);
}
