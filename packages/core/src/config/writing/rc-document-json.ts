import { findNodeAtLocation, parseTree, type JSONPath, type Node } from "jsonc-parser";
import { isPlainObject, setOwn, type PlainObject } from "../plain.js";
import type { TextEditor } from "./text-editor.js";

/**
 * Edits JSON. All that is not edited stays to the letter: spaces, line ends, numbers that
 * JavaScript cannot hold. (The formatter of `jsonc-parser` would print the lines around anew.)
 */
export const jsonEditor: TextEditor = {
  set(text, path, value, said) {
    const { place, rest } = follow(path, said.value);
    return [edit(isBlankJson(text) ? "{}\n" : text, (content) => put(content, place, nest(rest, value)))];
  },
  unset: (text, path, said) => [edit(text, (content) => remove(content, follow(path, said.value).place))],
  comments: () => 0,
};

/** Nothing, or the `null` that says the same. */
export function isBlankJson(text: string): boolean {
  return ["", "null"].includes(text.replace(/^\uFEFF/, "").trim());
}

function edit(text: string, change: (content: string) => string): string {
  return text.startsWith("\uFEFF") ? `\uFEFF${change(text.slice(1))}` : change(text);
}

/** As far as maps and lists are written, with indices as numbers; and what is to be made below. */
function follow(
  path: readonly string[],
  values: unknown,
): { readonly place: JSONPath; readonly rest: readonly string[] } {
  const place: JSONPath = [];
  let around = values;
  for (const [depth, key] of path.entries()) {
    if (!Array.isArray(around) && !isPlainObject(around)) return { place, rest: path.slice(depth) };
    place.push(Array.isArray(around) ? Number(key) : key);
    if (!Object.hasOwn(around, key)) return { place, rest: path.slice(depth + 1) };
    around = (around as PlainObject)[key];
  }
  return { place, rest: [] };
}

function nest(path: readonly string[], value: unknown): unknown {
  return path.reduceRight((inner, key) => {
    const around: PlainObject = {};
    setOwn(around, key, inner);
    return around;
  }, value);
}

function put(text: string, place: JSONPath, value: unknown): string {
  const root = parseTree(text)!;
  const node = findNodeAtLocation(root, place);
  if (node) return splice(text, node, print(text, value, marginOf(text, itemOf(node))));
  const around = findNodeAtLocation(root, place.slice(0, -1))!;
  const key = place.at(-1)!;
  const last = around.children!.at(-1);
  if (last === undefined)
    return put(text, place.slice(0, -1), typeof key === "string" ? nest([key], value) : [value]);
  const [space] = /(?:\r?\n)?[ \t]*$/.exec(text.slice(0, last.offset))!;
  const label = typeof key === "string" ? `${JSON.stringify(key)}: ` : "";
  const added = `,${space}${label}${print(text, value, marginOf(text, last))}`;
  return splice(text, { offset: endOf(last), length: 0 }, added);
}

function remove(text: string, place: JSONPath): string {
  const item = itemOf(findNodeAtLocation(parseTree(text)!, place)!);
  const around = item.parent!;
  const siblings = around.children!;
  const index = siblings.indexOf(item);
  const [before, after] = [siblings[index - 1], siblings[index + 1]];
  if (before) return splice(text, { offset: endOf(before), length: endOf(item) - endOf(before) }, "");
  if (after) return splice(text, { offset: item.offset, length: after.offset - item.offset }, "");
  return splice(text, around, around.type === "object" ? "{}" : "[]");
}

/** The pair that a value belongs to; of an element the value itself. */
function itemOf(node: Node): Node {
  return node.parent?.type === "property" ? node.parent : node;
}

/** What stands before something that begins its line; nothing where something else does. */
function marginOf(text: string, { offset }: Node): string | undefined {
  return /(?:^|\n)([ \t]*)$/.exec(text.slice(0, offset))?.[1];
}

/** Over several lines where it begins one. */
function print(text: string, value: unknown, margin: string | undefined): string {
  if (margin === undefined) return JSON.stringify(value, null, 1).replaceAll(/\n */g, " ");
  const indent = /^[ \t]+(?=")/m.exec(text)?.[0] ?? "  ";
  const end = text.includes("\r\n") ? "\r\n" : "\n";
  return JSON.stringify(value, null, indent).replaceAll("\n", `${end}${margin}`);
}

function endOf({ offset, length }: Node): number {
  return offset + length;
}

function splice(text: string, { offset, length }: Pick<Node, "offset" | "length">, by: string): string {
  return text.slice(0, offset) + by + text.slice(offset + length);
}
