/** What the process that reports asks of one that measures. */
export interface Request {
  readonly task: "check" | "time" | "allocation";
  readonly contender: string;
  /** Of `time`. */
  readonly calls: number;
}

/** `check`: what the calls come to. `time`: nanoseconds. `allocation`: bytes a call, or nothing where it cannot be told. */
export type Answer = { readonly result: unknown } | { readonly error: string };
