import type { OperationSummary } from "./summary.js";

const HEADER = [
  "operation",
  "calls",
  "errors",
  "cached",
  "retried",
  "degraded",
  "p50",
  "p95",
  "p99",
  "total",
];
const MAX_NAME = 60;

/**
 * Summaries as text for a terminal or a log, without colour:
 *
 * ```text
 * operation       calls  errors  cached  retried  degraded     p50     p95     p99   total
 * Profiler.run       12       0      11        0         0  1.2 ms  840 ms  840 ms  853 ms
 * ```
 */
export function tableOf(summaries: readonly OperationSummary[]): string {
  const rows = summaries.map((summary) => [
    printable(summary.operation),
    ...[summary.calls, summary.errors, summary.cached, summary.retried, summary.degraded].map(String),
    ...[summary.p50, summary.p95, summary.p99, summary.total].map(duration),
  ]);
  const table = [HEADER, ...rows];
  const widths = HEADER.map((_, column) => Math.max(...table.map((row) => widthOf(row[column]!))));
  return table
    .map((row) =>
      row
        .map((cell, column) => {
          const padding = " ".repeat(widths[column]! - widthOf(cell));
          return column === 0 ? cell + padding : padding + cell;
        })
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/** Three significant digits and the unit that suits: `850 ns`, `1.25 ms`, `12.3 s`, `2.5 min`, `3 h`. */
export function duration(ms: number | undefined): string {
  if (ms === undefined) return "-";
  const units: Array<[label: string, size: number]> = [
    ["h", 3_600_000],
    ["min", 60_000],
    ["s", 1_000],
    ["ms", 1],
    ["µs", 1e-3],
    ["ns", 1e-6],
  ];
  // Half a unit in the third digit below: 999.96 ms is 1 s.
  const [label, size] = units.find(([, unit]) => ms >= unit * 0.9995) ?? units.at(-1)!;
  return `${Number((ms / size).toPrecision(3))} ${label}`;
}

/** Line breaks, escape sequences and invisible characters would break or forge the table. */
function printable(name: string): string {
  const text = name.replaceAll(
    /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu,
    (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`,
  );
  const characters = Array.from(text);
  return characters.length <= MAX_NAME ? text : `${characters.slice(0, MAX_NAME - 1).join("")}…`;
}

const COMBINING = /^\p{M}$/u;
/** East Asian Wide and Fullwidth blocks, and pictographs. */
const WIDE =
  /^[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]$/u;

/** Columns that a text takes on a terminal. */
function widthOf(text: string): number {
  let width = 0;
  for (const character of text) width += COMBINING.test(character) ? 0 : WIDE.test(character) ? 2 : 1;
  return width;
}
