import { convert } from "./conversion.js";
import { invalidValue } from "./faults.js";
import { issuesOf, type ValueIssue } from "./issues.js";
import { checkParameter, type ParameterRange, type ParameterType, type ParameterTypes } from "./parameter.js";
import { SchemaCompiler, type Schema } from "./schemas.js";

/** The answer of a validator. */
export type Validation<T> =
  | { readonly ok: true; readonly value: T; readonly issues: readonly [] }
  | { readonly ok: false; readonly value: unknown; readonly issues: readonly ValueIssue[] };

export interface ValidateOptions {
  /** What the value is called in issues. @default "value" */
  name?: string;
  /** Converts what has the wrong type, as `coerce` of `@validated` does; the value given never changes. @default false */
  coerce?: boolean;
}

/**
 * Checks values by hand, where no method is called: form fields, parsed files, messages.
 *
 * ```ts
 * const validator = kernel.resolve(InputValidator);
 * const port = validator.validateParameter("port", 99_999, "integer", { min: 1, max: 65_535 });
 * if (!port.ok) console.error(port.issues[0].message); // "must be <= 65535"
 *
 * const order = validator.assert<Order>(orderSchema, JSON.parse(text)); // or throws ValidationError
 * ```
 */
export class InputValidator {
  #compiler: SchemaCompiler;

  constructor(compiler = new SchemaCompiler()) {
    this.#compiler = compiler;
  }

  /** What compiles the schemas; replaced when `validation.strictMode` changes. */
  get compiler(): SchemaCompiler {
    return this.#compiler;
  }

  useStrictMode(strict: boolean): void {
    if (strict !== this.#compiler.strict) this.#compiler = new SchemaCompiler({ strict });
  }

  /**
   * Checks one value by its type and bounds, which are inclusive: of a number's value, a text's
   * length, an array's length, an object's number of properties. NaN and infinities are no numbers.
   *
   * @throws ConfigurationError where the type or the bounds make no sense
   */
  validateParameter<Type extends ParameterType>(
    name: string,
    value: unknown,
    type: Type,
    range?: ParameterRange,
  ): Validation<ParameterTypes[Type]> {
    return answer(value, checkParameter(name, value, type, range));
  }

  /** {@link validateParameter} that returns the value, or throws a `ValidationError`. */
  assertParameter<Type extends ParameterType>(
    name: string,
    value: unknown,
    type: Type,
    range?: ParameterRange,
  ): ParameterTypes[Type] {
    return orThrow(this.validateParameter(name, value, type, range));
  }

  /**
   * Checks a value against a JSON Schema. Keep the schema object: its compiled check belongs to it.
   *
   * @throws ConfigurationError where the schema cannot be compiled
   */
  validate<T = unknown>(
    schema: Schema,
    value: unknown,
    { name = "value", coerce = false }: ValidateOptions = {},
  ): Validation<T> {
    const check = this.#compiler.compile(schema);
    if (check(value)) return answer(value, []);
    const converted = coerce ? convert(value, check.errors ?? []) : value;
    if (converted !== value && check(converted)) return answer(converted, []);
    return answer(value, issuesOf(check.errors ?? [], converted, { root: name }));
  }

  /** {@link validate} that returns the value, or throws a `ValidationError`. */
  assert<T = unknown>(schema: Schema, value: unknown, options?: ValidateOptions): T {
    return orThrow(this.validate<T>(schema, value, options));
  }
}

function answer<T>(value: unknown, issues: readonly ValueIssue[]): Validation<T> {
  return issues.length === 0 ? { ok: true, value: value as T, issues: [] } : { ok: false, value, issues };
}

function orThrow<T>(validation: Validation<T>): T {
  if (validation.ok) return validation.value;
  throw invalidValue(validation.issues);
}
