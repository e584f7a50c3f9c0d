import { copyPlain, isPlainObject, setOwn, type PlainObject } from "../plain.js";
import type { JsonSchema } from "./schema.js";

/**
 * Fills in what is missing, in place, and returns the value. ajv's own `useDefaults` ignores
 * defaults inside `anyOf` and `oneOf`, where options that are `false` or an object keep theirs:
 * those apply here where exactly one branch is for objects.
 */
export function fillDefaults(schema: JsonSchema, value: unknown, root: JsonSchema = schema): unknown {
  if (value === undefined && schema["default"] !== undefined) value = copyPlain(schema["default"]);
  if (Array.isArray(value)) {
    const { items } = schema;
    if (isPlainObject(items)) for (const item of value) fillDefaults(items, item, root);
    return value;
  }
  if (!isPlainObject(value)) return value;
  for (const part of appliedTo(schema, root)) fillDefaults(part, value, root);
  if (isPlainObject(schema["properties"])) {
    for (const [key, child] of Object.entries(schema["properties"] as Record<string, JsonSchema>)) {
      const filled = fillDefaults(child, Object.hasOwn(value, key) ? value[key] : undefined, root);
      if (filled !== undefined) setOwn(value, key, filled);
    }
  }
  const others = schema["additionalProperties"];
  if (isPlainObject(others)) {
    for (const [key, child] of Object.entries(value)) {
      if (!Object.hasOwn((schema["properties"] ?? {}) as object, key)) fillDefaults(others, child, root);
    }
  }
  return value;
}

/** The subschemas that hold for an object as a whole. */
function* appliedTo(schema: JsonSchema, root: JsonSchema): Generator<JsonSchema> {
  if (Array.isArray(schema["allOf"])) yield* schema["allOf"] as JsonSchema[];
  for (const keyword of ["anyOf", "oneOf"]) {
    const branches = schema[keyword];
    if (!Array.isArray(branches)) continue;
    const forObjects = (branches as JsonSchema[]).filter(
      (branch) => branch["type"] === "object" || "$ref" in branch,
    );
    if (forObjects.length === 1) yield forObjects[0]!;
  }
  const reference = schema["$ref"];
  if (typeof reference === "string" && reference.startsWith("#/")) {
    let target: unknown = root;
    for (const key of reference.slice(2).split("/")) target = (target as PlainObject | undefined)?.[key];
    if (isPlainObject(target)) yield target;
  }
}
