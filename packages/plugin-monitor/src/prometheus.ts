import type { MetricReading } from "@mlmcp/core";
import type { Metric } from "prom-client";
import { eventMetrics, type EventMetric } from "./event-metrics.js";
import type { OperationRecord, OperationRecords } from "./operation-records.js";

/** Media type of the text, for a response's `Content-Type`. */
export const PROMETHEUS_CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

interface Sample {
  readonly metricName?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** What Prometheus calls a metric: all series of one name. */
interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: "counter" | "gauge" | "histogram";
}

interface OperationFamily extends Family {
  samples(record: OperationRecord): Sample[];
}

const DURATION = "mlmcp_operation_duration_seconds";

const families: readonly OperationFamily[] = [
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
 * The records, and what else is measured, as Prometheus text, version 0.0.4. They are read when the
 * text is asked for, so that counting costs nothing of a metrics library. prom-client is loaded at
 * the first scrape.
 */
export class PrometheusExposition {
  readonly #records: OperationRecords;

  constructor(records: OperationRecords) {
    this.#records = records;
  }

  /** @param readings metrics that others have read */
  async text(readings: readonly MetricReading[]): Promise<string> {
    // A registry of its own: the library's global one would join the kernels of a process.
    // By its default export: where esbuild splits a bundle, a CommonJS module has no other.
    const { default: prom } = await import("prom-client");
    const registry = new prom.Registry();
    for (const { samples, ...family } of this.#families(readings).values()) {
      const metric = { name: family.name, get: () => ({ ...family, aggregator: "sum", values: samples }) };
      // The registry asks a metric for nothing but its name and `get`.
      registry.registerMetric(metric as unknown as Metric);
    }
    return registry.metrics();
  }

  #families(readings: readonly MetricReading[]): Map<string, Family & { readonly samples: Sample[] }> {
    const found = new Map(
      families.map(({ samples, ...family }) => [
        family.name,
        { ...family, samples: Array.from(this.#records, samples).flat() },
      ]),
    );
    for (const { samples, ...family } of readings) {
      // Several plugins may tell parts of one metric.
      const known = found.get(family.name) ?? { ...family, samples: [] };
      const all = summedUp([...known.samples, ...this.#bounded(samples)]);
      found.set(family.name, { ...known, samples: all });
    }
    return found;
  }

  /** With no more operations told apart than the records do. */
  *#bounded(samples: MetricReading["samples"]): Iterable<Sample> {
    for (const { value, labels = {} } of samples) {
      const { operation } = labels;
      const named =
        operation === undefined ? labels : { ...labels, operation: this.#records.nameOf(operation) };
      yield { value, labels: named };
    }
  }
}

/** One sample for each set of labels: a series must not be there twice. */
function summedUp(samples: readonly Sample[]): Sample[] {
  const sums = new Map<string, Sample>();
  for (const sample of samples) {
    const { metricName, labels, value } = sample;
    const key = JSON.stringify([metricName, ...Object.entries(labels).sort()]);
    sums.set(key, { ...sample, value: value + (sums.get(key)?.value ?? 0) });
  }
  return [...sums.values()];
}

function counterOf({ name, help }: EventMetric): OperationFamily {
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
