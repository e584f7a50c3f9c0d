import type { ValueIssue } from "./issues.js";

/** A value did not match its schema. Under `mode: "warn"` the call went on. */
export interface ValidationFailed {
  readonly subject: "arguments" | "result";
  readonly mode: "enforce" | "warn";
  readonly issues: readonly ValueIssue[];
}

declare module "@mlmcp/core" {
  interface MlmcpEvents {
    "validation:failed": ValidationFailed;
  }
}
