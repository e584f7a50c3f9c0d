/** Whether a value passes a keyword. */
export type Check = (value: unknown) => boolean;

/** By keyword: makes the check of what a schema says there; nothing where that is none of what it may say. */
export type KeywordChecks = Readonly<Record<string, (said: unknown) => Check | undefined>>;

export const isText = (value: unknown): value is string => typeof value === "string";
export const isList = (value: unknown): value is unknown[] => Array.isArray(value);
export const isObject = (value: unknown): value is object =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const isFlag = (value: unknown): value is boolean => typeof value === "boolean";
const isNumber = (value: unknown): value is number => Number.isFinite(value);
const isPrimitive = (value: unknown): boolean =>
  value === null || isText(value) || isNumber(value) || isFlag(value);

const types: Readonly<Record<string, Check>> = {
  string: isText,
  number: isNumber,
  integer: Number.isInteger,
  boolean: isFlag,
  object: isObject,
  array: isList,
  null: (value) => value === null,
};

/** Every value passes. */
export const always: Check = () => true;

/** What says something about a value, and nothing about which values match. */
export const annotations: KeywordChecks = {
  title: () => always,
  description: () => always,
  default: () => always,
  examples: () => always,
  deprecated: () => always,
  secret: (said) => (isFlag(said) ? always : undefined),
  requiredWhen: (said) => (isText(said) ? always : undefined),
};

/** Bounds of numbers, which all other values pass. */
export const bounds: KeywordChecks = {
  minimum: limit(isNumber, (value, least) => value >= least),
  maximum: limit(isNumber, (value, most) => value <= most),
  exclusiveMinimum: limit(isNumber, (value, least) => value > least),
  exclusiveMaximum: limit(isNumber, (value, most) => value < most),
};

export const type: KeywordChecks = {
  type(said) {
    const checks = [said]
      .flat()
      .map((name) => (isText(name) && Object.hasOwn(types, name) ? types[name] : undefined));
    const [only, ...others] = checks;
    if (only === undefined || others.includes(undefined)) return undefined;
    return others.length === 0 ? only : (value) => checks.some((check) => check!(value));
  },
};

/** What can be said of a value without a look into it. */
export const ownChecks: KeywordChecks = {
  ...annotations,
  ...bounds,
  ...type,
  typeof: (said) => (isText(said) ? (value) => typeof value === said : undefined),
  const: (said) => (isPrimitive(said) ? (value) => value === said : undefined),
  enum: (said) =>
    isList(said) && said.length > 0 && said.every(isPrimitive) ? (value) => said.includes(value) : undefined,
  minLength: limit(isText, (value, least) => [...value].length >= least),
  maxLength: limit(isText, (value, most) => [...value].length <= most),
  pattern(said) {
    const pattern = isText(said) ? patternOf(said) : undefined;
    return pattern && ((value) => !isText(value) || pattern.test(value));
  },
  minItems: limit(isList, (value, least) => value.length >= least),
  maxItems: limit(isList, (value, most) => value.length <= most),
};

function limit<T>(
  applies: (value: unknown) => value is T,
  holds: (value: T, limit: number) => boolean,
): (said: unknown) => Check | undefined {
  return (said) => (isNumber(said) ? (value) => !applies(value) || holds(value, said) : undefined);
}

function patternOf(text: string): RegExp | undefined {
  try {
    return new RegExp(text, "u");
  } catch {
    return undefined;
  }
}
