import type { ParsedFile } from "../sources/rc-parser.js";

/** The lines of one top-level key with its value, counted from 1. */
export interface SectionLines {
  readonly first: number;
  /** That of the next key; nothing for the last one. */
  readonly next: number | undefined;
}

/** Where in a text one section stands, as offsets of whole lines. */
interface SectionRange {
  readonly start: number;
  readonly end: number;
}

/** The lines of a section; `undefined` where any key does not begin its line, as after `? `. */
export function sectionOf({ value, locate }: ParsedFile, key: string | undefined): SectionLines | undefined {
  if (key === undefined) return undefined;
  const keys = Object.keys(value ?? {});
  const lines = keys.map((name) => {
    const { line, column } = locate([name]) ?? {};
    return column === 1 ? line : undefined;
  });
  const first = lines[keys.indexOf(key)];
  if (first === undefined || lines.includes(undefined)) return undefined;
  const later = (lines as number[]).filter((line) => line > first);
  return { first, next: later.length === 0 ? undefined : Math.min(...later) };
}

/**
 * What may be printed anew while all around it stays to the letter: a section without the blank lines
 * and comments that stand before the next key. `undefined` where there may be aliases: what one stands
 * for may be in another section.
 *
 * @param text with line ends `\n`
 */
export function sectionRange(text: string, { first, next }: SectionLines): SectionRange | undefined {
  if (/(?<=^|[\s,[{])\*[^\s,[\]{}]/m.test(text)) return undefined;
  const lines = text.split(/(?<=\n)/);
  const own = lines.slice(first - 1, next === undefined ? undefined : next - 1);
  const last = own.findLastIndex((line) => !/^(?:\s*$|#|\.\.\.)/.test(line));
  const start = lines.slice(0, first - 1).join("").length;
  return { start, end: start + own.slice(0, last + 1).join("").length };
}
