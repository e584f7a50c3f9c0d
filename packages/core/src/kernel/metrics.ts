import { inspect } from "node:util";
import type { Metric, Plugin, PluginKernel } from "../plugin.js";

/** One value of a metric. */
export interface MetricSample {
  readonly value: number;
  /** What tells it from the metric's other values: `{ operation: "Users.find" }`. There must be few of them. */
  readonly labels?: Readonly<Record<string, string>>;
}

/** What a metric was when it was read. */
export interface MetricReading extends Pick<Metric, "name" | "help" | "type"> {
  readonly samples: readonly MetricSample[];
}

const metricName = /^[a-z][a-z0-9_]*$/;
const labelName = /^[a-zA-Z][a-zA-Z0-9_]*$/;

/** What is wrong with the declaration of a metric. */
export function metricProblem(metric: unknown): string | undefined {
  if (typeof metric !== "object" || metric === null)
    return `is ${inspect(metric)}; it must be \`{ name, help, type, read }\`.`;
  const { name, help, type, read } = metric as Partial<Record<keyof Metric, unknown>>;
  if (typeof name !== "string" || !metricName.test(name))
    return `has \`name: ${inspect(name)}\`; it must be of lower-case letters, digits and underscores.`;
  if (typeof help !== "string" || help === "") return "has no `help`: a sentence that says what it is.";
  if (type !== "gauge" && type !== "counter")
    return `has \`type: ${inspect(type)}\`; it must be "gauge" or "counter".`;
  if (name.endsWith("_total") !== (type === "counter"))
    return `has \`name: "${name}"\`; names of counters end with _total, and no others.`;
  if (typeof read !== "function") return "has no function `read`.";
  return undefined;
}

/** Reads the metrics of plugins. One that fails is left out, and the first time a process warning. */
export class MetricReader {
  readonly #failed = new Set<Metric>();

  read(plugins: Iterable<{ readonly plugin: Plugin; readonly kernel: PluginKernel }>): MetricReading[] {
    const readings: MetricReading[] = [];
    for (const { plugin, kernel } of plugins) {
      for (const metric of plugin.metrics ?? []) {
        const { name, help, type } = metric;
        try {
          readings.push({ name, help, type, samples: samplesOf(metric, kernel) });
        } catch (error) {
          this.#warn(plugin, metric, error);
        }
      }
    }
    return readings;
  }

  #warn(plugin: Plugin, metric: Metric, error: unknown): void {
    if (this.#failed.has(metric)) return;
    this.#failed.add(metric);
    process.emitWarning(
      `The metric ${metric.name} of the plugin "${plugin.name}" cannot be read: ${String(error)}`,
      { code: "MLMCP_METRIC_FAILED" },
    );
  }
}

function samplesOf(metric: Metric, kernel: PluginKernel): readonly MetricSample[] {
  const read: unknown = metric.read(kernel);
  if (read instanceof Promise) {
    // Nobody else handles what it rejects with.
    read.catch(() => undefined);
    throw new TypeError("it gives a promise, and must ask nobody");
  }
  const samples = typeof read === "number" ? [{ value: read }] : [...(read as Iterable<MetricSample>)];
  // One that is malformed would make all metrics unreadable for who scrapes them.
  for (const sample of samples) {
    const { value, labels = {} } = sample;
    if (!isNumber(value)) throw new TypeError(`${inspect(sample)} has no number as its value`);
    if (typeof labels !== "object" || labels === null)
      throw new TypeError(`${inspect(labels)} is no object of labels`);
    const wrong = Object.keys(labels).find((label) => !labelName.test(label));
    if (wrong !== undefined) throw new TypeError(`${inspect(wrong)} cannot be the name of a label`);
  }
  return samples;
}

function isNumber(value: unknown): boolean {
  return typeof value === "number" && !Number.isNaN(value);
}
