import type { OperationRecord } from "./operation-records.js";

/** One operation since the start, or since `reset()`. Times are milliseconds. */
export interface OperationSummary {
  readonly operation: string;
  /** Calls that have ended, those that a cache or a fallback answered included. */
  readonly calls: number;
  /** Calls that ended in an error. */
  readonly errors: number;
  /** Calls that a cache answered. */
  readonly cached: number;
  /** Attempts that were made again after a failure. */
  readonly retried: number;
  /** Calls for which a fallback was asked. */
  readonly degraded: number;
  readonly inFlight: number;
  /** Percentiles of the time of a call, within 0.8 %; absent where no call has ended yet. */
  readonly p50: number | undefined;
  readonly p95: number | undefined;
  readonly p99: number | undefined;
  /** Time of all calls together; calls that ran at once count each. */
  readonly total: number;
}

/** The operations that are timed and were called, the one that took most time first. */
export function summarize(records: Iterable<OperationRecord>): OperationSummary[] {
  const summaries: OperationSummary[] = [];
  for (const { name, timing, events } of records) {
    if (!timing || timing.calls + timing.inFlight === 0) continue;
    const { latency, calls, errors, inFlight, total } = timing;
    summaries.push({
      operation: name,
      calls,
      errors,
      cached: events.of("cache:hit"),
      retried: events.of("retry:attempt"),
      degraded: events.of("degrade:fallback"),
      inFlight,
      p50: latency.percentile(0.5),
      p95: latency.percentile(0.95),
      p99: latency.percentile(0.99),
      total,
    });
  }
  return summaries.sort((a, b) => b.total - a.total);
}
