/**
 * A question that is answered by counting, not by a clock: the same numbers on every machine,
 * in one process, without rounds.
 */
export interface Study {
  /** In kebab case; what `--only` takes. */
  readonly name: string;
  readonly question: string;
  /** Heads of the columns. */
  readonly columns: readonly string[];
  /** A row for each subject: its name, then a cell for each further column. */
  rows(): Promise<ReadonlyArray<readonly string[]>>;
}

export interface StudyResult extends Pick<Study, "name" | "question" | "columns"> {
  readonly rows: ReadonlyArray<readonly string[]>;
}

export async function runStudy({ name, question, columns, ...study }: Study): Promise<StudyResult> {
  return { name, question, columns, rows: await study.rows() };
}
