import { isDeepStrictEqual } from "node:util";
import type { Layer } from "../../config/layers.js";
import { isPlainObject, valueAt } from "../../config/plain.js";
import { formatPath } from "../../config/problems.js";
import type { ConfigReader, ConfigSource } from "../../config/reader.js";
import { withoutPasswords } from "../../config/secrets/redaction.js";
import { isSecretReference, REDACTED } from "../../config/secrets/secrets.js";
import { Reference } from "./config-yaml.js";

/**
 * The value at a path as a file may say it: in place of each secret stands the {@link Reference}
 * that it came from. Nothing where a secret came from none.
 *
 * @param layers what the files say
 */
export function withReferences(
  config: ConfigReader,
  layers: readonly Layer[],
  path: readonly string[],
): unknown {
  const [value, shown] = [config.get<unknown>(formatPath(path)), config.redacted(formatPath(path))];
  if (shown === value) return value;
  if (Array.isArray(value)) {
    const items = value.map((_, index) => withReferences(config, layers, [...path, String(index)]));
    return items.includes(undefined) ? undefined : items;
  }
  if (isPlainObject(value)) {
    const entries = Object.keys(value).map((key) => [key, withReferences(config, layers, [...path, key])]);
    return entries.some(([, child]) => child === undefined) ? undefined : Object.fromEntries(entries);
  }
  const text = referenceAt(path, config.explain(formatPath(path)).source, layers);
  return text === undefined || holdsSecret(text, shown) ? undefined : new Reference(text);
}

function referenceAt(
  path: readonly string[],
  source: ConfigSource,
  layers: readonly Layer[],
): string | undefined {
  const [first] = source.references ?? [];
  if (first !== undefined && isSecretReference(first)) return first;
  const layer = layers.findLast(({ value }) => valueAt(value, path) !== undefined);
  // Options under `plugins` stand elsewhere than the settings that they are.
  if (layer === undefined || !isDeepStrictEqual(layer.source(path), source)) return undefined;
  const written = valueAt(layer.written, path);
  return typeof written === "string" ? written : undefined;
}

/** Whether a text tells a secret besides the names of variables: around them, or as the default of one. */
function holdsSecret(text: string, shown: unknown): boolean {
  if (isSecretReference(text)) return false;
  const rest = text.replaceAll(/\$\{\w+(:-)?\}/g, "");
  return shown === REDACTED ? rest !== "" : withoutPasswords(rest) !== rest;
}
