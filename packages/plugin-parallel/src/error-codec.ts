import * as core from "@mlmcp/core";
import { inspect, types } from "node:util";

/**
 * An error in a form that survives structured cloning, which by itself drops the name of custom
 * classes, `code` and every other field.
 */
export type EncodedError =
  | { readonly kind: "value"; readonly value: unknown }
  | { readonly kind: "list"; readonly items: readonly EncodedError[] }
  | {
      readonly kind: "error";
      /** The nearest class that exists in every thread. */
      readonly type: string;
      readonly name: string;
      readonly message: string;
      readonly stack: string | undefined;
      readonly cause: EncodedError | undefined;
      /** Own fields besides the above. */
      readonly fields: ReadonlyArray<readonly [key: string, value: EncodedError]>;
    };

type MlmcpErrorClass = new (message: string, options: core.MlmcpErrorOptions) => core.MlmcpError;

/** The classes of the framework's errors, by the name that their instances carry. */
const frameworkErrors: ReadonlyMap<string, MlmcpErrorClass> = new Map(
  (
    [
      ["BulkheadFullError", core.BulkheadFullError],
      ["CircuitOpenError", core.CircuitOpenError],
      ["ConfigurationError", core.ConfigurationError],
      ["DataLoadError", core.DataLoadError],
      ["KernelNotStartedError", core.KernelNotStartedError],
      ["ModelError", core.ModelError],
      ["OperationTimeoutError", core.OperationTimeoutError],
      ["PluginError", core.PluginError],
      ["ProcessingError", core.ProcessingError],
      ["RateLimitError", core.RateLimitError],
      ["ResourceExhaustedError", core.ResourceExhaustedError],
      ["ValidationError", core.ValidationError],
    ] as const
  ).map(([name, type]) => [name, type as MlmcpErrorClass]),
);

const nativeErrors: Readonly<Record<string, ErrorConstructor>> = {
  Error,
  EvalError,
  RangeError,
  ReferenceError,
  SyntaxError,
  TypeError,
  URIError,
};

/** Carried by themselves, not as fields. */
const OWN = new Set(["name", "message", "stack", "cause", "errors"]);
/** Given to the constructor of a framework's error, or set by it. */
const CONSTRUCTED = new Set(["code", "context", "retryable", "suggestions", "publicMessage"]);

/**
 * Encodes whatever was thrown. Never fails: a field that cannot be cloned becomes the text that
 * `util.inspect` shows of it.
 */
export function encodeError(thrown: unknown): EncodedError {
  return encode(thrown, new Set());
}

/** The error again: same name, message, stack, cause and fields; errors of the framework in their own class. */
export function decodeError(encoded: EncodedError): unknown {
  switch (encoded.kind) {
    case "value":
      return encoded.value;
    case "list":
      return encoded.items.map(decodeError);
    case "error":
      return decode(encoded);
  }
}

function encode(value: unknown, within: Set<unknown>): EncodedError {
  if (typeof value !== "object" || value === null) return { kind: "value", value: clonable(value) };
  if (within.has(value)) return { kind: "value", value: "[Circular]" };
  within.add(value);
  try {
    if (isError(value)) return encodeOne(value, within);
    if (Array.isArray(value) && value.some(isError)) {
      return { kind: "list", items: value.map((item) => encode(item, within)) };
    }
    return { kind: "value", value: clonable(value) };
  } finally {
    within.delete(value);
  }
}

function encodeOne(error: Error, within: Set<unknown>): EncodedError {
  const fields: Array<[string, EncodedError]> = Object.keys(error)
    .filter((key) => !OWN.has(key))
    .map((key) => [key, encode(read(error, key), within)]);
  const errors = error instanceof AggregateError ? read(error, "errors") : undefined;
  if (errors !== undefined) fields.push(["errors", encode(errors, within)]);
  const stack = read(error, "stack");
  return {
    kind: "error",
    type: typeOf(error),
    name: String(read(error, "name")),
    message: String(read(error, "message")),
    stack: typeof stack === "string" ? stack : undefined,
    cause: Object.hasOwn(error, "cause") ? encode(read(error, "cause"), within) : undefined,
    fields,
  };
}

function decode({ type, name, message, stack, cause, fields }: EncodedError & { kind: "error" }): Error {
  const values = new Map(fields.map(([key, value]) => [key, decodeError(value)]));
  const error = construct(type, name, message, values);
  if (error.name !== name) define(error, "name", name);
  if (stack !== undefined) define(error, "stack", stack);
  if (cause !== undefined) define(error, "cause", decodeError(cause));
  for (const [key, value] of values) {
    if (key === "errors" || (frameworkErrors.has(type) && CONSTRUCTED.has(key))) continue;
    Object.defineProperty(error, key, { value, writable: true, enumerable: true, configurable: true });
  }
  return error;
}

function construct(type: string, name: string, message: string, fields: ReadonlyMap<string, unknown>): Error {
  const framework = frameworkErrors.get(type);
  if (framework) return new framework(message, Object.fromEntries(fields) as core.MlmcpErrorOptions);
  if (type === "AggregateError")
    return new AggregateError((fields.get("errors") as unknown[] | undefined) ?? [], message);
  if (type === "DOMException") return new DOMException(message, name);
  return new (nativeErrors[type] ?? Error)(message);
}

/** The most specific class that any thread can construct. */
function typeOf(error: Error): string {
  if (core.isMlmcpError(error) && frameworkErrors.has(error.name)) return error.name;
  if (error instanceof DOMException) return "DOMException";
  if (error instanceof AggregateError) return "AggregateError";
  for (let prototype: unknown = error; prototype !== null; prototype = Object.getPrototypeOf(prototype)) {
    const constructor: unknown =
      Object.hasOwn(prototype as object, "constructor") && (prototype as object).constructor;
    // By identity: an application's class may be named as a native one is.
    const native = Object.entries(nativeErrors).find(([, type]) => type === constructor);
    if (native) return native[0];
  }
  return "Error";
}

function isError(value: unknown): value is Error {
  return value instanceof Error || types.isNativeError(value);
}

/** The value, or a text in its place where it cannot be cloned. */
function clonable(value: unknown): unknown {
  try {
    return structuredClone(value);
  } catch {
    return inspect(value);
  }
}

/** A field of somebody else's error may be a getter that throws. */
function read(error: Error, key: string): unknown {
  try {
    return (error as unknown as Record<string, unknown>)[key];
  } catch (failure) {
    return `[${key} cannot be read: ${String(failure)}]`;
  }
}

function define(error: Error, key: string, value: unknown): void {
  Object.defineProperty(error, key, { value, writable: true, enumerable: false, configurable: true });
}
