import { isPlainObject, setOwn, valueAt, type PlainObject } from "../plain.js";
import type { JsonSchema } from "./schema.js";

/** Texts that stand for a value which is only known when the configuration is read. */
export const reference: JsonSchema = {
  description: "A text that names the value: ${VARIABLE}, ${VARIABLE:-default} or secret://provider/path.",
  type: "string",
  pattern: "\\$\\{.+\\}|^secret://.",
};

const duration: JsonSchema = { type: "string", pattern: "^\\s*\\d+(\\.\\d+)?\\s*(ms|s|m|h|d)?\\s*$" };
const size: JsonSchema = { type: "string", pattern: "^\\s*\\d+(\\.\\d+)?\\s*([kKmMgGtT]?[iI]?[bB])?\\s*$" };

/** What says something about a value to a person, and nothing about which values are valid. */
const annotations = ["title", "description", "default", "examples", "deprecated"];

/**
 * Keywords that are taken over as they are. All others are left out: what is ours alone, and what
 * only holds for a whole object, since a file may hold a part of it.
 */
const taken = new Set([
  ...annotations,
  ...["type", "enum", "const", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"],
  ...["minLength", "maxLength", "pattern", "minItems", "maxItems", "uniqueItems"],
]);

interface Place {
  /** False for a subschema that sees only a part of its object's keys. */
  readonly closable: boolean;
  /** Whether the value is never merged with another: then what is required must stand in it. */
  readonly whole: boolean;
}

/**
 * A schema of ours as editors and other validators read it, in plain draft 7: objects closed as
 * the loader closes them, durations and sizes as a number or a text, references such as
 * `${NAME}` admitted for every value. It refuses nothing that the loader would accept.
 *
 * @param definitions takes what the schema refers to, by keys that begin with `name`
 * @returns nothing where no file can hold a value: for what is a function
 */
export function toEditorSchema(
  schema: JsonSchema,
  name: string,
  definitions: PlainObject,
): JsonSchema | undefined {
  const root = schema;

  const convert = (from: unknown, { closable, whole }: Place): JsonSchema | boolean | undefined => {
    if (!isPlainObject(from)) return from as boolean;
    const kept = Object.fromEntries(Object.entries(from).filter(([keyword]) => taken.has(keyword)));
    if (from["duration"] === true || from["size"] === true)
      return united(kept, from["duration"] === true ? duration : size);
    if (from["typeof"] === "function") return undefined;
    const to: PlainObject = kept;
    if ("properties" in from) {
      to["properties"] = convertAll(from["properties"] as PlainObject, whole);
      if (closable) to["additionalProperties"] = false;
    }
    if ("patternProperties" in from)
      to["patternProperties"] = convertAll(from["patternProperties"] as PlainObject, whole);
    if ("additionalProperties" in from)
      to["additionalProperties"] = convertValue(from["additionalProperties"], whole) ?? false;
    if ("items" in from) {
      const { items } = from;
      to["items"] = Array.isArray(items)
        ? items.map((item) => convertValue(item, true) ?? false)
        : (convertValue(items, true) ?? false);
    }
    if ("additionalItems" in from)
      to["additionalItems"] = convertValue(from["additionalItems"], true) ?? false;
    if (whole && Array.isArray(from["required"])) {
      const { properties = {} } = from;
      to["required"] = from["required"].filter(
        (key: string) => valueAt(properties, [key, "default"]) === undefined,
      );
    }
    if (Array.isArray(from["allOf"]))
      to["allOf"] = from["allOf"].map((part) => convert(part, { closable: false, whole }) ?? false);
    const unions = ["anyOf", "oneOf"].flatMap((keyword) => {
      if (!Array.isArray(from[keyword])) return [];
      const place = { closable: !("properties" in from), whole };
      return [from[keyword].map((branch) => convert(branch, place)).filter((branch) => branch !== undefined)];
    });
    if (unions.some((branches) => branches.length === 0)) return undefined;
    // Also what was `oneOf`: without what is required, two branches may look alike.
    const [union, ...others] = unions;
    if (union !== undefined) to["anyOf"] = union;
    if (others.length > 0)
      to["allOf"] = [...((to["allOf"] as unknown[]) ?? []), ...others.map((anyOf) => ({ anyOf }))];
    if (typeof from["$ref"] !== "string") return to;
    const target = refer(from["$ref"]);
    return Object.keys(to).length === 0 ? target : { ...to, allOf: [...((to["allOf"] as []) ?? []), target] };
  };

  /** A schema at a place where a value is written, which may be a reference too. */
  const convertValue = (from: unknown, whole: boolean): JsonSchema | boolean | undefined => {
    const own = convert(from, { closable: true, whole });
    return isPlainObject(own) ? orReference(own) : own;
  };

  const convertAll = (schemas: PlainObject, whole: boolean): PlainObject => {
    const converted: PlainObject = {};
    for (const [key, child] of Object.entries(schemas)) {
      const value = convertValue(child, whole);
      if (value !== undefined) setOwn(converted, key, value);
    }
    return converted;
  };

  const refer = (pointer: string): JsonSchema => {
    const keys = pointer.split("/").slice(1);
    const key = [name, ...keys].join(".");
    if (!Object.hasOwn(definitions, key)) {
      // Before it is converted, since it may refer to itself.
      setOwn(definitions, key, {});
      setOwn(definitions, key, convert(valueAt(root, keys), { closable: true, whole: false }) ?? false);
    }
    return { $ref: `#/definitions/${key}` };
  };

  return convert(schema, { closable: true, whole: false }) as JsonSchema | undefined;
}

/** A number within bounds, or a text with a unit, whose bounds only the loader checks. */
function united(kept: PlainObject, text: JsonSchema): JsonSchema {
  const { type: _, ...rest } = kept;
  const [said, bounds] = split(rest);
  return { ...said, anyOf: [{ type: "number", minimum: 0, ...bounds }, text] };
}

function orReference(schema: JsonSchema): JsonSchema {
  const [said, rules] = split(schema);
  if (admitsAnyText(rules)) return schema;
  const { anyOf, ...others } = rules;
  const branches = Array.isArray(anyOf) && Object.keys(others).length === 0 ? anyOf : [rules];
  return { ...said, anyOf: [...branches, { $ref: "#/definitions/reference" }] };
}

function admitsAnyText({ type, minLength = 0, ...rules }: PlainObject): boolean {
  const admitted = type === undefined || [type].flat().includes("string");
  // The shortest reference is `${X}`.
  return admitted && (minLength as number) <= 4 && Object.keys(rules).length === 0;
}

function split(schema: JsonSchema): [said: PlainObject, rules: PlainObject] {
  const said: PlainObject = {};
  const rules: PlainObject = {};
  for (const [keyword, value] of Object.entries(schema))
    setOwn(annotations.includes(keyword) ? said : rules, keyword, value);
  return [said, rules];
}
