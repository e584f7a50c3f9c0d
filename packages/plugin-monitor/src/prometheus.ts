import type { Metric } from "prom-client";
import { eventMetrics, type EventMetric } from "./event-metrics.js";
import type { OperationRecord } from "./operation-records.js";

/** Media type of the text, for a response's `Content-Type`. */
export const PROMETHEUS_CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

interface Sample {
  readonly metricName?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: "counter" | "gauge" | "histogram";
  samples(record: OperationRecord): Sample[];
}

const DURATION = "mlmcp_operation_duration_seconds";

const families: readonly Family[] = [
  {
    name: DURATION,
    help: "Time that calls of the operation took.",
    type: "histogram",
    samples({ name: operation, timing }) {
      if (!timing) return [];
      const { bounds, sum } = timing.buckets;
      const counts = timing.buckets.cumulative();
      return [
        ...counts.map((value, index) => ({
          metricName: `${DURATION}_bucket`,
          labels: { operation, le: index < bounds.length ? seconds(bounds[index]!) : "+Inf" },
          value,
        })),
        { metricName: `${DURATION}_sum`, labels: { operation }, value: sum / 1_000 },
        { metricName: `${DURATION}_count`, labels: { operation }, value: counts.at(-1)! },
      ];
    },
  },
  {
    name: "mlmcp_operation_calls_total",
    help: "Calls of the operation that have ended, by outcome.",
    type: "counter",
    samples: ({ name: operation, timing }) =>
      timing
        ? [
            { labels: { operation, outcome: "ok" }, value: timing.calls - timing.errors },
            { labels: { operation, outcome: "error" }, value: timing.errors },
          ]
        : [],
  },
  {
    name: "mlmcp_operation_in_flight",
    help: "Calls of the operation that are running.",
    type: "gauge",
    samples: ({ name: operation, timing }) =>
      timing ? [{ labels: { operation }, value: timing.inFlight }] : [],
  },
  ...new Map(Object.values(eventMetrics).map((metric) => [metric.name, counterOf(metric)])).values(),
];

/**
 * The records as Prometheus text, version 0.0.4. They are read when the text is asked for, so
 * that counting costs nothing of a metrics library. prom-client is loaded at the first scrape.
 */
export class PrometheusExposition {
  readonly #records: Iterable<OperationRecord>;
  #registry: Promise<{ metrics(): Promise<string> }> | undefined;

  constructor(records: Iterable<OperationRecord>) {
    this.#records = records;
  }

  async text(): Promise<string> {
    this.#registry ??= this.#createRegistry();
    return (await this.#registry).metrics();
  }

  async #createRegistry(): Promise<{ metrics(): Promise<string> }> {
    // A registry of its own: the library's global one would join the kernels of a process.
    const { Registry } = await import("prom-client");
    const registry = new Registry();
    for (const { name, help, type, samples } of families) {
      const metric = {
        name,
        get: () => ({
          name,
          help,
          type,
          aggregator: "sum",
          values: Array.from(this.#records, samples).flat(),
        }),
      };
      // The registry asks a metric for nothing but its name and `get`.
      registry.registerMetric(metric as unknown as Metric);
    }
    return registry;
  }
}

function counterOf({ name, help }: EventMetric): Family {
  return {
    name,
    help,
    type: "counter",
    samples: ({ name: operation, events }) =>
      Array.from(events.samples(name), ({ labels, value }) => ({ labels: { operation, ...labels }, value })),
  };
}

/** Twelve digits hide what the division by 1000 adds, as in 0.0011000000000000001. */
function seconds(ms: number): string {
  return String(Number((ms / 1_000).toPrecision(12)));
}
