import { partsOf } from "../schema/schema-lookup.js";
import { WrongSchemaError } from "../schema/schema-compiler.js";
import { checkSchema, type JsonSchema } from "../schema/schema.js";

/**
 * What a text from outside (a variable, a secret) means to a schema: the reading that it accepts, of
 * a number, true or false, JSON, the text itself, null, and a list with commas between its items.
 * Where it accepts none, the one of its type, so that the error is about the value.
 */
export function coerce(text: string, schema: JsonSchema): unknown {
  const all = readings(text, schema);
  const accepted = all.find((reading) => accepts(schema, reading));
  if (accepted !== undefined) return accepted;
  const types = partsOf(schema, schema).flatMap(({ type }) => type);
  return (
    all.find(
      (reading) =>
        types.includes(typeOf(reading)) || (typeof reading === "number" && types.includes("integer")),
    ) ?? text
  );
}

function accepts(schema: JsonSchema, value: unknown): boolean {
  try {
    return checkSchema(schema, value).issues.length === 0;
  } catch (error) {
    // Who checks the whole value says whose schema it is.
    if (error instanceof WrongSchemaError) return false;
    throw error;
  }
}

function typeOf(value: unknown): string {
  return Array.isArray(value) ? "array" : typeof value;
}

function readings(text: string, schema: JsonSchema): unknown[] {
  const trimmed = text.trim();
  const found: unknown[] = [];
  if (trimmed !== "" && Number.isFinite(Number(trimmed))) found.push(Number(trimmed));
  if (/^(true|yes|on|1)$/i.test(trimmed)) found.push(true);
  if (/^(false|no|off|0)$/i.test(trimmed)) found.push(false);
  const json = /^[[{]/.test(trimmed);
  if (json) {
    try {
      found.push(JSON.parse(trimmed));
    } catch {
      // Not JSON: then it is a text that begins with a bracket.
    }
  }
  found.push(text);
  if (trimmed === "null") found.push(null);
  if (!json) found.push(...lists(trimmed, schema));
  return found;
}

/** The text as a list, once for each kind of list that the schema takes. */
function lists(text: string, schema: JsonSchema): unknown[][] {
  const parts = text
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "");
  return partsOf(schema, schema)
    .filter(({ type, items }) => [type].flat().includes("array") || items !== undefined)
    .map(({ items }) => parts.map((part) => (items === undefined ? part : coerceItem(part, items, schema))));
}

const withDefinitions = new WeakMap<object, JsonSchema>();

function coerceItem(text: string, items: unknown, { $defs }: JsonSchema): unknown {
  if (typeof items !== "object" || items === null || Array.isArray(items)) return text;
  const item = items as JsonSchema;
  if ($defs === undefined) return coerce(text, item);
  // Schemas are compiled once for each object, so that each pair has one.
  let whole = withDefinitions.get(item);
  if (whole === undefined) withDefinitions.set(item, (whole = { ...item, $defs }));
  return coerce(text, whole);
}
