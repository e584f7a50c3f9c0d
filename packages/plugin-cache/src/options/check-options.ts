import { checkSchema, ValidationError, type JsonSchema } from "@mlmcp/core";

/** What each schema makes of no options, which is what most calls give. */
const defaults = new WeakMap<JsonSchema, unknown>();

/**
 * Options that a method is given, once its schema has read them.
 *
 * @param method for messages: `CacheManager.set`
 * @throws ValidationError (`MLMCP_CACHE_OPTIONS`) with all that is wrong
 */
export function checkOptions<T>(method: string, schema: JsonSchema, options: object): T {
  const isEmpty = isEmptyObject(options);
  if (isEmpty && defaults.has(schema)) return defaults.get(schema) as T;
  const { value, issues } = checkSchema<T>(schema, options, { defaults: true });
  if (issues.length === 0) {
    if (isEmpty) defaults.set(schema, Object.freeze(value));
    return value;
  }
  throw wrongOptions(
    method,
    issues.map(
      ({ path, message, suggestion }) =>
        `${path.join(".") || "options"}: ${message}${suggestion ? ` (did you mean ${suggestion}?)` : ""}`,
    ),
  );
}

function isEmptyObject(options: unknown): boolean {
  return (
    typeof options === "object" &&
    options !== null &&
    Object.getPrototypeOf(options) === Object.prototype &&
    Object.keys(options).length === 0
  );
}

export function wrongOptions(method: string, problems: readonly string[]): ValidationError {
  return new ValidationError(`${method} is given wrong options:\n  ${problems.join("\n  ")}`, {
    code: "MLMCP_CACHE_OPTIONS",
    context: { method, problems },
  });
}
