/** The cells of the table below a heading, its header first. Columns are where the line of dashes has them. */
export function readTable(text: string, heading: RegExp): string[][] {
  const lines = text.split("\n");
  const start = lines.findIndex((line) => heading.test(line));
  if (start < 0) throw new Error(`There is no heading like ${heading} in:\n${text}`);
  const dashes = lines.findIndex((line, index) => index > start && /^-+( +-+)+$/.test(line));
  const columns = Array.from(
    lines[dashes]!.matchAll(/-+/g),
    ({ index, 0: { length } }) => [index, index + length] as const,
  );
  const end = lines.findIndex((line, index) => index > dashes && !isRow(line, columns.length));
  const rows = [lines[dashes - 1]!, ...lines.slice(dashes + 1, end < 0 ? undefined : end)];
  return rows.map((row) => columns.map(([from, to]) => row.slice(from, to).trim()));
}

/** A table ends at an empty line, or where text follows that no column could hold. */
function isRow(line: string, columns: number): boolean {
  return line.trim() !== "" && line.trim().split(/ {2,}/).length > Math.min(1, columns - 1);
}
