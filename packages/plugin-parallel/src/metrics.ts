import type { Metric, PluginKernel } from "@mlmcp/core";
import { RUNTIME, type ParallelRuntime } from "./parallel-runtime.js";
import type { ParallelStats } from "./runner.js";

/** How the pool of workers is. How long tasks took is told by events. */
export const metrics: readonly Metric[] = [
  ofPool("workers", "Workers that are alive.", ({ workers }) => workers.length),
  ofPool("max_workers", "Workers that there may be at present.", ({ capacity }) => capacity),
  ofPool("running", "Tasks that run.", ({ running }) => running),
  ofPool("waiting", "Tasks that wait for a worker.", ({ queued }) => queued),
  {
    name: "mlmcp_parallel_max_waiting",
    help: "Tasks that may wait; further ones are refused.",
    type: "gauge",
    read: ({ config }) => config.get<number>("parallel.maxQueue"),
  },
  ofPool(
    "start_failures",
    "Workers in a row that were lost before they ran a task.",
    ({ startFailures }) => startFailures,
  ),
  {
    name: "mlmcp_parallel_tasks_total",
    help: "Tasks that have run, by outcome.",
    type: "counter",
    read(kernel) {
      const { completed, failed } = statsOf(kernel);
      return [
        { value: completed, labels: { outcome: "ok" } },
        { value: failed, labels: { outcome: "error" } },
      ];
    },
  },
  {
    name: "mlmcp_parallel_lost_workers_total",
    help: "Workers that ended before their time, as by a timeout, an abort or a crash.",
    type: "counter",
    read: (kernel) => statsOf(kernel).lost,
  },
];

function ofPool(what: string, help: string, valueOf: (stats: ParallelStats) => number): Metric {
  return {
    name: `mlmcp_parallel_${what}`,
    help,
    type: "gauge",
    read: (kernel) => valueOf(statsOf(kernel)),
  };
}

function statsOf(kernel: PluginKernel): ParallelStats {
  return kernel.resolve<ParallelRuntime>(RUNTIME).stats();
}
