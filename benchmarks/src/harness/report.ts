import type { Environment } from "./environment.js";
import type { BudgetResult, CaseResult, ContenderResult, Plan } from "./run-case.js";
import type { Spread } from "./statistics.js";
import type { StudyResult } from "./study.js";

/** Everything that one run of the benchmarks found. */
export interface Results {
  readonly environment: Environment;
  readonly plan: Plan;
  readonly cases: readonly CaseResult[];
  readonly studies: readonly StudyResult[];
}

/** The whole report as Markdown. */
export function reportOf({ environment, plan, cases, studies }: Results): string {
  const budgets = cases.flatMap((each) => each.budgets);
  return (
    [
      "# Results of the benchmarks",
      "Written by `pnpm bench`; [README.md](README.md) says how it measures. Compare ratios, not nanoseconds: those belong to this machine and its moment.",
      ...(budgets.length > 0 ? ["## Budgets", budgetTable(budgets)] : []),
      ...cases.flatMap((each) => [`## ${each.name}`, caseSection(each)]),
      ...studies.flatMap((each) => [`## ${each.name}`, studySection(each)]),
      "## Measured on",
      environmentList(environment, plan),
    ].join("\n\n") + "\n"
  );
}

/** One case: its question and its table, ratios first. */
export function caseSection(result: CaseResult): string {
  const { question, reference, separateProcesses, cold, awake, contenders } = result;
  const table = cold
    ? tableOf(
        ["contender", "ratio", "p25–p75", "ms", "p25–p75"],
        contenders.map((each) => coldRow(each)),
      )
    : tableOf(
        ["contender", "ratio", "p25–p75", "ns/op", "p25–p75", `ns over ${reference}`, "bytes/call"],
        contenders.map((each) => contenderRow(each, reference)),
      );
  const processes = separateProcesses
    ? " One contender switches AsyncLocalStorage on, so each runs in a process of its own."
    : "";
  const once = cold ? " Each is the first call of a new process." : "";
  const vigil = awake ? " Work of the lowest priority keeps the processors awake." : "";
  return `${question} Ratios are to “${reference}”.${processes}${once}${vigil}\n\n${table}`;
}

/** One study: its question and what it counted. */
export function studySection({ question, columns, rows }: StudyResult): string {
  return `${question}\n\n${tableOf(columns, rows)}`;
}

export function budgetTable(budgets: readonly BudgetResult[]): string {
  return tableOf(
    ["contender", "over", "budget", "measured", "verdict", "at the speed of the budget", "verdict"],
    budgets.map((budget) => ("ratio" in budget ? ratioRow(budget) : differenceRow(budget))),
  );
}

function ratioRow({
  contender,
  over,
  ratio,
  measuredRatio,
}: Extract<BudgetResult, { ratio: number }>): string[] {
  return [contender, over, times(ratio), times(measuredRatio), verdict(measuredRatio, ratio, times), "", ""];
}

function differenceRow({
  contender,
  over,
  ns,
  referenceNs,
  measuredNs,
  scaledNs,
}: Extract<BudgetResult, { ns: number }>): string[] {
  return [
    contender,
    over,
    referenceNs === undefined ? time(ns) : `${time(ns)} where the reference took ${time(referenceNs)}`,
    time(measuredNs),
    verdict(measuredNs, ns, time),
    ...(scaledNs === undefined ? ["", ""] : [time(scaledNs), verdict(scaledNs, ns, time)]),
  ];
}

function verdict(measured: number, budget: number, show: (value: number) => string): string {
  return measured <= budget ? `met by ${show(budget - measured)}` : `missed by ${show(measured - budget)}`;
}

function times(ratio: number): string {
  return `${digits(ratio)}×`;
}

function contenderRow({ name, ratio, ns, extraNs, bytes }: ContenderResult, reference: string): string[] {
  return [
    name,
    `${digits(ratio.median)}×`,
    range(ratio),
    digits(ns.median),
    range(ns),
    name === reference ? "" : digits(extraNs),
    bytes === undefined ? "not known" : String(Math.round(bytes)),
  ];
}

function coldRow({ name, ratio, ns }: ContenderResult): string[] {
  const ms: Spread = { median: ns.median / 1e6, p25: ns.p25 / 1e6, p75: ns.p75 / 1e6 };
  return [name, `${digits(ratio.median)}×`, range(ratio), digits(ms.median), range(ms)];
}

/** Nanoseconds, or milliseconds where there are many. */
function time(ns: number): string {
  return Math.abs(ns) >= 1e6 ? `${digits(ns / 1e6)} ms` : `${digits(ns)} ns`;
}

function environmentList(
  { commit, date, cpu, cores, memoryGb, system, node, v8, load, packages }: Environment,
  plan: Plan,
): string {
  return [
    `- ${date}, commit ${commit}`,
    `- Node ${node} (V8 ${v8}), ${system}`,
    `- ${cpu}, ${cores} cores, ${memoryGb} GB; load ${load.before} before and ${load.after} after`,
    `- ${plan.starts} × ${plan.rounds} rounds of batches of ${plan.batchMs} ms, after ${plan.warmUpMs} ms of warm-up each; ${plan.coldStarts} processes for each contender of a cold case`,
    `- ${Object.entries(packages)
      .map(([name, version]) => `${name} ${version}`)
      .join(", ")}`,
  ].join("\n");
}

function range({ p25, p75 }: Spread): string {
  return `${digits(p25)}–${digits(p75)}`;
}

/** Three significant digits, without an exponent. */
function digits(value: number): string {
  return Math.abs(value) >= 1000 ? String(Math.round(value)) : String(Number(value.toPrecision(3)));
}

/** Numbers to the right; padded, so that it is a table in a terminal too. */
function tableOf(head: readonly string[], rows: ReadonlyArray<readonly string[]>): string {
  const widths = head.map((_, column) => Math.max(...[head, ...rows].map((cells) => cells[column]!.length)));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!))).join(" | ")} |`;
  const rule = `| ${widths.map((width, column) => (column === 0 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`)).join(" | ")} |`;
  return [line(head), rule, ...rows.map(line)].join("\n");
}
