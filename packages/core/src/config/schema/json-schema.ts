import { reference, toEditorSchema } from "./editor-schema.js";
import type { KnownSchemas } from "../load.js";
import type { PlainObject } from "../plain.js";
import type { JsonSchema } from "./schema.js";
import { coreSections } from "../sections.js";

/**
 * The JSON Schema (draft 7) of an rc file, with which editors complete and check it: the sections
 * of the core and of the plugins given, `operations` with every advice, `plugins`, `profiles`,
 * `extends` and `app`. It accepts everything that the loader accepts in a file, and also some
 * of what only the loader can tell is wrong, such as a text for a duration that is too long.
 */
export function configSchema(known: KnownSchemas): JsonSchema {
  const definitions: PlainObject = { reference };
  const refer = (key: string): JsonSchema => ({ $ref: `#/definitions/${key}` });

  const sections: PlainObject = {};
  for (const { name, schema } of [...coreSections, ...known.sections]) {
    const key = `section.${name}`;
    definitions[key] = toEditorSchema(schema, key, definitions) ?? false;
    sections[name] = refer(key);
  }

  const advice: PlainObject = {};
  for (const { name, schema, shorthand } of known.advice) {
    const key = `advice.${name}`;
    // As the loader sees them: the options of an advice are an object that takes no other keys.
    const options = toEditorSchema({ type: "object", properties: {}, ...schema }, key, definitions);
    const short =
      shorthand === undefined ? undefined : toEditorSchema(shorthand.schema, `${key}.short`, definitions);
    const { description, ...rest } = { description: undefined, ...options };
    definitions[key] = {
      ...(description === undefined ? {} : { description }),
      anyOf: [{ type: "boolean" }, ...(short === undefined ? [] : [short]), rest, refer("reference")],
    };
    advice[name] = refer(key);
  }

  definitions["operation"] = {
    type: "object",
    properties: {
      order: {
        description: "All advice of the operation, outermost first, in place of the order of the phases.",
        type: "array",
        items: { enum: known.advice.map(({ name }) => name) },
        uniqueItems: true,
      },
      ...advice,
    },
    additionalProperties: false,
  };

  definitions["operations"] = {
    description:
      "Tunes decorated methods by id or glob, such as `ReportService.*`. For each advice: false is off, true on, anything else options.",
    type: "object",
    additionalProperties: refer("operation"),
  };
  definitions["plugins"] = plugins(known);
  const everywhere = {
    plugins: refer("plugins"),
    app: { description: "The module that imports the application's classes.", type: "string", minLength: 1 },
    operations: refer("operations"),
    ...sections,
  };
  definitions["profile"] = { type: "object", properties: everywhere, additionalProperties: false };
  return {
    $schema: "http://json-schema.org/draft-07/schema#",
    title: "mlmcp configuration",
    type: "object",
    properties: {
      $schema: { description: "Where this schema is, for editors.", type: "string" },
      extends: {
        description: "Configurations that this one is laid over: paths from this file, or packages.",
        anyOf: [
          { type: "string", minLength: 1 },
          { type: "array", items: { type: "string", minLength: 1 } },
        ],
      },
      profiles: {
        description: "By environment: what holds only there, over everything else in the file.",
        type: "object",
        additionalProperties: refer("profile"),
      },
      ...everywhere,
    },
    additionalProperties: false,
    definitions,
  };
}

function plugins({ sections }: KnownSchemas): JsonSchema {
  const options: PlainObject = {};
  for (const { name, plugin } of sections) {
    const alone = sections.filter((other) => other.plugin === plugin).length === 1;
    if (alone) options[plugin] = { anyOf: [{ type: "boolean" }, { $ref: `#/definitions/section.${name}` }] };
  }
  return {
    description: "The plugins to load: packages, or paths from this file. A map also turns them off.",
    anyOf: [
      { type: "array", items: { type: "string", minLength: 1 } },
      {
        type: "object",
        properties: options,
        additionalProperties: { type: ["boolean", "object"] },
      },
    ],
  };
}
