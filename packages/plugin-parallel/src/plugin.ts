import {
  ConfigurationError,
  definePlugin,
  ProcessingError,
  type ConfigReader,
  type PluginKernel,
} from "@mlmcp/core";
import { parallel } from "./decorators/parallel.js";
import { MAIN_RUNS_AGAIN } from "./faults.js";
import { metrics } from "./metrics.js";
import { parallelSectionSchema, workersOf, type ParallelSection } from "./options.js";
import { ParallelRuntime, RUNTIME, type RuntimeOptions } from "./parallel-runtime.js";
import { ParallelProcessor } from "./processor.js";
import type { TaskReport } from "./runner.js";
import { threadState, WORKER_PLUGIN, workerSetup } from "./thread-state.js";
import { portableConfig } from "./worker-config.js";

declare module "@mlmcp/core" {
  interface MlmcpEvents {
    /** A task has run in a worker, also where it failed. */
    "parallel:task": TaskReport;
  }
}

/** Contributes `@parallel` and the {@link ParallelProcessor}. */
export const parallelPlugin = definePlugin({
  name: "@mlmcp/plugin-parallel",
  section: "parallel",
  schema: parallelSectionSchema,
  decorators: [parallel],
  optionalDependsOn: [WORKER_PLUGIN],

  register(kernel) {
    if (workerSetup() && !threadState.ownKernels.has(kernel.id)) throw (threadState.refusal = secondKernel());
    const runtime = new ParallelRuntime(runtimeOptions(kernel.config), () => kernel.operations.list());
    kernel.services.value(RUNTIME, runtime);
    kernel.services.value(ParallelProcessor, processorOf(kernel, runtime));
  },

  reload(kernel) {
    kernel.resolve<ParallelRuntime>(RUNTIME).configure(runtimeOptions(kernel.config));
  },

  async stop(kernel) {
    const left = await kernel.resolve<ParallelRuntime>(RUNTIME).close();
    if (left === 0) return;
    throw new ProcessingError(
      `${left} worker(s) did not end within ${kernel.config.get<number>("parallel.stopTimeout")} ms. Native code that does not return cannot be ended.`,
      { code: "MLMCP_PARALLEL_STOP", context: { workers: left } },
    );
  },

  healthChecks: [
    (kernel) => ({
      name: "pool",
      critical: false,
      check() {
        const { workers, ...counts } = kernel.resolve<ParallelRuntime>(RUNTIME).stats();
        const full = counts.queued >= kernel.config.get<number>("parallel.maxQueue");
        const status = counts.startFailures > 0 ? "down" : full ? "degraded" : "up";
        return { status, details: { workers: workers.length, ...counts } };
      },
    }),
  ],
  metrics,

  productionChecks: [
    {
      name: "runtime",
      check({ config }) {
        if (workerSetup() || config.get("parallel.runtime") !== "inline") return undefined;
        return {
          level: "warn",
          message: 'parallel.runtime is "inline": nothing runs in parallel. Set "worker_threads".',
        };
      },
    },
  ],
});

export default parallelPlugin;

function runtimeOptions(config: ConfigReader): RuntimeOptions {
  const inPlace = workerSetup() !== undefined || !config.get("performance.enableParallel", true);
  const { runtime, maxQueue, loadTimeout, stopTimeout, workerFile } =
    config.section<ParallelSection>("parallel");
  return {
    runtime: inPlace ? "inline" : runtime,
    workers: workersOf(config),
    maxQueue,
    loadTimeout,
    stopTimeout,
    workerFile,
    setup: { config: portableConfig(config.get("")), cwd: config.cwd },
  };
}

function processorOf(kernel: PluginKernel, runtime: ParallelRuntime): ParallelProcessor {
  const tasks = kernel.event("parallel:task");
  const instances = new Map<unknown, unknown>();
  return new ParallelProcessor(runtime, {
    moduleOf({ id }) {
      const step = kernel.operations.explain(id).chain.find(({ advice }) => advice === parallel.advice.name);
      return step?.options.find(({ name }) => name === "module")?.value as string | undefined;
    },
    construct(type) {
      if (!instances.has(type)) instances.set(type, kernel.resolve(type));
      return instances.get(type);
    },
    report: () => (tasks.active ? (task) => tasks.publish(task) : undefined),
  });
}

function secondKernel(): ConfigurationError {
  return new ConfigurationError("A kernel was started in a worker of @parallel, which has its own.", {
    code: MAIN_RUNS_AGAIN,
    suggestions: [
      'Guard what starts the application: import { isWorker } from "@mlmcp/plugin-parallel"; if (!isWorker()) await main();',
    ],
  });
}
