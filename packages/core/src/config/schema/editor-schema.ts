import { redact } from "../secrets/redaction.js";
import { isPlainObject, setOwn, valueAt, type PlainObject } from "../plain.js";
import type { Path } from "../layers.js";
import type { JsonSchema } from "./schema.js";
import { isSecretIn } from "./schema-lookup.js";

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
  /** Where the value stands, as far as the keys on the way have names. */
  readonly path: Path;
  /** Whether the value is a part of a secret. */
  readonly secret: boolean;
}

/**
 * A schema of ours as editors and other validators read it, in plain draft 7: objects closed as
 * the loader closes them, durations and sizes as a number or a text, references such as
 * `${NAME}` admitted for every value. It refuses nothing that the loader would accept. A default or
 * an example that is a secret, or holds one, is left out.
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

  const convert = (from: unknown, place: Place): JsonSchema | boolean | undefined => {
    if (!isPlainObject(from)) return from as boolean;
    const { closable, whole, path } = place;
    const own = { ...from, ...(isPlainObject(root["$defs"]) ? { $defs: root["$defs"] } : {}) };
    const secret = place.secret || isSecretIn(own, []);
    const tells = (value: unknown): boolean =>
      secret || redact(value, path, (inner) => isSecretIn(own, inner.slice(path.length))) !== value;
    const kept = Object.fromEntries(
      Object.entries(from).filter(
        ([keyword, value]) =>
          taken.has(keyword) &&
          !(keyword === "default" && tells(value)) &&
          !(keyword === "examples" && (value as unknown[]).some(tells)),
      ),
    );
    const value = (at: unknown, all = whole, key?: string) =>
      convertValue(at, {
        closable: true,
        whole: all,
        secret,
        path: key === undefined ? path : [...path, key],
      });
    const values = (schemas: unknown): PlainObject => {
      const converted: PlainObject = {};
      for (const [key, child] of Object.entries(schemas as PlainObject)) {
        const one = value(child, whole, key);
        if (one !== undefined) setOwn(converted, key, one);
      }
      return converted;
    };
    if (from["duration"] === true || from["size"] === true)
      return united(kept, from["duration"] === true ? duration : size);
    if (from["typeof"] === "function") return undefined;
    const to: PlainObject = kept;
    if ("properties" in from) {
      to["properties"] = values(from["properties"]);
      if (closable) to["additionalProperties"] = false;
    }
    if ("patternProperties" in from) to["patternProperties"] = values(from["patternProperties"]);
    if ("additionalProperties" in from)
      to["additionalProperties"] = value(from["additionalProperties"]) ?? false;
    if ("items" in from) {
      const { items } = from;
      to["items"] = Array.isArray(items)
        ? items.map((item) => value(item, true) ?? false)
        : (value(items, true) ?? false);
    }
    if ("additionalItems" in from) to["additionalItems"] = value(from["additionalItems"], true) ?? false;
    if (whole && Array.isArray(from["required"])) {
      const { properties = {} } = from;
      to["required"] = from["required"].filter(
        (key: string) => valueAt(properties, [key, "default"]) === undefined,
      );
    }
    if (Array.isArray(from["allOf"]))
      to["allOf"] = from["allOf"].map(
        (part) => convert(part, { ...place, closable: false, secret }) ?? false,
      );
    const unions = ["anyOf", "oneOf"].flatMap((keyword) => {
      if (!Array.isArray(from[keyword])) return [];
      const inside = { ...place, closable: !("properties" in from), secret };
      return [
        from[keyword].map((branch) => convert(branch, inside)).filter((branch) => branch !== undefined),
      ];
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
  const convertValue = (from: unknown, place: Place): JsonSchema | boolean | undefined => {
    const own = convert(from, place);
    return isPlainObject(own) ? orReference(own) : own;
  };

  const refer = (pointer: string): JsonSchema => {
    const keys = pointer.split("/").slice(1);
    const key = [name, ...keys].join(".");
    if (!Object.hasOwn(definitions, key)) {
      // Before it is converted, since it may refer to itself.
      setOwn(definitions, key, {});
      setOwn(definitions, key, convert(valueAt(root, keys), outermost) ?? false);
    }
    return { $ref: `#/definitions/${key}` };
  };

  return convert(schema, outermost) as JsonSchema | undefined;
}

const outermost: Place = { closable: true, whole: false, path: [], secret: false };

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
