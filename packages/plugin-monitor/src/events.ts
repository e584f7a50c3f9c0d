/** A call took longer than `slow` of `@timed`. */
export interface OperationSlow {
  readonly durationMs: number;
  /** What `slow` was. */
  readonly slowMs: number;
}

declare module "@mlmcp/core" {
  interface MlmcpEvents {
    "operation:slow": OperationSlow;
  }
}
