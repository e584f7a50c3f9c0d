import { Document, isCollection, isScalar } from "yaml";
import { isPlainObject } from "../../config/plain.js";
import { formatPath } from "../../config/problems.js";

interface YamlOptions {
  readonly heading: string;
  /** What stands behind the values at these paths. */
  readonly comments: ReadonlyArray<{ readonly path: readonly string[]; readonly text: string }>;
}

/** A text that refers to a value elsewhere, and is written as it is. */
export class Reference {
  constructor(readonly text: string) {}
}

/**
 * Effective values as a configuration file that loads to the same values. What only code can give
 * is left out and named at the top.
 */
export function toYaml(
  values: Readonly<Record<string, unknown>>,
  { heading, comments }: YamlOptions,
): string {
  const leftOut: string[] = [];
  const document = new Document(written(values, [], leftOut));
  for (const { path, text } of comments) {
    const node = document.getIn(path, true);
    if (isCollection(node)) node.flow = true;
    if (isScalar(node) || isCollection(node)) node.comment = ` ${text}`;
  }
  const lines = [heading, ...leftOut.map((path) => `left out, since only code can give it: ${path}`)];
  document.commentBefore = lines.map((line) => ` ${line}`).join("\n");
  return document.toString({ lineWidth: 0, flowCollectionPadding: false });
}

function written(value: unknown, path: readonly string[], leftOut: string[]): unknown {
  // A `${` in an effective value refers to nothing any more.
  if (typeof value === "string") return value.replaceAll("${", () => "$${");
  if (value instanceof Reference) return value.text;
  if (Array.isArray(value))
    return value.map((item, index) => written(item, [...path, String(index)], leftOut));
  if (isPlainObject(value)) {
    const entries = Object.entries(value).map(([key, child]) => [
      key,
      written(child, [...path, key], leftOut),
    ]);
    return Object.fromEntries(entries.filter(([, child]) => child !== undefined));
  }
  if (value === null || typeof value === "boolean" || typeof value === "number") return value;
  leftOut.push(formatPath(path));
  return undefined;
}
