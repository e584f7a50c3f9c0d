import type { ConfigSource } from "./reader.js";
import { isPlainObject, setOwn, valueAt, type PlainObject } from "./plain.js";

export type Path = readonly (string | number)[];

/** One place where configuration is written, from the lowest rank to the highest in a list of them. */
export interface Layer {
  readonly value: PlainObject;
  /** The value as it was written, where references in it have been replaced by what they stand for. */
  readonly written?: PlainObject;
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

/** Whether a layer above the one of this rank decides what stands at a path. */
export function isOverridden(layers: readonly Layer[], rank: number, path: Path): boolean {
  return layers
    .slice(rank + 1)
    .some(
      (layer) =>
        valueAt(layer.value, path) !== undefined ||
        path.some((_, depth) => replaces(layer, path.slice(0, depth))),
    );
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

/** What is put in place of a text, and what that adds to its source. */
interface Replacement {
  readonly value: unknown;
  readonly source?: Partial<ConfigSource>;
}

/** A layer in which some texts are replaced; the layer itself where none is. Keys are never texts. */
export function replaceTexts(
  layer: Layer,
  replace: (text: string, path: Path) => Replacement | undefined,
): Layer {
  const added = new Map<string, Partial<ConfigSource>>();
  const visit = (value: unknown, path: Path): unknown => {
    if (typeof value === "string") {
      const replacement = replace(value, path);
      if (replacement === undefined) return value;
      added.set(keyOf(path), replacement.source ?? {});
      return replacement.value;
    }
    if (Array.isArray(value)) return value.map((child, index) => visit(child, [...path, index]));
    if (!isPlainObject(value)) return value;
    const copy: PlainObject = {};
    for (const [key, child] of Object.entries(value)) setOwn(copy, key, visit(child, [...path, key]));
    return copy;
  };
  const value = visit(layer.value, []) as PlainObject;
  if (added.size === 0) return layer;
  const source: Layer["source"] = (path) => {
    const extra = path.map((_, depth) => added.get(keyOf(path.slice(0, depth + 1)))).find(Boolean);
    return { ...layer.source(path), ...extra };
  };
  return { value, source };
}

function keyOf(path: Path): string {
  return path.join("\0");
}
