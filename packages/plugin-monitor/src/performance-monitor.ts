import { types } from "node:util";
import type { MetricReading } from "@mlmcp/core";
import type { CountedEvent } from "./event-metrics.js";
import { OperationRecords } from "./operation-records.js";
import type { OperationTiming } from "./operation-timing.js";
import { PrometheusExposition } from "./prometheus.js";
import { summarize, type OperationSummary } from "./summary.js";
import { tableOf } from "./summary-table.js";

/** What can be set while the monitor runs. */
export interface MonitorSettings {
  /** Whether `operation()` times anything. @default true */
  enabled?: boolean;
  /** How many operations are told apart; further ones are counted together as `(other)`. @default 1000 */
  maxOperations?: number;
  /** Bounds of the exported histogram for `operation()`, in milliseconds. @default 1 ms to 60 s */
  buckets?: readonly number[];
}

/**
 * Counts and times operations, and tells about it.
 *
 * ```ts
 * const monitor = kernel.resolve(PerformanceMonitor);
 * const rows = await monitor.operation("load airports", () => readAirports());
 * console.log(monitor.summaryTable());
 * response.setHeader("content-type", PROMETHEUS_CONTENT_TYPE).end(await monitor.metrics());
 * ```
 */
export class PerformanceMonitor {
  readonly #records = new OperationRecords();
  readonly #exposition = new PrometheusExposition(this.#records);
  #enabled = true;
  #buckets: readonly number[] | undefined;
  readonly #others: () => readonly MetricReading[];

  /** @param others reads what others tell of themselves, to be exported too. @default nothing */
  constructor(settings?: MonitorSettings, others: () => readonly MetricReading[] = () => []) {
    this.#others = others;
    if (settings) this.configure(settings);
  }

  configure({ enabled = true, maxOperations = 1_000, buckets }: MonitorSettings): void {
    this.#enabled = enabled;
    this.#records.limit = maxOperations;
    this.#buckets = buckets;
  }

  /**
   * Runs a function and times it under a name: until it returns, or until its promise settles.
   * Returns and throws what the function does. Names should be few and fixed: no ids in them.
   */
  operation<T>(name: string, fn: () => T): T {
    if (!this.#enabled) return fn();
    const timing = this.#records.timing(name, this.#buckets);
    timing.enter();
    const started = performance.now();
    let result: T;
    try {
      result = fn();
    } catch (error) {
      timing.leave(performance.now() - started, false);
      throw error;
    }
    if (types.isPromise(result)) return settle(result, timing, started) as T;
    timing.leave(performance.now() - started, true);
    return result;
  }

  /** All operations and the metrics of all plugins as Prometheus text, version 0.0.4, read at this moment. */
  metrics(): Promise<string> {
    return this.#exposition.text(this.#enabled ? this.#others() : []);
  }

  /** The operations that are timed and were called, the one that took most time first. */
  summary(): OperationSummary[] {
    return summarize(this.#records);
  }

  /** {@link summary} as aligned plain text. */
  summaryTable(): string {
    return tableOf(this.summary());
  }

  /** Starts all own counts anew. Calls in flight are counted when they end. */
  reset(): void {
    this.#records.reset();
  }

  /** Where calls of an operation are timed: for advice that observes them. */
  timing(operation: string, buckets: readonly number[]): OperationTiming {
    const timing = this.#records.timing(operation, buckets);
    this.#records.useBuckets(operation, buckets);
    return timing;
  }

  /** Counts an event of an operation; what it holds gives the labels. */
  count(operation: string, name: CountedEvent, event?: object): void {
    this.#records.count(operation, name, event);
  }
}

async function settle<T>(promise: Promise<T>, timing: OperationTiming, started: number): Promise<T> {
  try {
    const value = await promise;
    timing.leave(performance.now() - started, true);
    return value;
  } catch (error) {
    timing.leave(performance.now() - started, false);
    throw error;
  }
}
