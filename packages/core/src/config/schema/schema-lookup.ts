import type { Path } from "../layers.js";
import { isPlainObject, valueAt } from "../plain.js";
import type { JsonSchema } from "./schema.js";

/**
 * The schemas that describe what stands at a path of a value, one for each part of the schema
 * (`anyOf`, `$ref`, …) that says something about it. Empty where none does.
 */
export function schemasAt(schema: JsonSchema, path: Path): JsonSchema[] {
  let found: JsonSchema[] = [schema];
  for (const key of path)
    found = found.flatMap((one) => partsOf(one, schema).flatMap((part) => childrenOf(part, key)));
  return found;
}

/** Whether any schema on the way to a path, or at it, calls the value secret. */
export function isSecretIn(schema: JsonSchema, path: Path): boolean {
  return schemasAt(schema, path).some((one) => partsOf(one, schema).some((part) => part["secret"] === true));
}

/** Whether any schema below a path, or at it, calls something secret. */
export function holdsSecretIn(schema: JsonSchema, path: Path): boolean {
  const seen = new Set<JsonSchema>();
  const holds = (one: JsonSchema): boolean => {
    if (seen.has(one)) return false;
    seen.add(one);
    return partsOf(one, schema).some((part) => part["secret"] === true || subschemasOf(part).some(holds));
  };
  return schemasAt(schema, path).some(holds);
}

const composed = new WeakMap<JsonSchema, Map<string, JsonSchema | undefined>>();

/** One schema for what stands at a path; the same object for the same path, since schemas are compiled once. */
export function schemaAt(schema: JsonSchema, path: Path): JsonSchema | undefined {
  let known = composed.get(schema);
  if (known === undefined) composed.set(schema, (known = new Map<string, JsonSchema | undefined>()));
  const key = path.join("\0");
  if (!known.has(key)) known.set(key, compose(schema, schemasAt(schema, path)));
  return known.get(key);
}

function compose({ $defs }: JsonSchema, found: readonly JsonSchema[]): JsonSchema | undefined {
  const [only, ...others] = found;
  if (others.length > 0) return { anyOf: found, ...($defs === undefined ? {} : { $defs }) };
  return only === undefined || $defs === undefined ? only : { ...only, $defs };
}

/** A schema and all schemas that hold for the same value, or may. */
export function partsOf(schema: JsonSchema, root: JsonSchema): JsonSchema[] {
  const parts = new Set([schema]);
  // A set takes in what is added while it is walked, and a reference to itself only once.
  for (const part of parts) {
    for (const keyword of ["anyOf", "oneOf", "allOf"])
      if (Array.isArray(part[keyword])) for (const branch of part[keyword]) add(branch);
    for (const keyword of ["if", "then", "else"]) add(part[keyword]);
    const reference = part["$ref"];
    if (typeof reference === "string" && reference.startsWith("#/"))
      add(valueAt(root, reference.slice(2).split("/")));
  }
  function add(other: unknown): void {
    if (isPlainObject(other)) parts.add(other);
  }
  return [...parts];
}

function childrenOf(schema: JsonSchema, key: string | number): JsonSchema[] {
  const name = String(key);
  const { items, properties, patternProperties, additionalProperties } = schema;
  const found: unknown[] = [];
  if (/^\d+$/.test(name)) found.push(Array.isArray(items) ? items[Number(name)] : items);
  const named = isPlainObject(properties) && Object.hasOwn(properties, name) ? [properties[name]] : [];
  if (isPlainObject(patternProperties)) {
    for (const [pattern, child] of Object.entries(patternProperties))
      if (new RegExp(pattern, "u").test(name)) named.push(child);
  }
  found.push(...(named.length > 0 ? named : [additionalProperties]));
  return found.filter(isPlainObject);
}

/** The schemas of everything that may stand in a list or a map. */
function subschemasOf({
  items,
  properties,
  patternProperties,
  additionalProperties,
}: JsonSchema): JsonSchema[] {
  const named = [properties, patternProperties].filter(isPlainObject).flatMap(Object.values);
  return [items, additionalProperties, ...named].flat().filter(isPlainObject);
}
