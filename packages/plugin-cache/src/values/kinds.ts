import { types } from "node:util";

/** What an object is, as far as keys and stored values care. `other`: nothing that they know. */
export type Kind =
  | "plain"
  | "null-prototype"
  | "array"
  | "date"
  | "map"
  | "set"
  | "regexp"
  | "view"
  | "array-buffer"
  | "url"
  | "search-params"
  | "error"
  | "other";

const typedArrays = [
  Int8Array,
  Uint8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
  // From Node 24 on.
  ...("Float16Array" in globalThis
    ? [(globalThis as unknown as { Float16Array: Float32ArrayConstructor }).Float16Array]
    : []),
];
const errors = [
  Error,
  TypeError,
  RangeError,
  SyntaxError,
  ReferenceError,
  EvalError,
  URIError,
  AggregateError,
];

const kinds = new Map<object | null, Kind>([
  [Object.prototype, "plain"],
  [null, "null-prototype"],
  [Array.prototype, "array"],
  [Date.prototype, "date"],
  [Map.prototype, "map"],
  [Set.prototype, "set"],
  [RegExp.prototype, "regexp"],
  [ArrayBuffer.prototype, "array-buffer"],
  [DataView.prototype, "view"],
  [Buffer.prototype, "view"],
  [URL.prototype, "url"],
  [URLSearchParams.prototype, "search-params"],
  ...typedArrays.map(({ prototype }) => [prototype, "view"] as const),
  ...errors.map(({ prototype }) => [prototype, "error"] as const),
]);

/** By the constructor's name, what makes sure of it: for objects of another realm, as test runners make them. */
const brands: Record<string, [(value: object) => boolean, Kind]> = {
  Object: [
    (value) => Object.getPrototypeOf(Object.getPrototypeOf(value)) === null && !types.isBoxedPrimitive(value),
    "plain",
  ],
  Array: [Array.isArray, "array"],
  Date: [types.isDate, "date"],
  Map: [types.isMap, "map"],
  Set: [types.isSet, "set"],
  RegExp: [types.isRegExp, "regexp"],
  ArrayBuffer: [types.isArrayBuffer, "array-buffer"],
  DataView: [types.isDataView, "view"],
  ...Object.fromEntries(typedArrays.map(({ name }) => [name, [types.isTypedArray, "view"] as const])),
  ...Object.fromEntries(errors.map(({ name }) => [name, [types.isNativeError, "error"] as const])),
};

/** An instance of a subclass is `other`, since it would come back as something else; errors excepted. */
export function kindOf(value: object): Kind {
  const prototype = Object.getPrototypeOf(value) as object | null;
  const known = kinds.get(prototype);
  if (known !== undefined)
    return known === "plain" || known === "null-prototype" || isGenuine(value, known) ? known : "other";
  // Test runners put another Date in the place of the one that was there when this module loaded.
  if (prototype === Date.prototype) return types.isDate(value) ? "date" : "other";
  return kindByBrand(value, prototype) ?? (isError(value) ? "error" : "other");
}

/** For a standard class of another realm; an application may give a class of its own such a name. */
function kindByBrand(value: object, prototype: object | null): Kind | undefined {
  const made = (prototype as { constructor?: unknown }).constructor;
  if (typeof made !== "function" || !Object.hasOwn(brands, made.name)) return undefined;
  const [isOne, kind] = brands[made.name]!;
  return isOne(value) && /\[native code\]\s*\}$/.test(Function.prototype.toString.call(made))
    ? kind
    : undefined;
}

/** A DOMException, which Node 24 counts among them, holds more than its properties. */
function isError(value: object): value is Error {
  return types.isNativeError(value) && !(value instanceof DOMException);
}

/** Of one of the language's own classes, and not of a subclass. */
export function isStandardError(value: Error): boolean {
  const prototype = Object.getPrototypeOf(value) as object | null;
  return kinds.get(prototype) === "error" || kindByBrand(value, prototype) === "error";
}

/** `Object.create(Map.prototype)` has the prototype and nothing behind it; its methods would throw. */
function isGenuine(value: object, kind: Kind): boolean {
  switch (kind) {
    case "array":
      return Array.isArray(value);
    case "date":
      return types.isDate(value);
    case "map":
      return types.isMap(value);
    case "set":
      return types.isSet(value);
    case "regexp":
      return types.isRegExp(value);
    case "array-buffer":
      return types.isArrayBuffer(value);
    case "view":
      return ArrayBuffer.isView(value);
    case "error":
      return types.isNativeError(value);
    default:
      return true;
  }
}

/** The name that a message gives to a value: `a function`, `an instance of Session`, `a WeakMap`. */
export function describe(value: unknown): string {
  if (typeof value === "function") return `the function "${value.name || "anonymous"}"`;
  if (typeof value === "symbol") return `the symbol ${String(value)}`;
  if (typeof value !== "object" || value === null) return String(value);
  const name: unknown = (Object.getPrototypeOf(value) as { constructor?: { name?: unknown } } | null)
    ?.constructor?.name;
  return `an instance of ${typeof name === "string" && name !== "" ? name : "a class without a name"}`;
}

/** `[2].filter.on`: where in a value something stands. */
export function describePath(path: readonly (string | number)[]): string {
  return path
    .map((key) =>
      typeof key === "number" ? `[${key}]` : /^[\w$]+$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`,
    )
    .join("");
}
