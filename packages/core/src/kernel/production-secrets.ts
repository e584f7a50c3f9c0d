import { formatPath } from "../config/problems.js";
import { describeSource, type ConfigReader } from "../config/reader.js";
import { entriesOf, isNamedSecret, secretsWithin } from "../config/secrets/redaction.js";
import { isSecretIn } from "../config/schema/schema-lookup.js";
import type { JsonSchema } from "../config/schema/schema.js";
import type { CoreProductionCheck } from "./production-check.js";

const leastLength = 16;

/** What people, examples and images put in place of a secret; digits and signs around it change nothing. */
const wellKnown = new Set(
  (
    "secret secretkey mysecret supersecret changeme changemeplease changethis changeit replaceme password " +
    "passwd passphrase passw admin administrator root user guest default test testing example sample demo " +
    "dev development local none null undefined todo letmein qwerty welcome token apikey key foobar " +
    "postgres mysql redis rabbitmq minioadmin"
  ).split(" "),
);

const sequences = ["01234567890123456789", "0123456789abcdef0123456789abcdef", "abcdefghijklmnopqrstuvwxyz"];

/** Secrets that can be guessed: whoever has them takes part as if they were the application. */
export const weakSecrets: CoreProductionCheck = {
  name: "secrets",
  level: "refuse",
  find({ config, sections }) {
    const found = new Map<string, { readonly weakness: string; readonly source: string }>();
    const visit = (schema: JsonSchema, value: unknown, path: readonly [string, ...string[]]): void => {
      if (value instanceof URL) return visit(schema, value.href, path);
      if (typeof value === "object" && value !== null) {
        const entries = entriesOf(value) ?? Object.entries(value);
        return entries.forEach(([key, child]) => visit(schema, child, [...path, String(key)]));
      }
      if (typeof value !== "string") return;
      const weakness = weaknessAt(schema, value, path, config);
      if (weakness !== undefined) found.set(formatPath(path), { weakness, source: sourceOf(path, config) });
    };
    for (const { name, schema } of sections) visit(schema, config.section(name), [name]);
    return Array.from(
      found,
      ([path, { weakness, source }]) =>
        `${path} (${source}) ${weakness}. ` +
        `Set a random one of at least ${leastLength} characters, such as \`openssl rand -base64 32\` gives.`,
    );
  },
};

/** What is wrong with a text that is a secret or holds one. */
function weaknessAt(
  schema: JsonSchema,
  text: string,
  path: readonly string[],
  config: ConfigReader,
): string | undefined {
  const inner = path.slice(1);
  const isOne = inner.some((_, depth) => isSecretIn(schema, inner.slice(0, depth + 1)));
  // What is secret by its name alone may be the path of a file, say, and is short then.
  const mayBeOne = isNamedSecret(text, path) || config.explain(formatPath(path)).secret;
  const weakness = isOne ? weaknessOf(text) : mayBeOne && isWellKnown(text) ? wellKnownDefault : undefined;
  if (weakness !== undefined) return `is a secret that ${weakness}`;
  return secretsWithin(text).some(isWellKnown) ? `holds a password that ${wellKnownDefault}` : undefined;
}

/** Where a value was written; of what is within a Map or a Set, where these were. */
function sourceOf(path: readonly string[], config: ConfigReader): string {
  const around = path.map((_, depth) => config.explain(formatPath(path.slice(0, depth + 1))));
  return describeSource((around.findLast(({ value }) => value !== undefined) ?? around[0]!).source);
}

const wellKnownDefault = "is a well-known default";

/** What is wrong with a secret, in words that tell nothing about it. */
function weaknessOf(secret: string): string | undefined {
  if (secret === "") return "is empty";
  if (isWellKnown(secret)) return wellKnownDefault;
  if (/^(.{1,8}?)\1+$/s.test(secret)) return "repeats itself";
  if (sequences.some((sequence) => sequence.includes(secret.toLowerCase())))
    return "is a well-known sequence";
  return secret.length < leastLength ? `is shorter than ${leastLength} characters` : undefined;
}

function isWellKnown(secret: string): boolean {
  const word = secret
    .toLowerCase()
    .replaceAll(/^[^a-z]+|[^a-z]+$/g, "")
    .replaceAll(/[-_ .]/g, "");
  return wellKnown.has(word);
}
