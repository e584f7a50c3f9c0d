import { acceptanceOf } from "./acceptance.js";
import { fillDefaults } from "./defaults.js";
import { CircularValueError, copyPlain } from "../plain.js";
import { compileSchema } from "./schema-compiler.js";
import { issuesFrom } from "./schema-issues.js";

/**
 * A JSON Schema (draft 7 with `$defs`), and six keywords more:
 *
 * - `duration: true` admits milliseconds or `"250ms" "5s" "30m" "1h" "1d"` and gives milliseconds;
 * - `size: true` admits bytes or `"64KB" "64MB" "1GB"` and gives bytes;
 * - `typeof: "function"` admits a function, which only code can give;
 * - `secret: true` keeps the value out of everything that shows a configuration;
 * - `requiredWhen: "enabled"` says that production needs the value where the setting `enabled` of
 *   the same object is on, such as the credential of a service;
 * - `check: (value) => string | undefined` says what is wrong with a value that matches all else, such
 *   as a URL that nothing can be reached by: the rest of a sentence that begins with its path. The
 *   value is shown nowhere, since it may hold a secret; durations and sizes in it are numbers.
 *
 * An object whose schema has `properties` takes no other key unless `additionalProperties` says
 * so. A `default` fills in a property that is missing; for a nested object write `default: {}`
 * where it should be there with its own defaults.
 */
export type JsonSchema = { readonly [keyword: string]: unknown };

/** The keyword `check` of a {@link JsonSchema}. */
export type ValueCheck = (value: unknown) => string | undefined;

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
 * instances in it are kept by reference. A schema is compiled at most once.
 *
 * ```ts
 * const schema = { type: "object", properties: { ttl: { duration: true, default: "1h" } } };
 * checkSchema(schema, {}, { defaults: true }).value; // { ttl: 3600000 }
 * checkSchema(schema, { tll: 1 }).issues; // [{ path: ["tll"], message: "unknown key", suggestion: "ttl", … }]
 * ```
 *
 * @param options.defaults whether what is missing is filled in. @default false
 * @param options.of whose schema it is, for the error where it is wrong: `the section "cache"`
 * @throws TypeError where the schema itself is wrong, such as a keyword that does not exist; it says
 * where in the schema
 */
export function checkSchema<T>(
  schema: JsonSchema,
  value: unknown,
  options: { defaults?: boolean; of?: string } = {},
): CheckedValue<T> {
  const accept = acceptanceOf(schema);
  // Before anything is said about the value.
  if (accept === undefined) compileSchema(schema, options.of);
  const copy = (): unknown =>
    options.defaults === true ? fillDefaults(schema, copyPlain(value)) : copyPlain(value);
  try {
    const accepted = accept?.(copy());
    if (accepted !== undefined) return { value: accepted.value as T, issues: [] };
    const checked = compileSchema(schema, options.of)(copy());
    return {
      value: checked.value as T,
      issues: checked.errors.length === 0 ? [] : issuesFrom(checked.errors, value),
    };
  } catch (error) {
    if (!(error instanceof CircularValueError)) throw error;
    return { value: value as T, issues: [{ path: error.path, message: error.message }] };
  }
}
