import { ConfigurationError } from "@mlmcp/core";
import { canonical, canonicalArguments, NotAKeyError } from "./canonical.js";
import { describePath } from "./kinds.js";

export interface KeyOptions {
  key?: (...args: any[]) => unknown;
  namespace?: string;
  version?: string | number;
}

/**
 * Makes the texts that name an operation's results. Equal arguments give equal texts and
 * different ones different texts; operation, namespace and version are always part.
 *
 * @returns a function that throws ConfigurationError (`MLMCP_CACHE_KEY`) where the arguments, or
 * what `key` made of them, cannot be a key.
 */
export function createKeys(operation: string, { key, namespace, version }: KeyOptions): (args: unknown[]) => string {
  const prefix = canonical([operation, namespace, version]);
  if (!key) {
    return (args) => {
      try {
        return prefix + canonicalArguments(args);
      } catch (error) {
        throw refuseArguments(operation, error);
      }
    };
  }
  return (args) => {
    try {
      return `${prefix}k${canonical(key(...args))}`;
    } catch (error) {
      throw refuseKey(operation, error);
    }
  };
}

function refuseArguments(operation: string, error: unknown): unknown {
  if (!(error instanceof NotAKeyError)) return error;
  const [position, ...path] = error.path as [number, ...(string | number)[]];
  const where = `argument ${position + 1}${path.length > 0 ? ` (${describePath(path)})` : ""}`;
  return new ConfigurationError(`${operation} cannot be cached by its arguments: ${where} is ${error.found}. ${mends[0]}`, {
    code: "MLMCP_CACHE_KEY",
    cause: error,
    context: { operation, argument: position + 1, path, found: error.found },
    suggestions: mends,
  });
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
