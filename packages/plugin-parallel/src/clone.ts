import { ConfigurationError } from "@mlmcp/core";
import { types } from "node:util";

/** Where a value cannot be cloned, and what stands there. */
interface Unclonable {
  /** `.rows[3].onDone`; empty for the value itself. */
  readonly path: string;
  /** `a function`, `a Promise`. */
  readonly what: string;
}

/** Finds the first thing in a value that structured cloning refuses. Only for the message of an error. */
export function findUnclonable(value: unknown): Unclonable | undefined {
  return search(value, "", new Set());
}

/** The error for arguments that cannot be sent to a worker: names the argument and the place in it. */
export function argumentsNotClonable(
  label: string,
  args: readonly unknown[],
  cause: unknown,
): ConfigurationError {
  const position = args.findIndex((arg) => !isClonable(arg));
  const found = position < 0 ? undefined : findUnclonable(args[position]);
  const at = position < 0 ? "its arguments" : `argument ${position + 1}`;
  return notClonable(
    `${label}: ${at} cannot be sent to a worker: ${describe(found, cause)}.`,
    { operation: label, argument: position + 1, path: found?.path },
    cause,
  );
}

/** The error for a result that cannot be sent back. */
export function resultNotClonable(label: string, result: unknown, cause: unknown): ConfigurationError {
  const found = findUnclonable(result);
  return notClonable(
    `${label}: its result cannot be sent back from the worker: ${describe(found, cause)}. The method has already run.`,
    { operation: label, path: found?.path },
    cause,
  );
}

/** Whether an error says that structured cloning refused a value. */
export function isDataCloneError(error: unknown): boolean {
  return error instanceof Error && error.name === "DataCloneError";
}

function notClonable(message: string, context: Record<string, unknown>, cause: unknown): ConfigurationError {
  return new ConfigurationError(message, {
    code: "MLMCP_PARALLEL_CLONE",
    cause,
    context,
    suggestions: [
      "Pass and return data: plain objects, arrays, Map, Set, Date, typed arrays. Functions, promises and sockets stay in their thread.",
      "Let the method make what it needs from data, or inject it into the class: the worker constructs the class itself.",
    ],
  });
}

function describe(found: Unclonable | undefined, cause: unknown): string {
  if (!found) return cause instanceof Error ? cause.message : String(cause);
  return found.path === "" ? `it is ${found.what}` : `"${found.path}" in it is ${found.what}`;
}

function search(value: unknown, path: string, seen: Set<object>): Unclonable | undefined {
  if (typeof value === "function")
    return { path, what: value.name ? `the function ${value.name}` : "a function" };
  if (typeof value === "symbol") return { path, what: "a symbol" };
  if (typeof value !== "object" || value === null || seen.has(value)) return undefined;
  seen.add(value);
  if (types.isProxy(value)) return { path, what: "a Proxy" };
  for (const [step, child] of children(value)) {
    const found = search(child, path + step, seen);
    if (found) return found;
  }
  // Its parts are fine: then it is the thing itself, such as a Promise or a WeakMap.
  return isClonable(value)
    ? undefined
    : { path, what: `a ${value.constructor?.name || "value of another kind"}` };
}

function* children(value: object): Iterable<[step: string, child: unknown]> {
  if (ArrayBuffer.isView(value)) return;
  if (types.isMap(value)) {
    for (const [key, child] of value) {
      yield [".(key of a Map)", key];
      yield [`.get(${typeof key === "string" ? JSON.stringify(key) : String(key)})`, child];
    }
    return;
  }
  if (types.isSet(value)) {
    for (const child of value) yield [".(member of a Set)", child];
    return;
  }
  const isArray = Array.isArray(value);
  for (const key of Object.keys(value)) {
    const step = isArray
      ? `[${key}]`
      : /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(key)
        ? `.${key}`
        : `[${JSON.stringify(key)}]`;
    yield [step, (value as Record<string, unknown>)[key]];
  }
}

function isClonable(value: unknown): boolean {
  try {
    structuredClone(value);
    return true;
  } catch {
    return false;
  }
}
