import type { ErrorObject } from "ajv";
import { keysOf } from "./issues.js";

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

/**
 * Gives a value the types that its schema asks for, as far as that loses nothing: text that
 * spells a number or a boolean becomes one, and numbers and booleans become text. That is what
 * query strings, environment variables and CSV cells need.
 *
 * It starts from the errors of a check that failed and copies only the way down to what it
 * converts. The value given is never changed, and what is not converted is the same object in
 * the result. Objects of a class are not entered.
 *
 * @returns the converted value, or the value itself where nothing can be converted
 */
export function convert(value: unknown, errors: readonly ErrorObject[]): unknown {
  const wanted = new Map<string, string[]>();
  for (const { keyword, instancePath, params, propertyName } of errors) {
    if (keyword !== "type" || propertyName !== undefined) continue;
    // The branches of a union name one place several times; the first type that fits is taken.
    const types = wanted.get(instancePath) ?? [];
    wanted.set(instancePath, types.concat(params["type"] as string | string[]));
  }
  const copies = new Set<object>();
  let result = value;
  for (const [pointer, types] of wanted)
    result = replaceAt(result, keysOf(pointer), (leaf) => convertTo(types, leaf), copies);
  return result;
}

/** `copies` are the containers that are ours already, and may be changed. */
function replaceAt(
  value: unknown,
  keys: readonly string[],
  change: (leaf: unknown) => unknown,
  copies: Set<object>,
): unknown {
  const [key, ...deeper] = keys;
  if (key === undefined) return change(value);
  if (!isPlain(value) || !Object.hasOwn(value, key)) return value;
  const child = value[key];
  const changed = replaceAt(child, deeper, change, copies);
  if (Object.is(changed, child)) return value;
  const target = copies.has(value) ? value : copyOf(value);
  copies.add(target);
  // Not an assignment: the key may be `__proto__`.
  Object.defineProperty(target, key, {
    value: changed,
    writable: true,
    enumerable: true,
    configurable: true,
  });
  return target;
}

/** The leaf itself where it cannot be converted. */
function convertTo(types: readonly string[], leaf: unknown): unknown {
  for (const type of types) {
    if (typeof leaf === "string") {
      const text = leaf.trim();
      if (type === "boolean" && (text === "true" || text === "false")) return text === "true";
      if ((type === "number" || type === "integer") && NUMBER.test(text)) {
        const number = Number(text);
        // Beyond 2^53 digits would be lost.
        if (Number.isFinite(number) && (Math.abs(number) <= Number.MAX_SAFE_INTEGER || /[.e]/i.test(text)))
          return number;
      }
    } else if (
      type === "string" &&
      (typeof leaf === "boolean" || (typeof leaf === "number" && Number.isFinite(leaf)))
    ) {
      return String(leaf);
    }
  }
  return leaf;
}

type Container = Record<string, unknown>;

function isPlain(value: unknown): value is Container {
  if (typeof value !== "object" || value === null) return false;
  if (Array.isArray(value)) return true;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

function copyOf(container: Container): Container {
  if (Array.isArray(container)) return [...container] as unknown as Container;
  const copy = { ...container };
  return Object.getPrototypeOf(container) === null ? (Object.setPrototypeOf(copy, null) as Container) : copy;
}
