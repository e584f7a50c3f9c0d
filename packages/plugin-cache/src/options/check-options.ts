import { checkSchema, ValidationError, type JsonSchema } from "@mlmcp/core";

/**
 * Options that a method is given, once its schema has read them.
 *
 * @param method for messages: `CacheManager.set`
 * @throws ValidationError (`MLMCP_CACHE_OPTIONS`) with all that is wrong
 */
export function checkOptions<T>(method: string, schema: JsonSchema, options: object): T {
  const { value, issues } = checkSchema<T>(schema, options, { defaults: true });
  if (issues.length === 0) return value;
  throw wrongOptions(
    method,
    issues.map(
      ({ path, message, suggestion }) =>
        `${path.join(".") || "options"}: ${message}${suggestion ? ` (did you mean ${suggestion}?)` : ""}`,
    ),
  );
}

export function wrongOptions(method: string, problems: readonly string[]): ValidationError {
  return new ValidationError(`${method} is given wrong options:\n  ${problems.join("\n  ")}`, {
    code: "MLMCP_CACHE_OPTIONS",
    context: { method, problems },
  });
}
