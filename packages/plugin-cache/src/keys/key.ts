import { ConfigurationError } from "@mlmcp/core";
import { canonical, canonicalArguments, NotAKeyError } from "./canonical.js";
import { describePath } from "../values/kinds.js";

/** What tells one operation's results from those of all others, whatever the arguments. */
export function keyspace(
  operation: string,
  { namespace, version }: { namespace?: string; version?: string | number } = {},
): string {
  return canonical([operation, namespace, version]);
}

/**
 * Makes the texts that name an operation's results. Equal arguments give equal texts and
 * different ones different texts.
 *
 * @param space what each text begins with.
 * @param key gives what identifies a call, in place of its arguments.
 * @returns a function that throws ConfigurationError (`MLMCP_CACHE_KEY`) where the arguments, or
 * what `key` made of them, cannot be a key.
 */
export function createKeys(
  operation: string,
  space: string,
  key?: (...args: any[]) => unknown,
): (args: unknown[]) => string {
  if (!key) {
    return (args) => {
      try {
        return canonicalArguments(space, args);
      } catch (error) {
        throw refuseArguments(operation, error);
      }
    };
  }
  return (args) => {
    try {
      return `${space}k${canonical(key(...args))}`;
    } catch (error) {
      throw refuseKey(operation, error);
    }
  };
}

function refuseArguments(operation: string, error: unknown): unknown {
  if (!(error instanceof NotAKeyError)) return error;
  const [position, ...path] = error.path as [number, ...(string | number)[]];
  const where = `argument ${position + 1}${path.length > 0 ? ` (${describePath(path)})` : ""}`;
  return new ConfigurationError(
    `${operation} cannot be cached by its arguments: ${where} is ${error.found}. ${mends[0]}`,
    {
      code: "MLMCP_CACHE_KEY",
      cause: error,
      context: { operation, argument: position + 1, path, found: error.found },
      suggestions: mends,
    },
  );
}

const mends = [
  "Say what identifies a call: `@cached({ key: (...args) => … })`.",
  "Give the instances of a class of your own an identity with a method `[cacheKey]()`.",
];

function refuseKey(operation: string, error: unknown): ConfigurationError {
  const problem =
    error instanceof NotAKeyError
      ? `gave a value that cannot be a key: ${error.message}. Return primitives, or plain objects and arrays of them.`
      : `threw ${error instanceof Error ? `${error.name}: ${error.message}` : String(error)}.`;
  return new ConfigurationError(`The \`key\` of @cached on ${operation} ${problem}`, {
    code: "MLMCP_CACHE_KEY",
    cause: error,
    context: { operation },
  });
}
