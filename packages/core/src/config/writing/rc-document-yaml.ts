import { isAlias, isCollection, isMap, isScalar, isSeq, Lexer, Pair, parseDocument, visit } from "yaml";
import type { Document, Node, Scalar, ScalarTag, YAMLMap, YAMLSeq } from "yaml";
import { valueAt } from "../plain.js";
import { isIndex } from "./edited-values.js";
import { keepLineEnds, keepLines } from "./kept-lines.js";
import type { TextEditor } from "./text-editor.js";
import { sectionOf, sectionRange, type SectionLines } from "./yaml-section.js";

/**
 * Edits YAML; keeps comments, blank lines, line ends and how values are quoted. What an alias or a
 * merge key (`<<`) brings to the place of a change is written out there first, and aliases of what
 * is changed get a copy of what it was: the change is to its own place alone.
 */
export const yamlEditor: TextEditor = {
  set: (text, path, value, said) =>
    edit(text, sectionOf(said, path[0]), (document) => {
      if (path.length === 0) document.contents = nodeOf(document, value) as typeof document.contents;
      else put(document, path, value);
    }),
  unset: (text, path, said) =>
    edit(text, path.length > 1 ? sectionOf(said, path[0]) : undefined, (document) => remove(document, path)),
  comments: (text) => {
    const tokens = [...new Lexer().lex(text)];
    return tokens.filter((token, index) => token.startsWith("#") && tokens[index - 1] !== SCALAR).length;
  },
};

/** What the lexer puts before the text of a scalar. */
const SCALAR = "\u001F";

type Change = (document: Document.Parsed) => void;

/** @param section the lines of the top-level key within whose value the change stays, if it does */
function* edit(text: string, section: SectionLines | undefined, change: Change): Iterable<string> {
  const byteOrderMark = text.startsWith("\uFEFF") ? "\uFEFF" : "";
  const original = text.slice(byteOrderMark.length);
  const written = original.replaceAll("\r\n", "\n");
  const finish = (result: string): string => byteOrderMark + keepLineEnds(original, result);
  const range = section && sectionRange(written, section);
  if (range) {
    const [before, after] = [written.slice(0, range.start), written.slice(range.end)];
    for (const result of printAnew(written.slice(range.start, range.end), change))
      yield finish(before + result + after);
  }
  for (const result of printAnew(written, change)) yield finish(result);
}

