import {
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  visit,
  type Document,
  type Pair,
  type Scalar,
  type YAMLError,
  type YAMLMap,
} from "yaml";
import type { Path } from "../layers.js";
import { configurationError } from "../problems.js";

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

export type ParseText = typeof parseText;

/** Reads each text only once: what reads a file, edits it and checks the outcome reads the same ones again and again. */
export function parsingOnce(): ParseText {
  const known = new Map<string, ParsedFile>();
  return (file, text) => {
    const key = `${file}\0${text}`;
    let parsed = known.get(key);
    if (parsed === undefined) known.set(key, (parsed = parseText(file, text)));
    return parsed;
  };
}

/** How deep a configuration may nest: more than any needs, less than exhausts the stack of its readers. */
export const MAX_DEPTH = 250;
/** How many anchors, aliases and tags a file may have: resolving each takes a look at all. */
const MAX_REFERENCES = 5_000;
/** How many syntax errors are told at once. */
const MAX_FAULTS = 10;
export const nestedTooDeep = `is nested more than ${MAX_DEPTH} levels deep`;

/**
 * Reads YAML or JSON. Both by the same parser, which unlike `JSON.parse` remembers positions.
 *
 * @throws ConfigurationError `MLMCP_CONFIG_SYNTAX` with file, line and column.
 */
export function parseText(file: string, text: string): ParsedFile {
  const json = file.endsWith(".json");
  const lineCounter = new LineCounter();
  const refuse = (message: string, position?: Position) =>
    configurationError([{ path: "", message, source: { kind: "file", name: file, ...position } }], {
      code: "MLMCP_CONFIG_SYNTAX",
    });
  // Before it is parsed: the parser runs out of stack, takes time by the square of its references,
  // or takes a comment for a part of a key.
  if (isTooDeep(text)) throw refuse(nestedTooDeep);
  if (!json && hasTooManyReferences(text))
    throw refuse(`has more than ${MAX_REFERENCES} anchors, aliases and tags`);
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
    // The parser compares each key with all before it, which takes minutes for a large map.
    uniqueKeys: false,
    // Else it warns of keys that are lists or maps, and quotes them.
    logLevel: "error",
  });
  const position = (offset: number): Position => {
    const { line, col } = lineCounter.linePos(offset);
    return { line, column: col };
  };
  // A warning tells of a tag that was dropped, which would change a value silently.
  const errors = document.errors.length > 0 ? document.errors : document.warnings;
  const more = errors.length > 0 ? [] : [...repeatedKeys(document), ...unresolvedAliases(document)];
  const faults = [...errors.map(syntaxFault), ...more];
  if (faults.length > 0) {
    const kind = json ? "JSON" : "YAML";
    // Those after the first few mostly follow from them.
    const problems = faults.slice(0, MAX_FAULTS).map(({ message, offset }) => ({
      path: "",
      message: `${kind} syntax: ${message}`,
      source: { kind: "file" as const, name: file, ...position(offset) },
    }));
    throw configurationError(problems, { code: "MLMCP_CONFIG_SYNTAX" });
  }
  const entries = new WeakMap<YAMLMap, ReadonlyMap<string, Pair>>();
  return {
    value: toValue(document, refuse),
    locate: (path) => {
      const offset = offsetOf(document, path, entries);
      return offset === undefined ? undefined : position(offset);
    },
  };
}

/** Something that the parser does not take, and where it begins. */
interface Fault {
  readonly message: string;
  readonly offset: number;
}

/** The parser's message, without the text of the file that some quote: it may be a secret. */
function syntaxFault({ message, pos: [offset] }: YAMLError): Fault {
  const [words = ""] = message.split(/(?<=\S): |(?<=^Unresolved plain scalar) /);
  return { message: words.replace(/\s+/g, " "), offset };
}

/** Keys that a map has already had. By what they become in an object, where 1 and "1" are the same. */
function repeatedKeys(document: Document): Fault[] {
  const faults: Fault[] = [];
  visit(document, {
    Map(_, { items }) {
      const seen = new Set<string>();
      for (const { key } of items) {
        if (!isScalar(key) || !key.range) continue;
        const name = nameOf(key);
        if (seen.has(name)) faults.push({ message: "Map keys must be unique", offset: key.range[0] });
        seen.add(name);
      }
    },
  });
  return faults;
}

function nameOf({ value }: Scalar): string {
  return String(value ?? "");
}

/** Aliases to what does not stand before them. Not by their names: it may be a secret that begins with `*`. */
function unresolvedAliases(document: Document): Fault[] {
  const faults: Fault[] = [];
  const anchors = new Set<string>();
  visit(document, {
    Node(_, node) {
      if (!isAlias(node)) {
        if (node.anchor !== undefined) anchors.add(node.anchor);
      } else if (!anchors.has(node.source)) {
        const message =
          "Unresolved alias: no anchor of this name stands before it. Quote a text that begins with *";
        faults.push({ message, offset: node.range?.[0] ?? 0 });
      }
    },
  });
  return faults;
}

function toValue(document: Document, refuse: (message: string) => Error): unknown {
  try {
    return document.toJS() as unknown;
  } catch (error) {
    // So many aliases of so much that the value would fill the memory.
    throw refuse((error as Error).message);
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

function hasTooManyReferences(text: string): boolean {
  let count = 0;
  for (const [mark] of text.matchAll(/"[^"\\\n]*(?:\\.[^"\\\n]*)*"?|(?<=^|[\s,[{])[&*!]/g))
    if (!mark.startsWith('"') && ++count > MAX_REFERENCES) return true;
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
  known: WeakMap<YAMLMap, ReadonlyMap<string, Pair>>,
): number | undefined {
  let node: unknown = document.contents;
  let offset: number | undefined;
  for (const key of path) {
    if (isAlias(node)) node = node.resolve(document);
    let at: unknown;
    if (isMap(node)) {
      const pair = entriesOf(node, known).get(String(key));
      [at, node] = [pair?.key, pair?.value];
    } else if (isSeq(node)) at = node = node.items[Number(key)];
    else break;
    if (!isNode(at) || !at.range) break;
    offset = at.range[0];
  }
  return offset;
}

/** The pairs of a map by their keys: where each of its values is asked for, looking through all of them takes long. */
function entriesOf(
  map: YAMLMap,
  known: WeakMap<YAMLMap, ReadonlyMap<string, Pair>>,
): ReadonlyMap<string, Pair> {
  let entries = known.get(map);
  if (entries === undefined) {
    const named = map.items.filter(({ key }) => isScalar(key));
    entries = new Map(named.map((pair) => [nameOf(pair.key as Scalar), pair]));
    known.set(map, entries);
  }
  return entries;
}
