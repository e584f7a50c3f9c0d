import type { Path } from "../layers.js";
import { CircularValueError, copyPlain, isPlainObject, type PlainObject } from "../plain.js";
import { formatPath, type ConfigProblem } from "../problems.js";
import { MAX_DEPTH, nestedTooDeep } from "./rc-parser.js";
import type { ConfigSource } from "../reader.js";

/** A copy of our own of what a source holds, or an empty one where that is not fit to be merged. */
export function toObject(
  value: unknown,
  source: (path: Path) => ConfigSource,
  problems: ConfigProblem[],
): PlainObject {
  try {
    const deep = tooDeep(value);
    if (deep !== undefined) {
      problems.push({ path: "", message: nestedTooDeep, source: source(deep) });
      return {};
    }
    const copy = copyPlain(value);
    if (!isPlainObject(copy)) {
      // Not what it holds: it may be the file of a secret.
      const kind = Array.isArray(copy) ? "a list" : `a ${typeof copy}`;
      const message = `expected a map of sections, not ${kind}`;
      problems.push({ path: "", message, source: source([]) });
      return {};
    }
    const before = problems.length;
    refusePollution(copy, [], source, problems);
    return problems.length === before ? copy : {};
  } catch (error) {
    if (!(error instanceof CircularValueError)) throw error;
    problems.push({ path: formatPath(error.path), message: error.message, source: source(error.path) });
    return {};
  }
}

/** The path to what is nested too deep for the recursion of everything that reads a configuration. */
function tooDeep(root: unknown): Path | undefined {
  const heights = new Map<object, number>();
  const path: (string | number)[] = [];
  const heightOf = (value: unknown): number => {
    if (!Array.isArray(value) && !isPlainObject(value)) return 0;
    const known = heights.get(value);
    if (known !== undefined) return known;
    // A circle has an error of its own.
    heights.set(value, 0);
    let height = 0;
    for (const [key, child] of Object.entries(value)) {
      path.push(key);
      height = Math.max(height, path.length < MAX_DEPTH ? heightOf(child) : 1);
      if (path.length + height > MAX_DEPTH) return height;
      path.pop();
    }
    heights.set(value, height + 1);
    return height + 1;
  };
  heightOf(root);
  return path.length > 0 ? path : undefined;
}

const polluting = new Set(["__proto__", "constructor", "prototype"]);

function refusePollution(
  value: unknown,
  path: Path,
  source: (path: Path) => ConfigSource,
  problems: ConfigProblem[],
): void {
  if (!isPlainObject(value) && !Array.isArray(value)) return;
  for (const [key, child] of Object.entries(value)) {
    const here = [...path, key];
    if (polluting.has(key) && !Array.isArray(value)) {
      problems.push({
        path: formatPath(here),
        message: "this key is refused: it could change every object of the process",
        source: source(here),
      });
    } else refusePollution(child, here, source, problems);
  }
}
