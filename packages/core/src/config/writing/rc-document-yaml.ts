import { isDeepStrictEqual } from "node:util";
import { isAlias, isCollection, isMap, isScalar, isSeq, parseDocument, visit } from "yaml";
import type { Document, Node, Pair, YAMLMap, YAMLSeq } from "yaml";
import { isIndex, notAnIndex, type EditableText } from "./editable-text.js";
import { valueAt } from "../plain.js";

/**
 * YAML to be edited; keeps comments, blank lines and how values are quoted. What an alias or a
 * merge key (`<<`) brings to the place of a change is written out there first, and aliases of what
 * is changed get a copy of what it was: the change is to its own place alone.
 */
export function openYaml(text: string): EditableText {
  const document = read(text);
  const indent = /^( {1,8})(?=[^\s#-])/m.exec(text)?.[1]?.length ?? 2;
  const print = (): string => (isEmpty(document) ? text : document.toString({ lineWidth: 0, indent }));
  const reprinted = print();
  return {
    get: (path) => valueAt(document.toJS(), path),
    set(path, value) {
      if (path.length === 0) document.contents = document.createNode(value) as typeof document.contents;
      else put(document, path, value);
    },
    unset(path) {
      const key = path.at(-1);
      if (key === undefined || valueAt(document.toJS(), path) === undefined) return false;
      const { way, rest } = follow(document, path);
      const around = way.at(-1)!;
      detach(document, [...way, childOf(document, around, rest[0]!)]);
      if (isSeq(around)) around.items.splice(Number(key), 1);
      else {
        const remove = (): void => {
          around.items = around.items.filter((pair) => keyOf(document, pair) !== key);
        };
        remove();
        // What a merge key brings would take the place of what was removed.
        if (valueAt(document.toJS(), path) !== undefined) {
          writeOutMerges(document, around);
          remove();
        }
      }
      return true;
    },
    toString() {
      const printed = print();
      const kept = keepLines(text, reprinted, printed);
      // Lines are not values: what comes of them must mean the same.
      const result = isDeepStrictEqual(valueOf(kept), document.toJS()) ? kept : printed;
      return text.includes("\r\n") ? result.replaceAll(/\r?\n/g, "\r\n") : result;
    },
  };
}

function read(text: string): Document.Parsed {
  return parseDocument(text, { schema: "core", merge: true, prettyErrors: false });
}

function valueOf(text: string): unknown {
  const document = read(text);
  return document.errors.length > 0 ? undefined : document.toJS();
}

/**
 * The printed text, with the lines before and after what has changed as they were written: the
 * printer spaces some of them anew. Only where line stands for line.
 */
function keepLines(text: string, reprinted: string, printed: string): string {
  const [written, before, after] = [text, reprinted, printed].map((one) => one.split("\n")) as [
    string[],
    string[],
    string[],
  ];
  if (written.length !== before.length) return printed;
  const shorter = Math.min(before.length, after.length);
  let head = 0;
  while (head < shorter && before[head] === after[head]) head++;
  let tail = 0;
  while (tail < shorter - head && before.at(-1 - tail) === after.at(-1 - tail)) tail++;
  const changed = after.slice(head, after.length - tail);
  return [...written.slice(0, head), ...changed, ...written.slice(written.length - tail)].join("\n");
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
  if (isSeq(around) && !isIndex(key, around.items.length))
    throw notAnIndex(path, way.length - 1, around.items.length);
  const old = childOf(document, around, key);
  detach(document, [...way, old]);
  const nested = inner.reduceRight<unknown>((within, name) => Object.fromEntries([[name, within]]), value);
  const node = inPlaceOf(old, document.createNode(nested) as Node);
  if (isSeq(around)) around.items[Number(key)] = node;
  else {
    const pair = around.items.find((one) => keyOf(document, one) === key);
    if (pair) pair.value = node;
    else around.items.push(document.createPair(key, node) as Pair<unknown, unknown>);
  }
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
