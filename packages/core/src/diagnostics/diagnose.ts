import { nearest } from "../config/nearest.js";
import { isMlmcpError } from "../errors/index.js";
import type { Kernel } from "../kernel/kernel.js";
import { within } from "../kernel/time-limit.js";
import { shared } from "../operations/shared-state.js";
import type { Finding, Plugin, PluginKernel } from "../plugin.js";
import { kernelRules, runningRules, surroundingRules } from "./core-rules.js";
import type { CoreRule, Inspected, Surroundings } from "./rule.js";

const core = "@mlmcp/core";

/** A rule may ask a network; what takes longer counts as failed. Milliseconds. */
const ruleLimit = 30_000;

/** A finding, and whose rule found it. */
export interface DiagnosisFinding extends Finding {
  readonly rule: string;
  /** The plugin whose rule it is. */
  readonly plugin: string;
}

/** What was looked at and what was found. */
export interface Diagnosis {
  /** Errors first. */
  readonly findings: readonly DiagnosisFinding[];
  readonly checked: ReadonlyArray<{ readonly rule: string; readonly plugin: string }>;
  /** Rules that could not be asked, and why. */
  readonly skipped: ReadonlyArray<{
    readonly rule: string;
    readonly plugin: string;
    readonly reason: string;
  }>;
  /** How many operations were known; nothing where there was no kernel to know them. */
  readonly operations: number | null;
}

export interface DiagnosisOptions {
  /** A kernel that has not started, or why there is none. */
  readonly opened: { readonly kernel: Kernel } | { readonly failure: unknown };
  /** Where the application's packages are looked for where there is no kernel that says. */
  readonly cwd: string;
  /** Whether the kernel is started. @default true */
  readonly start?: boolean;
  /** Only these rules. @default all */
  readonly rules?: readonly string[];
}

/** A rule that was asked for and does not exist. */
export class UnknownRuleError extends Error {
  constructor(
    readonly rule: string,
    readonly remedy: string,
  ) {
    super(`there is no rule "${rule}"`);
  }
}

/** A rule, ready to be run. */
interface Task {
  readonly rule: string;
  readonly plugin: string;
  run(): readonly Finding[] | Promise<readonly Finding[]>;
}

/**
 * Runs the rules of the core and of the plugins over a kernel. What fails on the way, the kernel's
 * start and a rule itself among it, is a finding.
 *
 * @throws UnknownRuleError
 */
export async function diagnose({ opened, cwd, start = true, rules }: DiagnosisOptions): Promise<Diagnosis> {
  const examination = new Examination(rules);
  const { kernel } = opened as { kernel?: Kernel };
  const surroundings: Surroundings = {
    nodeVersion: process.versions.node,
    cwd: kernel?.config.cwd ?? cwd,
    plugins: kernel?.plugins.map(({ name }) => name) ?? [],
    copies: [...(shared.copies ?? [])],
  };
  const before = tasks(surroundingRules, surroundings);
  if (kernel === undefined) {
    const { failure } = opened as { failure: unknown };
    examination.add({ rule: "configuration", plugin: core }, failed(failure));
    await examination.run(before);
    for (const { rule } of [...kernelRules, ...runningRules])
      examination.skip({ rule, plugin: core }, "without a configuration there is no kernel to look at");
    return examination.diagnosis(null);
  }
  const inspected: Inspected = { ...surroundings, kernel, ...kernel.inspection };
  const after = [...tasks(runningRules, inspected), ...pluginTasks(kernel)];
  before.push(...tasks(kernelRules, inspected));
  examination.refuseUnknown([...before, ...after]);
  await examination.run(before);
  const reason = start ? await examination.start(kernel, after) : "the kernel was not to be started";
  if (reason === undefined) await examination.run(after);
  else {
    const needRunning = new Set(runningRules.map(({ rule }) => rule));
    for (const task of after) {
      if (task.plugin === core && needRunning.has(task.rule)) examination.skip(task, reason);
      else await examination.run([task], reason);
    }
  }
  return examination.diagnosis(kernel.operations.list().length);
}

