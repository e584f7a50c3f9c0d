/**
 * A printed text, with the lines before and after what has changed as they were written: the
 * printer spaces some of them anew, and joins or breaks others.
 *
 * @param reprinted what the printer makes of `written`
 * @param printed what it makes of that with a change
 */
export function keepLines(written: string, reprinted: string, printed: string): string {
  const [lines, before, after] = [written.split("\n"), reprinted.split("\n"), printed.split("\n")];
  // Only the printer ends the last line of every text.
  const unended = lines.at(-1) !== "" && before.at(-1) === "";
  if (unended) lines.push("");
  const { head, tail } = equalEnds(before, after);
  const top = sameLines(lines, before, head);
  const bottom = sameLines(lines.toReversed(), before.toReversed(), tail);
  if (top.written + bottom.written > lines.length) return printed;
  const changed = after.slice(top.printed, after.length - bottom.printed);
  const kept = [...lines.slice(0, top.written), ...changed, ...lines.slice(lines.length - bottom.written)];
  if (unended && kept.at(-1) === "") kept.pop();
  return kept.join("\n");
}

/**
 * How many lines stand for the first lines of what was printed of them, at most `limit`: line for
 * line, or where breaks are others up to where the same signs have been written.
 */
function sameLines(
  written: readonly string[],
  printed: readonly string[],
  limit: number,
): { readonly written: number; readonly printed: number } {
  const inPlace =
    written.length === printed.length &&
    written.every((line, index) => isBlank(line) === isBlank(printed[index]!));
  if (inPlace) return { written: limit, printed: limit };
  const [signsWritten, signsPrinted] = [signsBefore(written), signsBefore(printed)];
  if (signsWritten.at(-1) !== signsPrinted.at(-1)) return { written: 0, printed: 0 };
  for (let line = limit; line > 0; line--) {
    const signs = signsPrinted[line]!;
    const first = signsWritten.indexOf(signs);
    if (first < 0) continue;
    // Of empty lines as many as there are in both.
    const empty = line - signsPrinted.indexOf(signs);
    return { written: Math.min(first + empty, signsWritten.lastIndexOf(signs)), printed: line };
  }
  return { written: 0, printed: 0 };
}

function isBlank(line: string): boolean {
  return line.trim() === "";
}

/** How much has been written before each line, and before the end, but for spaces. */
function signsBefore(lines: readonly string[]): number[] {
  let signs = 0;
  return [0, ...lines.map((line) => (signs += line.replaceAll(/\s/g, "").length))];
}

/**
 * A text whose lines end in `\n`, with the lines of another one as that ends them. One in the place
 * of another ends as that did, a new one as that before it.
 */
export function keepLineEnds(written: string, text: string): string {
  if (!written.includes("\r\n")) return text;
  const old = written.split("\n");
  const ends = old.map((line) => (line.endsWith("\r") ? "\r\n" : "\n"));
  // The last line has no end of its own.
  ends[old.length - 1] = ends.at(-2)!;
  const content = old.map((line) => line.replace(/\r$/, ""));
  const lines = text.split("\n");
  const { head, tail } = equalEnds(content, lines);
  const middle = content.slice(0, content.length - tail);
  const inPlace = old.length === lines.length;
  let next = head;
  let end = ends[0]!;
  const ended = lines.slice(0, -1).map((line, index) => {
    let same = index;
    if (index >= lines.length - tail) same += old.length - lines.length;
    else if (index >= head && !inPlace) same = middle.indexOf(line, next);
    if (same >= 0) {
      end = ends[same]!;
      next = Math.max(next, same + 1);
    }
    return line + end;
  });
  return [...ended, lines.at(-1)!].join("");
}

/** How many lines two texts have in common, at their beginnings and at their ends. */
function equalEnds(
  before: readonly string[],
  after: readonly string[],
): { readonly head: number; readonly tail: number } {
  const shorter = Math.min(before.length, after.length);
  let head = 0;
  while (head < shorter && before[head] === after[head]) head++;
  let tail = 0;
  while (tail < shorter - head && before.at(-1 - tail) === after.at(-1 - tail)) tail++;
  return { head, tail };
}
