import { isDeepStrictEqual } from "node:util";
import { isPlainObject, valueAt } from "../plain.js";
import type { KnownSchemas } from "../load.js";
import { nearest } from "../nearest.js";
import { formatPath } from "../problems.js";
import type { JsonSchema } from "./schema.js";
import { checkSchema } from "./schema.js";
import { redact } from "../secrets/redaction.js";
import { Places } from "./places.js";
import { schemaAt, schemasAt } from "./schema-lookup.js";
import { coreSections, type SectionSchema } from "../sections.js";
import { variablesOf } from "../sources/variables.js";

const text: JsonSchema = { type: "string", minLength: 1 };
const texts: JsonSchema = { anyOf: [{ type: "array", items: text }, text] };
const pluginNames: JsonSchema = {
  anyOf: [
    { type: "array", items: text },
    { type: "object", additionalProperties: {} },
  ],
};
const pluginSetting: JsonSchema = { anyOf: [{ type: "boolean" }, { type: "object" }] };

/**
 * The schema of what stands at a path, in whatever part of the configuration: a section, the
 * options of an advice under `operations`, those of a plugin under `plugins`, all of these in a
 * profile too. Nothing where no loaded plugin knows the path.
 */
export function settingSchema(known: KnownSchemas, path: readonly string[]): JsonSchema | undefined {
  const [top, ...rest] = path;
  switch (top) {
    case undefined:
      return undefined;
    case "profiles":
      return rest.length < 2 ? { type: "object" } : settingSchema(known, rest.slice(1));
    case "app":
    case "$schema":
      return rest.length === 0 ? text : undefined;
    case "extends":
      return rest.length === 0 ? texts : text;
    case "plugins":
      return pluginSchema(known, rest);
    case "operations":
      return adviceSchema(known, rest);
    default: {
      const section = sectionsOf(known).find(({ name }) => name === top);
      return section === undefined ? undefined : schemaAt(section.schema, rest);
    }
  }
}

function pluginSchema({ pluginOptions, sections }: KnownSchemas, path: readonly string[]) {
  const [plugin, ...rest] = path;
  if (plugin === undefined) return pluginNames;
  if (rest.length === 0) return pluginSetting;
  const [name] = [...(pluginOptions ?? [])].find(([, entry]) => entry === plugin) ?? [];
  const section = sections.find((one) => one.name === name);
  return section === undefined ? undefined : schemaAt(section.schema, rest);
}

function adviceSchema({ advice }: KnownSchemas, path: readonly string[]): JsonSchema | undefined {
  const [, name, ...rest] = path;
  if (name === undefined) return { type: "object" };
  if (name === "order") return { type: "array", items: text };
  const found = advice.find((one) => one.name === name);
  if (found === undefined) return undefined;
  if (rest.length > 0) return schemaAt(found.schema, rest);
  const { $defs, required: _, ...options } = found.schema;
  const short = found.shorthand === undefined ? [] : [found.shorthand.schema];
  return { anyOf: [{ type: "boolean" }, ...short, options], ...($defs === undefined ? {} : { $defs }) };
}

/** What a person may want to know of a setting besides its value. */
export interface SettingFacts {
  /** In short: `duration`, `"fast" | "safe"`, `integer, at least 1`. */
  readonly type?: string;
  readonly description?: string;
  /** As the schema has it: `"1h"`. What is secret in it is hidden. */
  readonly default?: unknown;
  /** The environment variable that would set it. */
  readonly variable?: string;
}

/** What the schemas say of a setting; nothing where none knows it. */
export function settingFacts(known: KnownSchemas, path: readonly string[]): SettingFacts | undefined {
  const schema = settingSchema(known, path);
  if (schema === undefined) return undefined;
  const section = sectionsOf(known).find(({ name }) => name === path[0]);
  const parts = section === undefined ? [schema] : schemasAt(section.schema, path.slice(1));
  const said = (keyword: string) => parts.find((part) => part[keyword] !== undefined)?.[keyword];
  const type = typeOf(schema);
  const description = said("description");
  const places = new Places(
    sectionsOf(known),
    known.advice,
    known.pluginOptions ?? new Map<string, string>(),
  );
  const initial = redact(said("default"), path, (place) => places.isSecret(place));
  const name = formatPath(path);
  const variable = variablesOf(sectionsOf(known)).find((one) => formatPath(one.path) === name)?.name;
  return {
    ...(type === undefined ? {} : { type }),
    ...(typeof description === "string" ? { description } : {}),
    ...(initial === undefined ? {} : { default: initial }),
    ...(variable === undefined ? {} : { variable }),
  };
}

function typeOf(schema: JsonSchema): string | undefined {
  if (schema["duration"] === true) return withBounds("duration", schema);
  if (schema["size"] === true) return withBounds("size", schema);
  if (typeof schema["typeof"] === "string") return `${schema["typeof"]} (only code can give it)`;
  if (Array.isArray(schema["enum"])) return schema["enum"].map((one) => JSON.stringify(one)).join(" | ");
  if ("const" in schema) return JSON.stringify(schema["const"]);
  for (const keyword of ["anyOf", "oneOf"]) {
    if (!Array.isArray(schema[keyword])) continue;
    const types = (schema[keyword] as JsonSchema[]).map(typeOf).filter((type) => type !== undefined);
    return [...new Set(types)].join(" | ");
  }
  const { type, items } = schema;
  if (type === "array") return `list of ${(isPlainObject(items) && typeOf(items)) || "anything"}`;
  return type === undefined ? undefined : withBounds([type].flat().join(" | "), schema);
}

function withBounds(type: string, schema: JsonSchema): string {
  const bounds = [
    ["minimum", "at least"],
    ["exclusiveMinimum", "more than"],
    ["maximum", "at most"],
    ["exclusiveMaximum", "less than"],
  ].flatMap(([keyword, words]) =>
    typeof schema[keyword!] === "number" ? [`${words} ${schema[keyword!] as number}`] : [],
  );
  return [type, ...bounds].join(", ");
}

/** Every path that a section's schema names. */
export function settingPaths(known: KnownSchemas): string[] {
  const sections = sectionsOf(known);
  return [
    ...sections.map(({ name }) => name),
    ...new Set(variablesOf(sections).map(({ path }) => formatPath(path))),
  ];
}

/**
 * The setting that was most likely meant by a path that no schema knows; nothing for one that is
 * no setting's neighbour, as those of a plugin that is not loaded.
 */
export function meantSetting(known: KnownSchemas, path: readonly string[]): string | undefined {
  if (settingSchema(known, path) !== undefined) return undefined;
  const near = (word: string, words: Iterable<string>) => nearest(word, words, word.length > 3 ? 2 : 1);
  const sections = sectionsOf(known).map(({ name }) => name);
  const [section = ""] = path;
  return (
    near(formatPath(path), settingPaths(known)) ??
    (sections.includes(section) ? undefined : near(section, sections))
  );
}

/** What holds where nothing is configured, once for all sections. */
export function defaultsOf(known: KnownSchemas): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    sectionsOf(known).map(({ name, schema }) => [name, checkSchema(schema, {}, { defaults: true }).value]),
  );
}

/** Whether the value at a path is what holds where nothing is configured. */
export function isDefault(
  defaults: Readonly<Record<string, unknown>>,
  path: readonly string[],
  value: unknown,
): boolean {
  return isDeepStrictEqual(valueAt(defaults, path), value);
}

function sectionsOf({ sections }: KnownSchemas): readonly SectionSchema[] {
  return [...coreSections, ...sections];
}
