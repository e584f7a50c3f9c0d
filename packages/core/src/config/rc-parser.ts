import {
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  type Document,
  type YAMLError,
} from "yaml";
import type { Path } from "./layers.js";
import { configurationError } from "./problems.js";

interface Position {
  readonly line: number;
  readonly column: number;
}

/** A parsed file that knows where each of its values stands. */
export interface ParsedFile {
  readonly value: unknown;
  /** Of the key where a map has one; of the nearest thing around it where the path leads nowhere. */
  locate(path: Path): Position | undefined;
}

/** How deep a configuration may nest: more than any needs, less than exhausts the stack of its readers. */
export const MAX_DEPTH = 250;
export const nestedTooDeep = `is nested more than ${MAX_DEPTH} levels deep`;

/**
 * Reads YAML or JSON. Both by the same parser, which unlike `JSON.parse` remembers positions.
 *
 * @throws ConfigurationError `MLMCP_CONFIG_SYNTAX` with file, line and column.
 */
export function parseText(file: string, text: string): ParsedFile {
  const json = file.endsWith(".json");
  const lineCounter = new LineCounter();
  const refuse = (message: string, position?: Position, cause?: unknown) =>
    configurationError([{ path: "", message, source: { kind: "file", name: file, ...position } }], {
      code: "MLMCP_CONFIG_SYNTAX",
      cause,
    });
  // Before it is parsed: the parser runs out of stack, or takes a comment for a part of a key.
  if (isTooDeep(text)) throw refuse(nestedTooDeep);
  const comment = json ? commentIn(text) : undefined;
  if (comment) {
    throw refuse(
      "JSON has no comments. Remove it, or name the file .yaml and begin comments with #",
      comment,
    );
  }
  const document = parseDocument(text, {
    lineCounter,
    prettyErrors: false,
    schema: json ? "json" : "core",
    merge: !json,
  });
  const position = (offset: number): Position => {
    const { line, col } = lineCounter.linePos(offset);
    return { line, column: col };
  };
  // A warning tells of a tag that was dropped, which would change a value silently.
  const faults: readonly YAMLError[] =
    document.errors.length > 0 ? document.errors : (document.warnings as readonly YAMLError[]);
  if (faults.length > 0) {
    const kind = json ? "JSON" : "YAML";
    const problems = faults.map((fault) => ({
      path: "",
      message: `${kind} syntax: ${fault.message.replace(/\s+/g, " ")}`,
      source: { kind: "file" as const, name: file, ...position(fault.pos[0]) },
    }));
    throw configurationError(problems, { code: "MLMCP_CONFIG_SYNTAX", cause: faults[0] });
  }
  return { value: toValue(document, refuse), locate: (path) => offsetOf(document, path, position) };
}

function toValue(
  document: Document,
  refuse: (message: string, position?: Position, cause?: unknown) => Error,
): unknown {
  try {
    return document.toJS() as unknown;
  } catch (error) {
    // Too many aliases, or one to an anchor that does not exist.
    const message = error instanceof Error ? error.message : String(error);
    throw refuse(message, undefined, error);
  }
}

/** By brackets outside double quotes, and by what stands before the first text of a line. */
function isTooDeep(text: string): boolean {
  let depth = 0;
  for (const [mark] of text.matchAll(/"[^"\\\n]*(?:\\.[^"\\\n]*)*"?|[[\]{}]|^(?: |- |\? ){250,}/gm)) {
    if (mark === "[" || mark === "{") depth++;
    else if (mark === "]" || mark === "}") depth = Math.max(0, depth - 1);
    if (depth > MAX_DEPTH || mark.startsWith(" ") || mark.startsWith("-") || mark.startsWith("?"))
      return true;
  }
  return false;
}

/** Where a comment begins, as far as it cannot be the inside of a text. */
function commentIn(text: string): Position | undefined {
  for (const { 0: mark, index } of text.matchAll(
    /"[^"\\\n]*(?:\\.[^"\\\n]*)*"?|(?<=^|[\s{}[\],:"])\/[/*]/g,
  )) {
    if (mark.startsWith('"')) continue;
    const lines = text.slice(0, index).split("\n");
    return { line: lines.length, column: lines.at(-1)!.length + 1 };
  }
  return undefined;
}

function offsetOf(
  document: Document,
  path: Path,
  position: (offset: number) => Position,
): Position | undefined {
  let node: unknown = document.contents;
  let offset: number | undefined;
  for (const key of path) {
    if (isAlias(node)) node = node.resolve(document);
    let at: unknown;
    if (isMap(node)) {
      const pair = node.items.find(
        (item) => (isScalar(item.key) ? String(item.key.value) : undefined) === String(key),
      );
      [at, node] = [pair?.key, pair?.value];
    } else if (isSeq(node)) at = node = node.items[Number(key)];
    else break;
    if (!isNode(at) || !at.range) break;
    offset = at.range[0];
  }
  return offset === undefined ? undefined : position(offset);
}
