import { styleText } from "node:util";

/** Where a command writes: a stream, or what a test collects. */
export interface Output {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/** Where answers are read from; asked only where it is a terminal. */
export type Input = NodeJS.ReadableStream & { readonly isTTY?: boolean };

/** The world around a command. */
export interface Terminal {
  readonly stdin: Input;
  readonly stdout: Output;
  readonly stderr: Output;
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
}

export type Paint = (style: "bold" | "dim" | "cyan" | "red" | "yellow", text: string) => string;

/** Colours for people only: none where the output is no terminal, or `NO_COLOR` is set. */
export function painter(output: Output, env: NodeJS.ProcessEnv): Paint {
  const coloured = output.isTTY === true && !env["NO_COLOR"] && env["TERM"] !== "dumb";
  return (style, text) => (coloured ? styleText(style, text, { validateStream: false }) : text);
}

/** Rows in columns, with a heading; a cell is text already. Empty where there are no rows. */
export function formatTable(rows: ReadonlyArray<Readonly<Record<string, string>>>, paint: Paint): string {
  const [first] = rows;
  if (first === undefined) return "";
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const widths = columns.map((column) =>
    Math.max(column.length, ...rows.map((row) => (row[column] ?? "").length)),
  );
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, index) => cell.padEnd(widths[index]!))
      .join("  ")
      .trimEnd();
  const body = rows.map((row) => `${line(columns.map((column) => row[column] ?? ""))}\n`);
  return `${paint("bold", line(columns.map((column) => column.toUpperCase())))}\n${body.join("")}`;
}

/** JSON, also of what JSON cannot hold: functions and instances are named instead. */
export function toJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) => presentable(inner), 2);
}

/** A value in one line, as it would stand in a configuration file. */
export function inline(value: unknown): string {
  if (typeof value === "string") return value;
  return JSON.stringify(value, (_key, inner: unknown) => presentable(inner)) ?? String(value);
}

function presentable(value: unknown): unknown {
  if (typeof value === "function") return `[function ${value.name || "anonymous"}]`;
  if (typeof value === "bigint" || typeof value === "symbol") return String(value);
  if (value instanceof RegExp) return String(value);
  if (value instanceof Map) return Object.fromEntries(value);
  if (value instanceof Set) return [...value];
  if (value instanceof Error) return value.message;
  return value;
}
