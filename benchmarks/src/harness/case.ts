export type Checked = Readonly<Record<string, unknown>>;

/** A contender, set up in the process that measures it. */
export interface Subject {
  /**
   * Makes this many calls, one after another, and returns something that depends on all of
   * them, so that no compiler leaves them out. Every contender has a loop of its own: a shared
   * one would remember the functions of all and slow each.
   */
  run(calls: number): unknown;
  /** What its calls come to. Has to be deeply equal for all contenders of a case. Asked once. */
  check(): Checked | Promise<Checked>;
  dispose?(): unknown;
}

/** One way of doing what the case is about. */
export interface Contender {
  readonly name: string;
  /**
   * Does less than the case is about, and is there to show what the rest costs: what it comes to
   * has to be a part of what the others come to.
   * @default false
   */
  readonly partial?: boolean;
  /** Switches AsyncLocalStorage on, which slows every promise of its process. @default false */
  readonly usesContext?: boolean;
  setup(): Subject | Promise<Subject>;
}

/** What a contender may cost more than another one, in nanoseconds a call. */
export interface DifferenceBudget {
  readonly contender: string;
  readonly over: string;
  readonly ns: number;
  /** What a call of the case's reference took where the budget was set: a slower machine gets more. Left out where that does next to nothing. */
  readonly referenceNs?: number;
}

/** How many times the cost of another one a contender may have. */
export interface RatioBudget {
  readonly contender: string;
  readonly over: string;
  readonly ratio: number;
}

export type Budget = DifferenceBudget | RatioBudget;

/** A question, and who answers it side by side. */
export interface Case {
  /** In kebab case; what `--only` takes. */
  readonly name: string;
  readonly question: string;
  /** The contender that the ratios refer to. */
  readonly reference: string;
  readonly contenders: readonly Contender[];
  readonly budgets?: readonly Budget[];
  /**
   * The case is about the first call of a process: each call gets a new one, which makes its
   * contender's `setup` and nothing else before.
   * @default false
   */
  readonly cold?: boolean;
  /**
   * Calls wait for a disk or a network, so that there are too few of them in reasonable time to
   * count the bytes that one allocates.
   * @default false
   */
  readonly waits?: boolean;
  /**
   * Calls are answered by another process: the processors are kept awake, see `keepAwake`.
   * @default false
   */
  readonly awake?: boolean;
}