/** With the lines that do not change as they were written; where that says something else, as they are printed. */
function* printAnew(written: string, change: Change): Iterable<string> {
  const document = read(written);
  if (document.errors.length > 0) return;
  const indent = /^( {1,8})(?=[^\s#-])/m.exec(written)?.[1]?.length ?? 2;
  const print = (): string => (isEmpty(document) ? written : document.toString({ lineWidth: 0, indent }));
  const reprinted = print();
  change(document);
  const printed = print();
  yield keepLines(written, reprinted, printed);
  yield printed;
}

function read(text: string): Document.Parsed {
  const document = parseDocument(text, {
    schema: "core",
    merge: true,
    prettyErrors: false,
    uniqueKeys: false,
    logLevel: "error",
  });
  // As it comes, it also prints the text "<<" as what it looks like.
  const { tags } = document.schema;
  const merge = tags.findIndex(({ tag }) => tag === "tag:yaml.org,2002:merge");
  tags[merge] = { ...(tags[merge] as ScalarTag), identify: (value) => typeof value === "symbol" };
  return document;
}

type Collection = YAMLMap | YAMLSeq;

function isEmpty({ contents }: Document.Parsed): boolean {
  return contents === null || (isScalar(contents) && contents.value === null);
}

function put(document: Document.Parsed, path: readonly string[], value: unknown): void {
  if (isEmpty(document)) document.contents = document.createNode({}) as unknown as typeof document.contents;
  const { way, rest } = follow(document, path);
  const around = way.at(-1)!;
  const [key, ...inner] = rest as [string, ...string[]];
  const old = childOf(document, around, key);
  detach(document, [...way, old]);
  const nested = inner.reduceRight<unknown>((within, name) => Object.fromEntries([[name, within]]), value);
  const node = inPlaceOf(old, nodeOf(document, nested));
  if (isSeq(around)) around.items[Number(key)] = node;
  else {
    const pair = around.items.find((one) => keyOf(document, one) === key);
    if (pair) pair.value = node;
    else around.items.push(new Pair<unknown, unknown>(keyNode(document, key), node));
  }
}

function remove(document: Document.Parsed, path: readonly string[]): void {
  const { way, rest } = follow(document, path);
  const around = way.at(-1)!;
  const key = rest[0]!;
  detach(document, [...way, childOf(document, around, key)]);
  if (isSeq(around)) {
    around.items.splice(Number(key), 1);
    return;
  }
  const removeFrom = (map: YAMLMap): void => {
    map.items = map.items.filter((pair) => keyOf(document, pair) !== key);
  };
  removeFrom(around);
  // What a merge key brings would take the place of what was removed.
  if (valueAt(document.toJS(), path) !== undefined) {
    writeOutMerges(document, around);
    removeFrom(around);
  }
}

function nodeOf(document: Document.Parsed, value: unknown): Node {
  const node = document.createNode(value) as Node;
  visit(node, {
    Pair: (_, pair) => {
      pair.key = keyNode(document, (pair.key as Scalar).value as string);
    },
  });
  return node;
}

function keyNode(document: Document.Parsed, key: string): Node {
  const node = document.createNode(key) as Scalar;
  // Of no type, this one would merge.
  if (key === "<<") node.type = "QUOTE_DOUBLE";
  return node;
}

/**
 * Goes along a path as far as collections are written, all but its last key. `way` is what it
 * passed through, from the root; `rest` what remains of the path.
 */
function follow(
  document: Document.Parsed,
  path: readonly string[],
): { way: [Collection, ...Collection[]]; rest: readonly string[] } {
  const way: [Collection, ...Collection[]] = [document.contents as unknown as Collection];
  for (let depth = 0; ; depth++) {
    const around = way.at(-1)!;
    const key = path[depth]!;
    if (isMap(around) && !around.items.some((pair) => keyOf(document, pair) === key))
      writeOutMerges(document, around);
    let child = childOf(document, around, key);
    if (isAlias(child)) {
      const alias = child;
      child = copyOf(document, alias);
      replaceIn(around, alias, child);
    }
    if (depth === path.length - 1 || !isCollection(child)) return { way, rest: path.slice(depth) };
    way.push(child as Collection);
  }
}

function childOf(document: Document.Parsed, around: Collection, key: string): Node | undefined {
  const child = isSeq(around)
    ? around.items[isIndex(key, around.items.length - 1) ? Number(key) : -1]
    : around.items.find((pair) => keyOf(document, pair) === key)?.value;
  return (child ?? undefined) as Node | undefined;
}

function replaceIn(around: Collection, old: Node, node: Node): void {
  if (isSeq(around)) around.items[around.items.indexOf(old)] = node;
  else for (const pair of around.items) if (pair.value === old) pair.value = node;
}

/** As it becomes the name of a property. A merge key has none. */
function keyOf(document: Document.Parsed, { key }: Pair): string | undefined {
  const node = isAlias(key) ? key.resolve(document) : key;
  if (!isScalar(node)) return undefined;
  return typeof node.value === "symbol" ? undefined : String(node.value ?? "");
}

/** Puts the pairs that merge keys bring into the map itself. The map's own win, then those of the first. */
function writeOutMerges(document: Document.Parsed, map: YAMLMap): void {
  const own = new Set(map.items.map((pair) => keyOf(document, pair)));
  map.items = map.items.flatMap((pair) => {
    const merged = isScalar(pair.key) && typeof pair.key.value === "symbol";
    if (!merged || pair.value === null) return [pair];
    const copy = copyOf(document, pair.value as Node);
    const maps = (isSeq(copy) ? copy.items : [copy]) as YAMLMap[];
    return maps.flatMap((from) => {
      writeOutMerges(document, from);
      return from.items.filter((one) => {
        const key = keyOf(document, one);
        if (own.has(key)) return false;
        own.add(key);
        return true;
      });
    });
  });
}

/** Gives every alias of these nodes, and of what the last of them holds, a copy of its own. */
function detach(document: Document.Parsed, nodes: ReadonlyArray<Node | undefined>): void {
  const affected = new Set<unknown>(nodes);
  const target = nodes.at(-1);
  if (target) visit(target, { Node: (_, node) => void affected.add(node) });
  visit(document, {
    Alias: (_, alias) => (affected.has(alias.resolve(document)) ? copyOf(document, alias) : undefined),
  });
}

/** A deep copy without anchors and aliases. */
function copyOf(document: Document.Parsed, node: Node): Node {
  if (isAlias(node)) {
    const copy = copyOf(document, node.resolve(document)!);
    if (node.comment != null) copy.comment = node.comment;
    return copy;
  }
  const copy = node.clone() as Node;
  if (!isAlias(copy)) delete copy.anchor;
  if (isSeq(node) && isSeq(copy)) copy.items = node.items.map((item) => copyOf(document, item as Node));
  if (isMap(node) && isMap(copy)) {
    for (const [index, pair] of node.items.entries()) {
      const fresh = copy.items[index]!;
      fresh.key = copyOf(document, pair.key as Node);
      if (pair.value !== null) fresh.value = copyOf(document, pair.value as Node);
    }
  }
  return copy;
}

/** The node with the comments of what it replaces. */
function inPlaceOf(old: Node | undefined, node: Node): Node {
  if (old === undefined || isAlias(old)) return node;
  if (isScalar(old) && isCollection(node)) {
    const comments = [old.commentBefore, old.comment].filter((comment) => comment != null);
    if (comments.length > 0) node.commentBefore = comments.join("\n");
  } else if (isScalar(old) === isScalar(node)) {
    node.commentBefore = old.commentBefore ?? null;
    if (isScalar(old)) node.comment = old.comment ?? null;
  }
  if (old.spaceBefore) node.spaceBefore = true;
  return node;
}
