import { isPlainObject } from "../config/plain.js";
import { formatPath } from "../config/problems.js";
import { describeSource, type ConfigReader } from "../config/reader.js";
import { partsOf, schemasAt } from "../config/schema/schema-lookup.js";
import type { JsonSchema } from "../config/schema/schema.js";
import type { CoreProductionCheck } from "./production-check.js";

/** Features that are on without what they need to be let in: the schema keyword `requiredWhen`. */
export const missingCredentials: CoreProductionCheck = {
  name: "credentials",
  level: "refuse",
  find({ config, sections }) {
    const found = new Set<string>();
    const visit = (schema: JsonSchema, value: unknown, path: readonly [string, ...string[]]): void => {
      if (typeof value !== "object" || value === null) return;
      for (const [key, child] of Object.entries(value)) visit(schema, child, [...path, key]);
      for (const [credential, feature] of credentialsOf(schema, path.slice(1))) {
        const given = value as Readonly<Record<string, unknown>>;
        if (isOn(given[feature]) && !isOn(given[credential]))
          found.add(describe(config, formatPath([...path, feature]), formatPath([...path, credential])));
      }
    };
    for (const { name, schema } of sections) visit(schema, config.section(name), [name]);
    return [...found];
  },
};

/** The credentials that an object may hold, each with the setting beside it that asks for it. */
function credentialsOf(
  root: JsonSchema,
  path: readonly string[],
): Array<[credential: string, feature: string]> {
  const parts = (schema: unknown) => (isPlainObject(schema) ? partsOf(schema, root) : []);
  return schemasAt(root, path)
    .flatMap(parts)
    .flatMap(({ properties }) => Object.entries(isPlainObject(properties) ? properties : {}))
    .flatMap(([key, child]) => parts(child).map(({ requiredWhen }) => [key, requiredWhen] as const))
    .flatMap(([key, feature]): Array<[string, string]> =>
      typeof feature === "string" ? [[key, feature]] : [],
    );
}

function describe(config: ConfigReader, feature: string, credential: string): string {
  const source = describeSource(config.explain(feature).source);
  return (
    `${feature} (${source}) is on without its credential ${credential}. ` +
    `Set ${credential}, or turn ${feature} off.`
  );
}

function isOn(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0;
  if (isPlainObject(value)) return Object.keys(value).length > 0;
  return Boolean(value);
}
