import { DataLoadError, isMlmcpError, nearest, ProcessingError, ResourceExhaustedError } from "@mlmcp/core";
import type { DataFile } from "./data-file.js";
import type { SourceTable } from "./tables.js";

/** Runs a query on files and says in their terms what went wrong. */
export async function explained<T>(
  files: readonly DataFile[],
  query: () => Promise<T>,
  tables?: readonly SourceTable[],
): Promise<T> {
  try {
    return await query();
  } catch (error) {
    throw explain(error, files, tables);
  }
}

function explain(error: unknown, files: readonly DataFile[], tables: readonly SourceTable[] = []): unknown {
  if (!(error instanceof Error) || isMlmcpError(error) || !/(^|: )[A-Z][\w ]+ Error: /.test(error.message))
    return error;
  const column = /Referenced column "(.+?)" (?:was )?not found/.exec(error.message)?.[1];
  if (column !== undefined && tables.length > 0) return missingColumn(column, tables, error);
  const names = files.map(({ name }) => name).join(", ");
  const context = { files: files.map(({ path }) => path) };
  const reason = shortened(error.message);
  if (/(Binder|Parser|Catalog) Error/.test(error.message)) {
    return new ProcessingError(`The query on ${names} is not valid SQL for it: ${reason}.`, {
      code: "MLMCP_DATA_QUERY",
      cause: error,
      context,
      suggestions: [
        "Correct the SQL; a single file is the table `data`, several have the names given to them.",
      ],
    });
  }
  if (error.message.startsWith("Out of Memory")) {
    return new ResourceExhaustedError(
      `Reading ${names} takes more memory than \`memory.maxMemoryMb\` allows: ${reason}.`,
      {
        cause: error,
        context,
        suggestions: ["Raise memory.maxMemoryMb, or read fewer columns."],
      },
    );
  }
  const todo = suggestionFor(error.message);
  return new DataLoadError(`${names} cannot be read as ${kinds(files)}: ${reason}. ${todo}`, {
    cause: error,
    context,
    suggestions: [todo],
  });
}

function kinds(files: readonly DataFile[]): string {
  return [...new Set(files.map(({ format }) => (format === "csv" ? "CSV" : "Parquet")))].join(" and ");
}

function suggestionFor(message: string): string {
  if (/Invalid unicode/.test(message)) return "Convert the file to UTF-8.";
  if (/Number of Columns/.test(message)) return "Give every line as many fields as the first.";
  if (/unterminated quote/.test(message)) return "Close every quote, and double a quote inside quotes.";
  if (/state machine/.test(message))
    return "End all lines alike, with LF or CR LF, and put a field with quotes in quotes.";
  return "Check what wrote the file, and write it again.";
}

/** What and where, without the pages of advice that follow, nor a line of data as long as the file. */
function shortened(message: string): string {
  const [first = "", ...rest] = message.split("\n").map((line) => line.slice(0, 200));
  const where = rest.find((line) =>
    /^(Expected|Invalid unicode|Value with unterm|Maximum line|Error when conv)/.test(line),
  );
  return (where === undefined ? first : `${first}: ${where}`).replace(/[.!]+$/, "");
}

/** Names the file, the column and the nearest one there is. */
export function missingColumn(column: string, tables: readonly SourceTable[], cause?: Error): DataLoadError {
  const names = tables.flatMap(({ columns }) => columns.map(({ name }) => name));
  return columnError(column, names, tables.map(({ file }) => file.name).join(", "), cause);
}

/** As thrown for a column that a file or a table does not have. */
export function columnError(
  column: string,
  names: readonly string[],
  where: string,
  cause?: Error,
): DataLoadError {
  const near = nearest(column, names);
  const hint = near === undefined ? "" : ` Did you mean "${near}"?`;
  return new DataLoadError(`${where} has no column "${column}".${hint} It has: ${names.join(", ")}.`, {
    code: "MLMCP_DATA_COLUMN",
    ...(cause && { cause }),
    context: { column, columns: names, ...(near !== undefined && { nearest: near }) },
    suggestions: [near === undefined ? `Use one of: ${names.join(", ")}.` : `Use "${near}".`],
  });
}
