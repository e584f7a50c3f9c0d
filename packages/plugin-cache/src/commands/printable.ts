/**
 * A text as a terminal can show it. What others wrote to a store may hold control sequences, which
 * could clear the screen, forge lines or turn their direction: such characters are shown by their
 * number.
 */
export function printable(text: string): string {
  return text.replaceAll(
    /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu,
    (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`,
  );
}

/** A row of a table whose names and texts, also those within lists and objects, are {@link printable}. */
export function printableRow(row: object): Record<string, unknown> {
  return deep(row) as Record<string, unknown>;
}

function deep(value: unknown): unknown {
  if (typeof value === "string") return printable(value);
  if (Array.isArray(value)) return value.map(deep);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [printable(name), deep(inner)]));
}
