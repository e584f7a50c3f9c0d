/** One promise that a subject must keep. `run` rejects where it does not. */
export interface ContractRule<Name extends string = string> {
  readonly rule: Name;
  /** For a test's title. */
  readonly title: string;
  run(): Promise<void>;
}

export interface ContractOptions<Name extends string = string> {
  /** Rules that cannot hold for this subject. Say why beside it. */
  readonly except?: readonly Name[];
}

/** Runs the rules one after another and reports all that failed. */
export async function runContract(subject: string, rules: readonly ContractRule[]): Promise<void> {
  const failures: Error[] = [];
  for (const { title, run } of rules) {
    try {
      await run();
    } catch (error) {
      failures.push(
        new Error(`${title}: ${error instanceof Error ? error.message : String(error)}`, { cause: error }),
      );
    }
  }
  if (failures.length === 0) return;
  const list = failures.map(({ message }) => `  - ${message}`).join("\n");
  throw new AggregateError(
    failures,
    `${subject} breaks ${failures.length} of ${rules.length} rules:\n${list}`,
  );
}

/** For rules: fails with what was seen. */
export function expectThat(holds: boolean, otherwise: string): asserts holds {
  if (!holds) throw new Error(otherwise);
}
