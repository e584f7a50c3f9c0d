import { resolve } from "node:path";
import type { Diagnosis, DiagnosisOptions } from "../../diagnostics/diagnose.js";
import type { CommandContext } from "../context.js";
import { describePending } from "../../operations/pending.js";
import { CommandFailure, UsageError } from "../failure.js";
import { toJson, type Paint } from "../terminal.js";

/** What commander reads from `mlmcp doctor`. */
export interface DoctorOptions {
  readonly rule?: readonly string[];
  readonly start: boolean;
  readonly strict?: boolean;
}

/** `mlmcp doctor`: every finding with its mend, then what was looked at. Fails where there is an error. */
export async function runDoctor(
  context: CommandContext,
  { rule, start, strict }: DoctorOptions,
): Promise<void> {
  const opened = await open(context);
  const { diagnose, UnknownRuleError } = await import("../../diagnostics/diagnose.js");
  const cwd = resolve(context.terminal.cwd, context.options.cwd ?? "");
  const diagnosis = await diagnose({ opened, cwd, start, ...(rule && { rules: rule }) }).catch(
    (error: unknown) => {
      if (error instanceof UnknownRuleError) throw new CommandFailure(error.message, error.remedy);
      throw error;
    },
  );
  const errors = diagnosis.findings.filter(({ level }) => level === "error").length;
  const warnings = diagnosis.findings.length - errors;
  const sum = `${count(errors, "error")}, ${count(warnings, "warning")}`;
  const remarked = await remarks(diagnosis, context);
  context.print(
    context.options.json === true
      ? toJson({ node: process.versions.node, ...diagnosis, remarks: remarked })
      : `${format(diagnosis, remarked, context.paint)}${sum}`,
  );
  if (errors > 0 || (strict && warnings > 0)) throw new CommandFailure(`doctor found ${sum}`);
}

async function open(context: CommandContext): Promise<DiagnosisOptions["opened"]> {
  try {
    return { kernel: await context.kernel() };
  } catch (failure) {
    if (failure instanceof UsageError) throw failure;
    return { failure };
  }
}

/** What nothing was said of, and why. */
async function remarks({ operations }: Diagnosis, context: CommandContext): Promise<string[]> {
  if (operations === null)
    return [
      "Neither operations nor the rules of plugins were looked at, since there is no kernel. Mend the above first.",
    ];
  if (operations > 0) return [];
  const pending = (await context.kernel()).operations.pending();
  if (pending.length > 0)
    return [`No operations are known yet, so nothing was said of them. There is ${describePending(pending)}`];
  return [
    (await context.appNamed())
      ? "No operations are known, so nothing was said of them: no class that the application's module imports is decorated."
      : "No operations are known, so nothing was said of them. Name a module that imports the application's classes: --app ./dist/app.js",
  ];
}

function format({ findings, checked, skipped }: Diagnosis, ending: readonly string[], paint: Paint): string {
  const lines = findings.flatMap(({ level, rule, plugin, message, mend }) => [
    `${paint(level === "error" ? "red" : "yellow", level.padEnd(8))} ${paint("bold", rule)} ${paint("dim", plugin)}`,
    ...indent(message),
    ...indent(`→ ${mend}`),
    "",
  ]);
  if (checked.length > 0) lines.push(paint("dim", `looked at: ${names(checked)}`));
  const reasons = new Set(skipped.map(({ reason }) => reason));
  for (const reason of reasons)
    lines.push(
      paint("dim", `not asked (${reason}): ${names(skipped.filter((one) => one.reason === reason))}`),
    );
  return `${[...lines, ...ending].join("\n")}\n`;
}

function indent(text: string): string[] {
  return text.split("\n").map((line) => `  ${line}`);
}

function names(rules: ReadonlyArray<{ readonly rule: string }>): string {
  return [...new Set(rules.map(({ rule }) => rule))].join(", ");
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? "" : "s"}`;
}
