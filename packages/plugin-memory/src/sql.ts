/** A name in SQL: `origin` becomes `"origin"`. */
export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** A text in SQL: `it's` becomes `'it''s'`. */
export function quoteText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/**
 * A path in SQL. DuckDB takes `*`, `?` and `[` in a path for a pattern, also where a file of just
 * that name is there, and would read its neighbours too.
 */
export function quotePath(path: string): string {
  return quoteText(path.replaceAll(/[*?[]/g, "[$&]"));
}
