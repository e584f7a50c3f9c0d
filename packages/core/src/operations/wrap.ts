import { nearest } from "../config/nearest.js";
import { describeIssues } from "../config/problems.js";
import { checkSchema } from "../config/schema/schema.js";
import { ConfigurationError } from "../errors/index.js";
import type { Kernel } from "../kernel/kernel.js";
import type { Advice } from "../plugin.js";
import { optionsSchema, readOptions, secretPlaces } from "./chain.js";
import { Operation, type AnyFunction } from "./operation.js";

/**
 * What each decorator takes, by name. A plugin adds its own:
 *
 * ```ts
 * declare module "@mlmcp/core" {
 *   interface AdviceOptions {
 *     cached: CachedOptions | number | string;
 *   }
 * }
 * ```
 */
export interface AdviceOptions {}

/** `name` is the operation's id; each further key an advice, the first outermost within its phase. `true` takes the defaults. */
export type WrapOptions = { readonly name?: string } & {
  readonly [Name in keyof AdviceOptions]?: AdviceOptions[Name] | true;
};

/** Makes an operation of a plain function, for one kernel. */
export function wrapFunction(
  kernel: Kernel,
  known: ReadonlyMap<string, Advice>,
  method: AnyFunction,
  { name = method.name, ...given }: WrapOptions,
): Operation {
  if (name === "") {
    throw new ConfigurationError(
      'kernel.wrap() was given a function without a name. Name it: `kernel.wrap(fn, { name: "load" })`.',
      {
        code: "MLMCP_DECORATION",
      },
    );
  }
  const operation = new Operation({ method, methodName: name, kind: "function", kernel });
  for (const [key, value] of Object.entries<unknown>(given).reverse()) {
    const advice = known.get(key);
    if (!advice) throw unknownAdvice(name, key, [...known.keys()]);
    const options = readOptions(advice, value);
    const { value: checked, issues } = checkSchema<object>(optionsSchema(advice), options);
    if (issues.length > 0) {
      const problems = describeIssues(issues, secretPlaces(advice), [key]);
      throw new ConfigurationError(
        `kernel.wrap() of "${name}" is given wrong options:\n  ${problems.join("\n  ")}`,
        {
          code: "MLMCP_ADVICE_OPTIONS",
          context: { operation: name, problems },
        },
      );
    }
    operation.add(advice, checked);
  }
  return operation;
}

function unknownAdvice(name: string, key: string, known: readonly string[]): ConfigurationError {
  const meant = nearest(key, known);
  return new ConfigurationError(
    `kernel.wrap() of "${name}" names "${key}", which no loaded plugin contributes. ` +
      (meant ? `Did you mean "${meant}"?` : `Known are: ${known.join(", ") || "none"}.`),
    { code: "MLMCP_UNKNOWN_ADVICE", context: { operation: name, advice: key } },
  );
}
