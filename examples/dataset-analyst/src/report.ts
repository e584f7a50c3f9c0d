import type { ColumnStatistics, StatisticValue } from "@mlmcp/plugin-memory";
import type { AnalysisResult, DrillRound } from "./analysis.js";
import type { DelayRow } from "./dimensions.js";
import { formatCount, formatDuration, formatMegabytes, formatTable } from "./format.js";

/** How many rows of a long table are printed; `--json` has all. */
const shown = 10;

/** The results as a person reads them. `operations` is the monitor's own table. */
export function formatReport(result: AnalysisResult, operations: string): string {
  const { profile, delays, training, scores, passes } = result;
  return [
    heading(`${formatCount(profile.rows)} flights`),
    `${profile.file}, ${formatMegabytes(profile.bytes)}\n`,
    profileTable(result),
    heading(`Delays by airport: the ${shown} largest of ${delays.airport.rows.length}`),
    delayTable(delays.airport.rows.slice(0, shown), "airport"),
    heading(`Delays by route: the ${shown} busiest of ${delays.route.rows.length}`),
    delayTable(delays.route.rows.slice(0, shown), "route"),
    heading("Delays by hour"),
    delayTable(inOrder(delays.hour.rows), "hour"),
    heading("Delays by month"),
    delayTable(inOrder(delays.month.rows), "month"),
    heading(
      `How delays grow over the day: ${training.models.length} models from ${formatCount(training.flights)} flights`,
    ),
    modelTable(result),
    `Trained in workers ${result.workers.join(", ")}; stored in ${training.file}`,
    heading(`${formatCount(scores.flights)} flights that no model had seen`),
    formatTable(
      ["error in minutes", "models", "always the mean"],
      [
        ["root of mean square", scores.rmse.toFixed(3), scores.baselineRmse.toFixed(3)],
        ["mean absolute", scores.mae.toFixed(3), ""],
      ],
    ),
    `Scored in ${formatDuration(scores.milliseconds)}, within ${formatMegabytes(scores.peakRss)} of memory`,
    ...drillText(result),
    heading("Operations"),
    operations,
    "",
    `First pass ${formatDuration(passes.firstMs)}, second pass ${formatDuration(passes.secondMs)}: ` +
      `${formatCount(Math.round(passes.speedup))} times as fast`,
    ...result.steps.map(
      ({ name, problems }, index) =>
        `${problems.length === 0 ? "held  " : "FAILED"}  ${index + 1}. ${[name, ...problems].join("; ")}`,
    ),
  ].join("\n");
}

function heading(text: string): string {
  return `\n${text}\n${"=".repeat(text.length)}`;
}

function profileTable({ profile: { columns } }: AnalysisResult): string {
  const quantiles = Object.keys(columns.find((column) => column.quantiles)?.quantiles ?? {});
  const line = (name: string, value: (column: ColumnStatistics) => string) => [name, ...columns.map(value)];
  return formatTable(
    line("", ({ name }) => name),
    [
      line("type", ({ type }) => type),
      line("count", ({ count }) => formatCount(count)),
      line("nulls", ({ nulls }) => formatCount(nulls)),
      line("min", ({ min }) => statistic(min)),
      line("max", ({ max }) => statistic(max)),
      line("mean", ({ mean }) => statistic(mean)),
      line("std", ({ std }) => statistic(std)),
      ...quantiles.map((name) => line(name, (column) => statistic(column.quantiles?.[name] ?? null))),
      line("distinct", ({ distinct }) => (distinct === undefined ? "" : formatCount(distinct))),
    ],
  );
}

/** Times to the minute, which is all that the flights have. */
function statistic(value: StatisticValue | null): string {
  if (value === null) return "";
  if (typeof value === "number") return String(Number(value.toFixed(2)));
  return String(value).replace(/^(\d{4}-\d\d-\d\d \d\d:\d\d):.*$/, "$1");
}

function delayTable(rows: readonly DelayRow[], name: string): string {
  const places = rows.some(({ place }) => place !== null);
  return formatTable(
    [name, ...(places ? ["place"] : []), "flights", "mean delay", "late"],
    rows.map(({ key, place, flights, mean, late }) => [
      key,
      ...(places ? [place ?? ""] : []),
      formatCount(flights),
      `${mean.toFixed(2)} min`,
      `${(late * 100).toFixed(2)} %`,
    ]),
    places ? 2 : 1,
  );
}

function inOrder(rows: readonly DelayRow[]): DelayRow[] {
  return [...rows].sort((a, b) => (a.key < b.key ? -1 : 1));
}

function modelTable({ training: { models, overall } }: AnalysisResult): string {
  return formatTable(
    ["airport", "flights", "minutes more per hour", "minutes at midnight", "r²"],
    [...models.slice(0, shown), overall].map(({ airport, moments, slope, intercept, r2 }) => [
      airport,
      formatCount(moments.n),
      (slope * 60).toFixed(4),
      intercept.toFixed(4),
      r2.toFixed(5),
    ]),
  );
}

function drillText({ drill: { transient, outage } }: AnalysisResult): string[] {
  const round = (title: string, { failures, retried, dimension, report, breaker }: DrillRound) => [
    "",
    `${title}: the data source failed ${failures} times, the method was tried again ${retried} times, the breaker is ${breaker}.`,
    `Delays by ${dimension}, from ${report.source === "sample" ? "the sample of every hundredth flight" : report.source}:`,
    delayTable(report.rows.slice(0, 7), dimension),
  ];
  if (!transient && !outage) return [];
  return [
    heading("Drill"),
    ...(transient ? round("A short failure", transient) : []),
    ...(outage ? round("An outage", outage) : []),
  ];
}
