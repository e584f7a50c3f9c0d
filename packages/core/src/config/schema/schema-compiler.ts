import { Ajv, type ErrorObject, type SchemaValidateFunction, type ValidateFunction } from "ajv";
import { isPlainObject } from "../plain.js";
import { formatPath } from "../problems.js";
import type { JsonSchema, ValueCheck } from "./schema.js";
import { parseDuration, parseSize } from "./units.js";

/** Checks a value that it may change: durations and sizes become numbers in place. */
type CompiledSchema = (value: unknown) => { value: unknown; errors: readonly ErrorObject[] };

const compiled = new WeakMap<JsonSchema, CompiledSchema>();
let ajv: Ajv | undefined;

/** A schema that is wrong itself. */
export class WrongSchemaError extends TypeError {}

/**
 * @param of whose schema it is, for the error
 * @throws WrongSchemaError that says where in the schema
 */
export function compileSchema(schema: JsonSchema, of?: string): CompiledSchema {
  let found = compiled.get(schema);
  if (found === undefined) compiled.set(schema, (found = compile(schema, of)));
  return found;
}

function compile(schema: JsonSchema, of: string | undefined): CompiledSchema {
  ajv ??= createAjv();
  let validate: ValidateFunction;
  try {
    validate = ajv.compile(prepare(schema, true));
  } catch (error) {
    throw wrongSchema(schema, of, error);
  }
  return (value) => {
    // The holder lets a keyword replace the value itself, as in `@timeout("5s")`.
    const holder = { value };
    const valid = validate(value, {
      instancePath: "",
      parentData: holder,
      parentDataProperty: "value",
      rootData: holder,
      dynamicAnchors: {},
    });
    return { value: holder.value, errors: valid ? [] : (validate.errors ?? []) };
  };
}

function wrongSchema(schema: JsonSchema, of: string | undefined, cause: unknown): WrongSchemaError {
  const message = (cause as Error).message;
  const place = formatPath(placeOf(message, schema));
  const reason = message.replace(/^strict mode: /, "");
  return new WrongSchemaError(
    `The JSON Schema${of === undefined ? "" : ` of ${of}`} is wrong${place === "" ? "" : ` at ${place}`}: ${reason}. ` +
      "Correct it where it is defined.",
    { cause },
  );
}

/** The path of the innermost subschema that ajv says the same of, since it does not say where. */
function placeOf(message: string, schema: JsonSchema): readonly string[] {
  for (const [path, child] of subschemasIn(schema)) {
    if (messageOf(child) === message) return [...path, ...placeOf(message, child)];
  }
  return [];
}

function messageOf(schema: JsonSchema): string | undefined {
  try {
    ajv?.compile(prepare(schema, true));
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

/** The schemas directly within one, each with the keys that lead to it. */
function subschemasIn(schema: JsonSchema): Array<[path: string[], child: JsonSchema]> {
  return Object.entries(schema).flatMap(([keyword, value]) => {
    const one = children.has(keyword) || conditions.has(keyword);
    const found: Array<[string[], unknown]> = [];
    if (one && !Array.isArray(value)) found.push([[keyword], value]);
    else if (one || maps.has(keyword) || alternatives.has(keyword))
      for (const [key, child] of Object.entries(value as object)) found.push([[keyword, key], child]);
    return found.filter((each): each is [string[], JsonSchema] => isPlainObject(each[1]));
  });
}

function createAjv(): Ajv {
  const created = new Ajv({
    allErrors: true,
    // Compiling is most of what loading a configuration takes, and each schema is used a few times.
    code: { optimize: false },
    ownProperties: true,
    verbose: true,
    strictTypes: false,
    strictTuples: false,
    // Strict mode still refuses unknown keywords; compiling the meta-schema as well takes 60 ms.
    meta: false,
    validateSchema: false,
  });
  const converting = (parse: (value: unknown) => number | undefined): SchemaValidateFunction => {
    return (_schema, data, _parentSchema, at) => {
      const parsed = parse(data);
      if (parsed !== undefined && at !== undefined) at.parentData[at.parentDataProperty] = parsed;
      return parsed !== undefined;
    };
  };
  created.addKeyword({
    keyword: "duration",
    schemaType: "boolean",
    modifying: true,
    errors: false,
    validate: converting(parseDuration),
  });
  created.addKeyword({
    keyword: "size",
    schemaType: "boolean",
    modifying: true,
    errors: false,
    validate: converting(parseSize),
  });
  // Annotations: they say how a value is treated, not which values are valid.
  created.addKeyword({ keyword: "secret", schemaType: "boolean" });
  created.addKeyword({ keyword: "requiredWhen", schemaType: "string" });
  created.addKeyword({
    keyword: "typeof",
    schemaType: "string",
    errors: false,
    validate: (expected: string, data: unknown) => typeof data === expected,
  });
  const complaining: SchemaValidateFunction = (check: ValueCheck, data: unknown) => {
    const message = check(data);
    complaining.errors = message === undefined ? [] : [{ keyword: "check", message, params: {} }];
    return message === undefined;
  };
  created.addKeyword({ keyword: "check", errors: true, validate: complaining });
  return created;
}

const maps = new Set(["properties", "patternProperties", "$defs", "definitions"]);
const children = new Set([
  "items",
  "prefixItems",
  "additionalItems",
  "additionalProperties",
  "contains",
  "propertyNames",
]);
const alternatives = new Set(["anyOf", "oneOf"]);
const conditions = new Set(["allOf", "not", "if", "then", "else"]);

/**
 * The schema as ajv gets it: objects are closed, and conversions come first. ajv checks
 * `minimum` before it meets a keyword of ours, so that the rest stands behind it in an `allOf`, and
 * `check` behind all of that.
 *
 * `closable` is false for subschemas that see only a part of their object's keys.
 */
function prepare(schema: JsonSchema, closable: boolean): JsonSchema {
  const { check, ...unchecked } = schema;
  if (check !== undefined) {
    if (typeof check !== "function") throw new TypeError('"check" must be a function');
    const { $defs, ...others } = prepare(unchecked, closable);
    return { ...($defs !== undefined && { $defs }), allOf: [others], if: { not: others }, else: { check } };
  }
  const { duration, size, ...rest } = schema;
  if (duration === true || size === true) {
    const { type: _, ...bounds } = rest;
    return { allOf: [duration === true ? { duration } : { size }, prepare(bounds, closable)] };
  }
  const prepared: Record<string, unknown> = {};
  for (const [keyword, value] of Object.entries(rest)) {
    if (maps.has(keyword)) {
      prepared[keyword] = Object.fromEntries(
        Object.entries(value as object).map(([key, child]) => [key, visit(child, true)]),
      );
    } else if (children.has(keyword)) prepared[keyword] = visit(value, true);
    else if (alternatives.has(keyword)) prepared[keyword] = visit(value, !("properties" in schema));
    else if (conditions.has(keyword)) prepared[keyword] = visit(value, false);
    else prepared[keyword] = value;
  }
  if (closable && "properties" in schema && !("additionalProperties" in schema))
    prepared["additionalProperties"] = false;
  return prepared;
}

function visit(value: unknown, closable: boolean): unknown {
  if (Array.isArray(value)) return value.map((child) => visit(child, closable));
  return isPlainObject(value) ? prepare(value, closable) : value;
}
