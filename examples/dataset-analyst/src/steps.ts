import { formatDuration } from "./format.js";
import type { Progress } from "./progress.js";

export interface Step {
  readonly name: string;
  readonly milliseconds: number;
  /** What did not come out as it must; empty where the step held. */
  readonly problems: readonly string[];
}

/** Notes what is not as it must be. */
export type Check = (holds: boolean, problem: string) => void;

/** Runs the steps of the analysis one after the other and keeps what became of each. */
export class Steps {
  readonly all: Step[] = [];

  constructor(private readonly progress: Progress) {}

  get held(): boolean {
    return this.all.every(({ problems }) => problems.length === 0);
  }

  async run<T>(name: string, work: (check: Check) => Promise<T>): Promise<T> {
    const problems: string[] = [];
    const started = performance.now();
    this.progress.update(`${this.all.length + 1}. ${name}`);
    const result = await work((holds, problem) => {
      if (!holds) problems.push(problem);
    });
    const milliseconds = performance.now() - started;
    this.all.push({ name, milliseconds, problems });
    const verdict = problems.length === 0 ? "held" : `FAILED: ${problems.join("; ")}`;
    this.progress.done(`${this.all.length}. ${name}: ${verdict}, ${formatDuration(milliseconds)}`);
    return result;
  }
}
