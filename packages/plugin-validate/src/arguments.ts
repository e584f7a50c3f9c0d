import { convert } from "./conversion.js";
import { inShort, issuesOf, type ValueIssue } from "./issues.js";
import type { Check, Schema, SchemaCompiler } from "./schemas.js";

/**
 * Schemas for the arguments of a method, by position.
 *
 * - An argument that is missing or `undefined` is an issue, unless its schema is `true` or has
 *   `optional: true`.
 * - Arguments beyond the list are not looked at, unless the list ends with `false`: then there
 *   may be none.
 */
export class ArgumentsCheck {
  readonly #checks: readonly Check[];
  readonly #optional: readonly boolean[];
  readonly #closed: boolean;

  /** @throws ConfigurationError where a schema cannot be compiled; `where` names whose it is. */
  constructor(schemas: readonly Schema[], compiler: SchemaCompiler, where: string) {
    this.#closed = schemas.at(-1) === false;
    this.#checks = schemas.map((schema, position) =>
      compiler.compile(schema, `args[${position}] of ${where}`),
    );
    this.#optional = schemas.map((schema) =>
      typeof schema === "boolean" ? true : "optional" in schema && schema.optional === true,
    );
  }

  /** Whether all arguments match. Allocates nothing of its own. */
  accepts(args: readonly unknown[]): boolean {
    const checks = this.#checks;
    for (let position = 0; position < checks.length; position++) {
      const value = args[position];
      if (value === undefined ? !this.#optional[position] : !checks[position]!(value)) return false;
    }
    return !this.#closed || args.length <= checks.length || this.#surplus(args).length === 0;
  }

  /** Everything that is wrong with arguments; empty where they match. */
  issues(args: readonly unknown[]): ValueIssue[] {
    const found = this.#checks.flatMap((check, position) => {
      const value = args[position];
      const subject = { root: `args[${position}]`, argument: position };
      if (value === undefined) return this.#optional[position] ? [] : [missing(position)];
      return check(value) ? [] : issuesOf(check.errors ?? [], value, subject);
    });
    return this.#closed ? [...found, ...this.#surplus(args)] : found;
  }

  /**
   * The arguments with those converted that do not match and can be; the same array where there
   * is nothing to convert.
   */
  convert(args: unknown[]): unknown[] {
    let converted = args;
    for (const [position, check] of this.#checks.entries()) {
      const value = args[position];
      if (value === undefined || check(value)) continue;
      const changed = convert(value, check.errors ?? []);
      if (Object.is(changed, value)) continue;
      if (converted === args) converted = [...args];
      converted[position] = changed;
    }
    return converted;
  }

  #surplus(args: readonly unknown[]): ValueIssue[] {
    const last = this.#checks.length - 1;
    return args.flatMap((value, argument) =>
      argument <= last || value === undefined ? [] : [surplus(argument, value)],
    );
  }
}

function missing(argument: number): ValueIssue {
  const expectation = { message: "is required", keyword: "required", expected: "a value" };
  return { path: `args[${argument}]`, ...expectation, received: "undefined", argument };
}

function surplus(argument: number, value: unknown): ValueIssue {
  const expectation = { message: "must be left out", keyword: "false schema", expected: "nothing" };
  return { path: `args[${argument}]`, ...expectation, received: inShort(value, false), argument };
}
