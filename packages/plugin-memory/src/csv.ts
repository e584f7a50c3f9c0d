import type { DataFile } from "./data-file.js";
import type { Session } from "./duckdb.js";
import { quoteName, quotePath, quoteText } from "./sql.js";

/**
 * How a CSV file is read: RFC 4180 (the first line names the columns, `"` quotes, `""` is a quote
 * inside quotes) with the delimiter of its first line. Nothing but column types is guessed:
 * DuckDB's detection skips leading lines of a ragged file, and drops quoting where its sample
 * has none.
 */
function csvRelation(file: DataFile): string {
  return `read_csv(${quotePath(file.path)}, ${dialect(file)}, all_varchar = true)`;
}

/** As {@link csvRelation}, with types that every value of the file has been checked against. */
export async function typedCsvRelation(session: Session, file: DataFile): Promise<string> {
  const types = await columnTypes(session, file);
  const columns = Array.from(types, ([name, type]) => `${quoteText(name)}: ${quoteText(type)}`);
  return `read_csv(${quotePath(file.path)}, ${dialect(file)}, columns = {${columns.join(", ")}})`;
}

/** Types from narrow to wide: where a value does not fit, the next is tried. Text fits all. */
const wider: Record<string, string> = { BIGINT: "DOUBLE", DATE: "TIMESTAMP" };

/**
 * The narrowest type of each column that loses nothing of any value. DuckDB takes types from a
 * sample and then silently rounds a later `2.5` in a column of integers, or cuts the time off a
 * date; here the sample only proposes, and one pass over the file decides.
 */
async function columnTypes(session: Session, file: DataFile): Promise<Map<string, string>> {
  const proposed = await proposedTypes(session, file);
  const types = new Map(proposed.map((row) => [String(row["column_name"]), String(row["column_type"])]));
  let doubtful = [...types].filter(([, type]) => type !== "VARCHAR");
  while (doubtful.length > 0) {
    const lost = doubtful.map(
      ([name, type], index) => `bool_or(${loses(quoteName(name), type)}) AS lost_${index}`,
    );
    const [found] = await session.rows(`SELECT ${lost.join(", ")} FROM ${csvRelation(file)}`);
    doubtful = doubtful.filter((_, index) => found?.[`lost_${index}`] === true);
    doubtful = doubtful.map(([name, type]) => [name, wider[type] ?? "VARCHAR"]);
    for (const [name, type] of doubtful) types.set(name, type);
    doubtful = doubtful.filter(([, type]) => type !== "VARCHAR");
  }
  return types;
}

async function proposedTypes(session: Session, file: DataFile) {
  const path = quotePath(file.path);
  try {
    return await session.rows(`DESCRIBE SELECT * FROM read_csv(${path}, ${dialect(file)})`);
  } catch (error) {
    if (!(error instanceof Error && error.message.includes("Error when sniffing"))) throw error;
    // Detection fails without a reason; reading as many columns as the first line has tells the line.
    const { fields } = firstLine(file.head.toString("utf8"));
    const columns = Array.from({ length: fields }, (_, index) => `'${index}': 'VARCHAR'`).join(", ");
    await session.rows(
      `SELECT count("0") FROM read_csv(${path}, ${dialect(file)}, auto_detect = false, columns = {${columns}})`,
    );
    throw error;
  }
}

/** SQL that is true of a text which would not be the same value as `type`. */
function loses(column: string, type: string): string {
  const cast = `TRY_CAST(${column} AS ${type})`;
  // Their texts must come back: 2.5, 007 and 1e3 are no integers, 2001-01-01 10:00 is no date.
  if (type === "BIGINT" || type === "DATE" || type === "BOOLEAN")
    return `lower(trim(${column})) <> coalesce(${cast}::VARCHAR, '')`;
  // A number with leading zeros is a code, such as 00501.
  if (type === "DOUBLE")
    return `${column} IS NOT NULL AND ${cast} IS NULL OR regexp_matches(${column}, '^\\s*[+-]?0[0-9]')`;
  return `${column} IS NOT NULL AND ${cast} IS NULL`;
}

function dialect(file: DataFile): string {
  const { delimiter } = firstLine(file.head.toString("utf8"));
  return (
    `delim = ${quoteText(delimiter)}, quote = '"', escape = '"', header = true, skip = 0, ` +
    `comment = '', strict_mode = true, null_padding = false, hive_partitioning = false`
  );
}

/** The delimiter that the first line has most of, outside quotes, and how many fields it makes. */
function firstLine(text: string): { delimiter: string; fields: number } {
  const counts: Record<string, number> = { ",": 0, ";": 0, "\t": 0, "|": 0 };
  let quoted = false;
  for (const character of text) {
    if (character === '"') quoted = !quoted;
    else if (quoted) continue;
    else if (character === "\n" || character === "\r") break;
    else if (Object.hasOwn(counts, character)) counts[character]! += 1;
  }
  const delimiter = Object.keys(counts).reduce((best, candidate) =>
    counts[candidate]! > counts[best]! ? candidate : best,
  );
  return { delimiter, fields: counts[delimiter]! + 1 };
}
