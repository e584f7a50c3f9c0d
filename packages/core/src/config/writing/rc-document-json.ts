import { isIndex, notAnIndex, type EditableText } from "./editable-text.js";
import { isPlainObject, setOwn, valueAt, type PlainObject } from "../plain.js";

/** JSON to be edited; keeps the order of keys, the indentation and the line at the end. */
export function openJson(text: string): EditableText {
  const indent = /^[ \t]+(?=")/m.exec(text)?.[0] ?? "  ";
  const byteOrderMark = text.startsWith("\uFEFF") ? "\uFEFF" : "";
  const content = text.slice(byteOrderMark.length);
  let root: PlainObject = content.trim() === "" ? {} : ((JSON.parse(content) as PlainObject | null) ?? {});
  return {
    get: (path) => valueAt(root, path),
    set(path, value) {
      if (path.length === 0) root = value as PlainObject;
      else assign(root, path, 0, value);
    },
    unset(path) {
      const around = valueAt(root, path.slice(0, -1));
      const key = path.at(-1);
      if (key === undefined || valueAt(root, path) === undefined) return false;
      if (Array.isArray(around)) around.splice(Number(key), 1);
      else delete (around as PlainObject)[key];
      return true;
    },
    toString: () =>
      `${byteOrderMark}${JSON.stringify(root, null, indent)}${text === "" || text.endsWith("\n") ? "\n" : ""}`,
  };
}

function assign(
  target: PlainObject | unknown[],
  path: readonly string[],
  depth: number,
  value: unknown,
): void {
  const key = path[depth]!;
  if (Array.isArray(target) && !isIndex(key, target.length)) throw notAnIndex(path, depth, target.length);
  if (depth === path.length - 1) return setOwn(target as PlainObject, key, value);
  const child = valueAt(target, [key]);
  const inner = isPlainObject(child) || Array.isArray(child) ? child : {};
  setOwn(target as PlainObject, key, inner);
  assign(inner, path, depth + 1, value);
}
