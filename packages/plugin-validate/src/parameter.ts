import { ConfigurationError } from "@mlmcp/core";
import { inShort, soundsSecret, type ValueIssue } from "./issues.js";

/** Types that {@link checkParameter} tells apart, as JSON Schema does: NaN and infinities are no numbers. */
export interface ParameterTypes {
  string: string;
  number: number;
  integer: number;
  boolean: boolean;
  array: unknown[];
  object: Record<string, unknown>;
}

export type ParameterType = keyof ParameterTypes;

/** Inclusive bounds of a number's value, a text's length in characters, an array's length or an object's number of properties. */
export interface ParameterRange {
  min?: number;
  max?: number;
}

const tests: { readonly [Type in ParameterType]: (value: unknown) => value is ParameterTypes[Type] } = {
  string: (value): value is string => typeof value === "string",
  number: (value): value is number => Number.isFinite(value),
  integer: (value): value is number => Number.isInteger(value),
  boolean: (value): value is boolean => typeof value === "boolean",
  array: (value): value is unknown[] => Array.isArray(value),
  object: (value): value is Record<string, unknown> =>
    typeof value === "object" && value !== null && !Array.isArray(value),
};

/**
 * Checks one named value without a schema.
 *
 * @throws ConfigurationError where the type is unknown or the bounds make no sense
 */
export function checkParameter(
  name: string,
  value: unknown,
  type: ParameterType,
  { min, max }: ParameterRange = {},
): ValueIssue[] {
  if (!Object.hasOwn(tests, type)) {
    throw new ConfigurationError(
      `${name} is to be of the type ${JSON.stringify(type)}, which does not exist.`,
      {
        suggestions: [`Use one of ${Object.keys(tests).join(", ")}.`],
      },
    );
  }
  if (type === "boolean" && (min !== undefined || max !== undefined)) {
    throw new ConfigurationError(`${name} is a boolean, which has no min or max.`, {
      suggestions: ["Leave the bounds out."],
    });
  }
  if (Number.isNaN(min) || Number.isNaN(max) || (min !== undefined && max !== undefined && min > max)) {
    throw new ConfigurationError(`${name} is to lie between ${min} and ${max}, where nothing can lie.`, {
      suggestions: ["Give a min that is not above the max."],
    });
  }
  const wrong = (keyword: string, expected: string, message = `must be ${expected}`) => [
    { path: name, message, keyword, expected, received: inShort(value, soundsSecret(name)) },
  ];
  if (value === undefined) return wrong("required", type, "is required");
  if (!tests[type](value)) return wrong("type", type);
  const { size, unit } = measure(value);
  if (min !== undefined && size < min) {
    return unit
      ? wrong("minimum", `at least ${min} ${unit}`, `must have at least ${min} ${unit}`)
      : wrong("minimum", `>= ${min}`);
  }
  if (max !== undefined && size > max) {
    return unit
      ? wrong("maximum", `at most ${max} ${unit}`, `must have at most ${max} ${unit}`)
      : wrong("maximum", `<= ${max}`);
  }
  return [];
}

function measure(value: unknown): { size: number; unit?: string } {
  if (typeof value === "number") return { size: value };
  // By code points, as JSON Schema counts.
  if (typeof value === "string") return { size: Array.from(value).length, unit: "characters" };
  if (Array.isArray(value)) return { size: value.length, unit: "items" };
  return { size: Object.keys(value as object).length, unit: "properties" };
}
