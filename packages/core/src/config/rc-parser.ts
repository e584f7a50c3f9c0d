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

/**
 * Reads YAML or JSON. Both by the same parser, which unlike `JSON.parse` remembers positions.
 *
 * @throws ConfigurationError `MLMCP_CONFIG_SYNTAX` with file, line and column.
 */
export function parseText(file: string, text: string): ParsedFile {
  const json = file.endsWith(".json");
  const lineCounter = new LineCounter();
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
  return { value: toValue(document, file), locate: (path) => offsetOf(document, path, position) };
}

function toValue(document: Document, file: string): unknown {
  try {
    return document.toJS() as unknown;
  } catch (error) {
    // Too many aliases, or one to an anchor that does not exist.
    const message = error instanceof Error ? error.message : String(error);
    throw configurationError([{ path: "", message, source: { kind: "file", name: file } }], {
      code: "MLMCP_CONFIG_SYNTAX",
      cause: error,
    });
  }
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
