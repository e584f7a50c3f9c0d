import { fillDefaults } from "./defaults.js";
import { CircularValueError, copyPlain } from "../plain.js";
import { compileSchema } from "./schema-compiler.js";
import { issuesFrom } from "./schema-issues.js";

/**
 * A JSON Schema (draft 7 with `$defs`), and five keywords more:
 *
 * - `duration: true` admits milliseconds or `"250ms" "5s" "30m" "1h" "1d"` and gives milliseconds;
 * - `size: true` admits bytes or `"64KB" "64MB" "1GB"` and gives bytes;
 * - `typeof: "function"` admits a function, which only code can give;
 * - `secret: true` keeps the value out of everything that shows a configuration;
 * - `requiredWhen: "enabled"` says that production needs the value where the setting `enabled` of
 *   the same object is on, such as the credential of a service.
 *
 * An object whose schema has `properties` takes no other key unless `additionalProperties` says
 * so. A `default` fills in a property that is missing; for a nested object write `default: {}`
 * where it should be there with its own defaults.
 */
export type JsonSchema = { readonly [keyword: string]: unknown };

/** One thing that is wrong with a value. */
export interface SchemaIssue {
  /** Where in the value; empty for the value itself. */
  readonly path: readonly (string | number)[];
  readonly message: string;
  readonly received?: unknown;
  /** The nearest valid key or value. */
  readonly suggestion?: string;
}

export interface CheckedValue<T> {
  /** A copy with durations and sizes as numbers. Its type holds only where there are no issues. */
  readonly value: T;
  /** All that is wrong; empty where the value matches. */
  readonly issues: readonly SchemaIssue[];
}

/**
 * Checks a value against a schema. The value given is never changed; functions and class
 * instances in it are kept by reference. A schema is compiled once.
 *
 * ```ts
 * const schema = { type: "object", properties: { ttl: { duration: true, default: "1h" } } };
 * checkSchema(schema, {}, { defaults: true }).value; // { ttl: 3600000 }
 * checkSchema(schema, { tll: 1 }).issues; // [{ path: ["tll"], message: "unknown key", suggestion: "ttl", … }]
 * ```
 *
 * @throws TypeError where the schema itself is wrong, such as a keyword that does not exist.
 */
export function checkSchema<T>(
  schema: JsonSchema,
  value: unknown,
  options: { defaults?: boolean } = {},
): CheckedValue<T> {
  const validate = compileSchema(schema);
  let copy: unknown;
  try {
    copy = copyPlain(value);
  } catch (error) {
    if (!(error instanceof CircularValueError)) throw error;
    return { value: value as T, issues: [{ path: error.path, message: error.message }] };
  }
  if (options.defaults === true) copy = fillDefaults(schema, copy);
  const checked = validate(copy);
  return {
    value: checked.value as T,
    issues: checked.errors.length === 0 ? [] : issuesFrom(checked.errors, value),
  };
}
