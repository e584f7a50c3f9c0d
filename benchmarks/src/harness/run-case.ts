import { inspect, isDeepStrictEqual } from "node:util";
import { ALLOCATION_FLAGS } from "./allocation.js";
import { keepAwake } from "./awake.js";
import type { Budget, Case, Checked, Contender, DifferenceBudget, RatioBudget } from "./case.js";
import { interleave, shuffled, type InterleavePlan } from "./interleave.js";
import { withProcesses, type Remote } from "./processes.js";
import { paired, quantile, spreadOf, type Spread } from "./statistics.js";

export interface Plan extends InterleavePlan {
  /** How often all processes are started anew: what a compiler does differs from one to the next. */
  readonly starts: number;
  /** How many processes a contender of a cold case gets. */
  readonly coldStarts: number;
}

export interface ContenderResult {
  readonly name: string;
  /** Time of a call divided by that of the reference in the same round. */
  readonly ratio: Spread;
  /** Nanoseconds a call. */
  readonly ns: Spread;
  /** Median of the nanoseconds that a call takes more than the reference's in the same round. */
  readonly extraNs: number;
  /** Allocated on the heap; absent where it could not be told. */
  readonly bytes: number | undefined;
}

/** Medians, round by round. */
export type BudgetResult =
  | (RatioBudget & { readonly measuredRatio: number })
  | (DifferenceBudget & {
      readonly measuredNs: number;
      /** The same, were a call of `over` as fast here as where the budget was set. */
      readonly scaledNs: number | undefined;
    });

export interface CaseResult {
  readonly name: string;
  readonly question: string;
  readonly reference: string;
  readonly separateProcesses: boolean;
  readonly cold: boolean;
  readonly awake: boolean;
  readonly contenders: readonly ContenderResult[];
  readonly budgets: readonly BudgetResult[];
}

/** Checks that all contenders do the same, then measures them side by side. */
export async function runCase(subject: Case, plan: Plan, entry: string): Promise<CaseResult> {
  if (subject.cold) return evaluate(subject, await measureCold(subject, plan.coldStarts, entry), new Map());
  const vigil = subject.awake ? keepAwake() : undefined;
  const samples = await measureWarm(subject, plan, entry).finally(() => vigil?.end());
  if (subject.waits) return evaluate(subject, samples, new Map());
  const bytes = await withProcesses(subject, { entry, flags: ALLOCATION_FLAGS }, allocations);
  return evaluate(subject, samples, bytes);
}

async function measureWarm(subject: Case, plan: Plan, entry: string): Promise<Map<string, number[]>> {
  const samples = new Map<string, number[]>(subject.contenders.map(({ name }) => [name, []]));
  for (let start = 0; start < plan.starts; start += 1) {
    await withProcesses(subject, { entry, flags: ["--expose-gc"] }, async (remotes) => {
      await requireEqualResults(subject.name, subject.contenders, remotes);
      for (const [name, values] of await interleave(remotes, plan)) samples.get(name)!.push(...values);
    });
  }
  return samples;
}

/** One call of each contender a round, each in a process of its own, in turns. */
async function measureCold(
  subject: Case,
  rounds: number,
  entry: string,
): Promise<ReadonlyMap<string, readonly number[]>> {
  const samples = new Map<string, number[]>(subject.contenders.map(({ name }) => [name, []]));
  await withProcesses(subject, { entry, flags: [] }, (remotes) =>
    requireEqualResults(subject.name, subject.contenders, remotes),
  );
  for (let round = 0; round < rounds; round += 1) {
    for (const contender of shuffled(subject.contenders, Math.random)) {
      const alone: Case = { ...subject, contenders: [contender] };
      await withProcesses(alone, { entry, flags: [] }, async ([remote]) => {
        samples.get(contender.name)!.push(await remote!.time(1));
      });
    }
  }
  return samples;
}

/** @throws Error that shows two results that differ */
export async function requireEqualResults(
  name: string,
  contenders: ReadonlyArray<Pick<Contender, "name" | "partial">>,
  remotes: ReadonlyArray<Pick<Remote, "name" | "check">>,
): Promise<void> {
  const results = new Map<string, Checked>();
  for (const remote of remotes) results.set(remote.name, await remote.check());
  const whole = contenders.find(({ partial }) => !partial) ?? contenders[0]!;
  const expected = results.get(whole.name)!;
  for (const { name: contender, partial = false } of contenders) {
    const result = results.get(contender)!;
    const comparable = partial
      ? Object.fromEntries(Object.keys(result).map((key) => [key, expected[key]]))
      : expected;
    if (isDeepStrictEqual(result, comparable)) continue;
    throw new Error(
      `The contenders of "${name}" do not do the same, so their times cannot be compared: ` +
        `"${whole.name}" gives ${inspect(expected)}, "${contender}" gives ${inspect(result)}.`,
    );
  }
}

async function allocations(remotes: readonly Remote[]): Promise<Map<string, number | undefined>> {
  const bytes = new Map<string, number | undefined>();
  for (const remote of remotes) bytes.set(remote.name, await remote.allocation());
  return bytes;
}

/** Samples of one index belong to one round. */
export function evaluate(
  { name, question, reference, contenders, budgets = [], cold = false, awake = false }: Case,
  samples: ReadonlyMap<string, readonly number[]>,
  bytes: ReadonlyMap<string, number | undefined>,
): CaseResult {
  const of = (contender: string): readonly number[] => samples.get(contender)!;
  return {
    name,
    question,
    reference,
    cold,
    awake,
    separateProcesses: contenders.some(({ usesContext }) => usesContext),
    contenders: contenders.map((contender) => ({
      name: contender.name,
      ratio: paired(of(contender.name), of(reference), (value, other) => value / other),
      ns: spreadOf(of(contender.name)),
      extraNs: paired(of(contender.name), of(reference), (value, other) => value - other).median,
      bytes: bytes.get(contender.name),
    })),
    budgets: budgets.map((budget) => measured(budget, of(budget.contender), of(budget.over), of(reference))),
  };
}

function measured(
  budget: Budget,
  values: readonly number[],
  others: readonly number[],
  reference: readonly number[],
): BudgetResult {
  if ("ratio" in budget) {
    return { ...budget, measuredRatio: paired(values, others, (value, other) => value / other).median };
  }
  const { referenceNs } = budget;
  const more = values.map((value, round) => value - others[round]!);
  return {
    ...budget,
    measuredNs: quantile(more, 0.5),
    scaledNs: referenceNs && paired(more, reference, (value, bare) => value / bare).median * referenceNs,
  };
}
