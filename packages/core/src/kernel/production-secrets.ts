import { formatPath } from "../config/problems.js";
import { describeSource } from "../config/reader.js";
import { isSecretIn } from "../config/schema/schema-lookup.js";
import type { JsonSchema } from "../config/schema/schema.js";
import type { CoreProductionCheck } from "./production-check.js";

const leastLength = 16;

/** What people and examples put in place of a secret; digits and signs around it change nothing. */
const wellKnown = new Set(
  (
    "secret secretkey mysecret supersecret changeme changemeplease changethis changeit replaceme password " +
    "passwd passphrase passw admin administrator root user guest default test testing example sample demo " +
    "dev development local none null undefined todo letmein qwerty welcome token apikey key foobar"
  ).split(" "),
);

const sequences = ["01234567890123456789", "0123456789abcdef0123456789abcdef", "abcdefghijklmnopqrstuvwxyz"];

/** Secrets that can be guessed: whoever has them takes part as if they were the application. */
export const weakSecrets: CoreProductionCheck = {
  name: "secrets",
  level: "refuse",
  find({ config, sections }) {
    const found = new Map<string, string>();
    const visit = (schema: JsonSchema, value: unknown, path: readonly [string, ...string[]]): void => {
      if (typeof value === "object" && value !== null)
        for (const [key, child] of Object.entries(value)) visit(schema, child, [...path, key]);
      else if (typeof value === "string") {
        const inner = path.slice(1);
        // What is secret by its name alone may be the path of a file, say, and is short then.
        const weakness = inner.some((_, depth) => isSecretIn(schema, inner.slice(0, depth + 1)))
          ? weaknessOf(value)
          : config.explain(formatPath(path)).secret && isWellKnown(value)
            ? "is a well-known default"
            : undefined;
        if (weakness !== undefined) found.set(formatPath(path), weakness);
      }
    };
    for (const { name, schema } of sections) visit(schema, config.section(name), [name]);
    return Array.from(found, ([path, weakness]) => {
      const source = describeSource(config.explain(path).source);
      return (
        `${path} (${source}) is a secret that ${weakness}. ` +
        `Set a random one of at least ${leastLength} characters, such as \`openssl rand -base64 32\` gives.`
      );
    });
  },
};

/** What is wrong with a secret, in words that tell nothing about it. */
function weaknessOf(secret: string): string | undefined {
  if (secret === "") return "is empty";
  if (isWellKnown(secret)) return "is a well-known default";
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
