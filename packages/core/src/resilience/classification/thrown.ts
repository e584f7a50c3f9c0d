/**
 * Reads a property of anything that was thrown. `undefined` also where the reading itself throws,
 * as of a revoked proxy: classifying an error must never put another in its place.
 */
export function read(thrown: unknown, ...path: readonly string[]): unknown {
  let current = thrown;
  for (const key of path) {
    if ((typeof current !== "object" || current === null) && typeof current !== "function") return undefined;
    try {
      current = (current as Record<string, unknown>)[key];
    } catch {
      return undefined;
    }
  }
  return current;
}

/** A property that is a text, else the empty text. */
export function readText(thrown: unknown, ...path: readonly string[]): string {
  const value = read(thrown, ...path);
  return typeof value === "string" ? value : "";
}

/** A property that is a list, as a copy of its first hundred items; else nothing. */
export function readList(thrown: unknown, key: string): unknown[] | undefined {
  const value = read(thrown, key);
  try {
    return Array.isArray(value) ? value.slice(0, 100) : undefined;
  } catch {
    return undefined;
  }
}

/** What was thrown, in a few words, for messages. */
export function describeThrown(thrown: unknown): string {
  try {
    return String(thrown);
  } catch {
    return `a value of type ${typeof thrown} that has no text`;
  }
}

/** Whether an object is made of a class; false for what cannot be asked. */
export function isInstance(thrown: unknown, type: abstract new (...args: any[]) => unknown): boolean {
  try {
    return thrown instanceof type;
  } catch {
    return false;
  }
}

/**
 * Whether a function of the application that is asked for an answer has given a promise of one.
 * Nobody waits for that, so it does not end the process should it reject.
 */
export function isPromised(answer: unknown): boolean {
  if (isInstance(answer, Promise)) (answer as Promise<unknown>).catch(() => undefined);
  return typeof read(answer, "then") === "function";
}

/** Deeper chains are circles, or nobody reads them. */
const longestChain = 8;

/**
 * What was thrown and what led to it, the outermost first: each error's `cause`, and of a
 * `SuppressedError` the error that did the suppressing.
 */
export function causesOf(thrown: unknown): unknown[] {
  const chain: unknown[] = [];
  let current = thrown;
  while (current !== undefined && current !== null && chain.length < longestChain) {
    if (chain.includes(current)) break;
    chain.push(current);
    current =
      readText(current, "name") === "SuppressedError" ? read(current, "error") : read(current, "cause");
  }
  return chain;
}