/** Collects what the rules find. */
class Examination {
  readonly #wanted: ReadonlySet<string> | undefined;
  readonly #findings: DiagnosisFinding[] = [];
  readonly #checked: Array<{ rule: string; plugin: string }> = [];
  readonly #skipped: Array<{ rule: string; plugin: string; reason: string }> = [];

  constructor(wanted: readonly string[] | undefined) {
    this.#wanted = wanted && new Set(wanted);
  }

  add({ rule, plugin }: Pick<Task, "rule" | "plugin">, finding: Finding): void {
    this.#findings.push({ rule, plugin, ...finding });
  }

  skip({ rule, plugin }: Pick<Task, "rule" | "plugin">, reason: string): void {
    if (this.#wants(rule)) this.#skipped.push({ rule, plugin, reason });
  }

  refuseUnknown(known: readonly Task[]): void {
    const names = [...new Set(known.map(({ rule }) => rule))];
    for (const rule of this.#wanted ?? []) {
      if (names.includes(rule)) continue;
      const meant = nearest(rule, names);
      throw new UnknownRuleError(rule, meant ? `Did you mean ${meant}?` : `There are: ${names.join(", ")}.`);
    }
  }

  /** Runs rules; where the kernel is not running for a reason, a rule that fails is passed over. */
  async run(some: readonly Task[], notRunning?: string): Promise<void> {
    for (const task of some) {
      if (!this.#wants(task.rule)) continue;
      try {
        const findings = await within(ruleLimit, async () => task.run(), `no answer within ${ruleLimit} ms`);
        for (const finding of findings) this.add(task, finding);
        this.#checked.push({ rule: task.rule, plugin: task.plugin });
      } catch (error) {
        if (notRunning === undefined) this.add(task, ruleFailed(task, error));
        else this.skip(task, notRunning);
      }
    }
  }

  /** Starts the kernel where a rule that is wanted needs it. Answers why it does not run, where it does not. */
  async start(kernel: Kernel, needing: readonly Task[]): Promise<string | undefined> {
    if (!needing.some(({ rule }) => this.#wants(rule))) return undefined;
    try {
      await kernel.start();
      return undefined;
    } catch (error) {
      // What these two say is found by a rule of its own, one by one.
      const told =
        isMlmcpError(error) && ["MLMCP_PRODUCTION_UNSAFE", "MLMCP_OPERATION_UNKNOWN"].includes(error.code);
      if (!told || this.#wanted) this.add({ rule: "start", plugin: core }, failed(error));
      return "the kernel did not start";
    }
  }

  diagnosis(operations: number | null): Diagnosis {
    const findings = [
      ...this.#findings.filter(({ level }) => level === "error"),
      ...this.#findings.filter(({ level }) => level !== "error"),
    ];
    return { findings, checked: this.#checked, skipped: this.#skipped, operations };
  }

  #wants(rule: string): boolean {
    return this.#wanted?.has(rule) ?? true;
  }
}

function tasks<Subject>(rules: ReadonlyArray<CoreRule<Subject>>, subject: Subject): Task[] {
  return rules.map(({ rule, diagnose: look }) => ({ rule, plugin: core, run: () => look(subject) }));
}

function pluginTasks(kernel: Kernel): Task[] {
  const found: Task[] = [];
  // Noted before the start: a kernel whose start fails has no plugins any more.
  kernel.pluginSet.forEach(({ name, diagnostics = [] }: Plugin, scope: PluginKernel) => {
    for (const diagnostic of diagnostics)
      found.push({ rule: diagnostic.rule, plugin: name, run: () => diagnostic.diagnose(scope) });
  });
  return found;
}

function failed(error: unknown): Finding {
  const suggestions = isMlmcpError(error) ? error.suggestions : [];
  return {
    level: "error",
    message: error instanceof Error ? error.message : String(error),
    mend: suggestions.length > 0 ? suggestions.join(" ") : "Mend what the message names, then ask again.",
  };
}

function ruleFailed({ rule, plugin }: Task, error: unknown): Finding {
  const message = error instanceof Error ? error.message : String(error);
  return {
    level: "error",
    message: `The rule ${rule} of ${plugin} failed: ${message}`,
    mend: `Report it to ${plugin === core ? "mlmcp" : `the makers of ${plugin}`}; the other rules are not touched by it.`,
  };
}
