import { isPlainObject } from "../config/plain.js";
import { formatPath } from "../config/problems.js";
import { describeSource } from "../config/reader.js";
import type { CoreRule, Inspected } from "./rule.js";

/** Settings of a file that a variable overrides: who edits the file wonders why nothing changes. */
export const configShadowed: CoreRule<Inspected> = {
  rule: "config-shadowed",
  diagnose: ({ kernel: { config } }) =>
    leavesOf(config.get("")).flatMap((path) => {
      const { source, value, overrode, secret } = config.explain(path);
      const written = overrode.find(({ source: { kind } }) => kind === "file" || kind === "profile");
      // Two secrets look the same here.
      if (source.kind !== "env" || !written || (!secret && same(written.value, value))) return [];
      return [
        {
          level: "warning",
          message: `${path} stands in ${describeSource(written.source)}, but ${source.name} overrides it.`,
          mend: `Unset ${source.name}, or remove ${path} from the file.`,
        } as const,
      ];
    }),
};

/** Paths of everything that is no object with keys. */
function leavesOf(value: unknown, path: readonly string[] = []): string[] {
  if (!isPlainObject(value) || Object.keys(value).length === 0)
    return path.length > 0 ? [formatPath(path)] : [];
  return Object.entries(value).flatMap(([key, child]) => leavesOf(child, [...path, key]));
}

function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
