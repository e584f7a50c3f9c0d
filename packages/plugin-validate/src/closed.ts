import type { Schema } from "./schemas.js";

/** Keywords whose schemas apply to a part of the value. */
const PARTS = [
  "items",
  "additionalItems",
  "prefixItems",
  "contains",
  "additionalProperties",
  "unevaluatedProperties",
  "unevaluatedItems",
];
const NAMED_PARTS = ["properties", "patternProperties"];
/** Keywords whose schemas apply to the same value: closing one of them would refuse what its siblings describe. */
const SAME_VALUE = ["allOf", "anyOf", "oneOf", "if", "then", "else", "not"];
const NAMED_SAME_VALUE = ["dependentSchemas", "dependencies", "$defs", "definitions"];
const COMBINES = [...SAME_VALUE, "$ref", "$dynamicRef", "dependentSchemas", "dependencies"];

/**
 * A copy of the schema in which every object that lists `properties`, and does not say what else
 * it admits, admits nothing else. Left open: objects that combine schemas (`allOf`, `anyOf`,
 * `oneOf`, `if`, `not`, `$ref`, …), the schemas so combined, and shared definitions, because
 * `additionalProperties` sees only the properties beside it.
 */
export function closed(schema: Schema): Schema {
  return close(schema, true) as Schema;
}

function close(schema: unknown, standsAlone: boolean): unknown {
  if (Array.isArray(schema)) return schema.map((each) => close(each, standsAlone));
  if (typeof schema !== "object" || schema === null) return schema;
  const copy: Record<string, unknown> = { ...schema };
  for (const keyword of PARTS) if (keyword in copy) copy[keyword] = close(copy[keyword], true);
  for (const keyword of NAMED_PARTS) if (keyword in copy) copy[keyword] = closeEach(copy[keyword], true);
  for (const keyword of SAME_VALUE) if (keyword in copy) copy[keyword] = close(copy[keyword], false);
  for (const keyword of NAMED_SAME_VALUE)
    if (keyword in copy) copy[keyword] = closeEach(copy[keyword], false);

  const saysMore = "additionalProperties" in copy || "unevaluatedProperties" in copy;
  if (standsAlone && "properties" in copy && !saysMore && !COMBINES.some((keyword) => keyword in copy)) {
    copy["additionalProperties"] = false;
  }
  return copy;
}

function closeEach(schemas: unknown, standAlone: boolean): unknown {
  if (typeof schemas !== "object" || schemas === null) return schemas;
  return Object.fromEntries(Object.entries(schemas).map(([name, each]) => [name, close(each, standAlone)]));
}
