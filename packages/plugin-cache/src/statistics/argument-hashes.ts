import { canonical } from "../keys/canonical.js";
import { hashOf } from "../memory/frequency-sketch.js";
import { kindOf } from "../values/kinds.js";

const mostProperties = 8;

/** A hash of each argument by its value, and of each property of those that are plain objects: `1`, `1.region`. */
export function* argumentHashes(args: readonly unknown[]): Iterable<readonly [label: string, hash: number]> {
  for (const [index, argument] of args.entries()) {
    const label = String(index + 1);
    yield [label, hashOfValue(argument)];
    if (typeof argument !== "object" || argument === null || kindOf(argument) !== "plain") continue;
    for (const name of Object.keys(argument).slice(0, mostProperties))
      yield [`${label}.${name}`, hashOfValue((argument as Record<string, unknown>)[name])];
  }
}

/** The same for all that cannot be part of a key. */
function hashOfValue(value: unknown): number {
  try {
    return hashOf(canonical(value));
  } catch {
    return 0;
  }
}
