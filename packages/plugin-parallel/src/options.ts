import { availableParallelism } from "node:os";
import type { ConfigReader, Duration, JsonSchema } from "@mlmcp/core";

/** Options of `@parallel`. */
export interface ParallelOptions {
  /**
   * `call`: every call is one task. `map`: the method's first argument is an array; it is split,
   * the method runs on each part in a worker, and the arrays that it returns are joined in order.
   *
   * @default "call"
   */
  mode?: "call" | "map";
  /**
   * Tasks of this method that run at once, from 1 to 256. Where it is more than `parallel.workers`,
   * the pool grows to it.
   *
   * @default `parallel.workers`
   */
  workers?: number;
  /** Items in a part, in mode `map`. @default an even split into four parts a worker */
  chunkSize?: number;
  /**
   * How long one task may run in its worker, the start of the worker and the import of the module
   * not counted. Then the worker is ended and the call rejects with `OperationTimeoutError`. In
   * mode `map` it holds for each part.
   *
   * @default no limit
   */
  timeout?: Duration;
  /**
   * The module that defines the class: `import.meta.url`.
   *
   * @default the file in which the decorator was called, from the stack
   */
  module?: string;
  /** Asked with the call's arguments: where it answers false, the method runs in place. @default always in a worker */
  when?: (...args: never[]) => boolean;
}

/** Defaults of {@link ParallelOptions}. */
const PARALLEL_DEFAULTS = { mode: "call" } as const satisfies ParallelOptions;

/** JSON Schema of {@link ParallelOptions}. */
export const parallelOptionsSchema: JsonSchema = {
  description: "Runs the method in a worker: options of @parallel.",
  type: "object",
  properties: {
    mode: {
      description:
        "call: every call is one task; map: the first argument is an array that is split among workers.",
      enum: ["call", "map"],
      default: PARALLEL_DEFAULTS.mode,
    },
    workers: {
      description: "Tasks of this method that run at once. Default: parallel.workers.",
      type: "integer",
      minimum: 1,
      maximum: 256,
    },
    chunkSize: {
      description: "Items in a part, in mode map. Default: an even split into four parts a worker.",
      type: "integer",
      minimum: 1,
    },
    timeout: { description: "How long one task may run in its worker. Default: no limit.", duration: true },
    module: {
      description: "The module that defines the class. Default: the file in which the decorator was called.",
      type: "string",
      minLength: 1,
    },
    when: { typeof: "function" },
  },
};

/** The section `parallel` of the configuration. */
export interface ParallelSection {
  /** Workers at most, from 1 to 256. @default `performance.nJobs`, else the number of processors, 8 at most */
  workers?: number;
  /**
   * `worker_threads`: tasks run in worker threads. `inline`: they run in the calling thread, with
   * arguments and results cloned as on the way to a worker; for tests (workers see no mocks) and
   * debuggers.
   *
   * @default "worker_threads"
   */
  runtime: "worker_threads" | "inline";
  /** Tasks that may wait for a worker; more are refused with `BulkheadFullError`. @default 250000 */
  maxQueue: number;
  /** How long the import of a module may take in a worker. Milliseconds. @default 30000 */
  loadTimeout: number;
  /** How long a worker gets at stop to close what it has open, and again to end. Milliseconds. @default 2000 */
  stopTimeout: number;
  /**
   * Path of the workers' entry, `worker.js` of this package, where it does not lie beside the
   * code that starts it: in an application that was bundled together with this package.
   */
  workerFile?: string;
}

declare module "@mlmcp/core" {
  interface ConfigSections {
    parallel: ParallelSection;
  }
}

/** Defaults of {@link ParallelSection}, as they are written. */
const PARALLEL_SECTION_DEFAULTS = {
  runtime: "worker_threads",
  maxQueue: 250_000,
  loadTimeout: "30s",
  stopTimeout: "2s",
} as const;

/** JSON Schema of {@link ParallelSection}. */
export const parallelSectionSchema: JsonSchema = {
  description: "The workers of @parallel and ParallelProcessor.",
  type: "object",
  properties: {
    workers: {
      description: "Workers at most. Default: performance.nJobs, else the number of processors, 8 at most.",
      type: "integer",
      minimum: 1,
      maximum: 256,
    },
    runtime: {
      description:
        "worker_threads: in worker threads; inline: in the calling thread, for tests and debuggers.",
      enum: ["worker_threads", "inline"],
      default: PARALLEL_SECTION_DEFAULTS.runtime,
    },
    maxQueue: {
      description: "Tasks that may wait for a worker; more are refused.",
      type: "integer",
      minimum: 0,
      default: PARALLEL_SECTION_DEFAULTS.maxQueue,
    },
    loadTimeout: {
      description: "How long the import of a module may take in a worker.",
      duration: true,
      default: PARALLEL_SECTION_DEFAULTS.loadTimeout,
    },
    stopTimeout: {
      description: "How long a worker gets at stop to close what it has open, and again to end.",
      duration: true,
      default: PARALLEL_SECTION_DEFAULTS.stopTimeout,
    },
    workerFile: {
      description: "Path of the workers' entry, where the application was bundled together with the plugin.",
      type: "string",
      minLength: 1,
    },
  },
};

/** How many workers there may be: `parallel.workers`, else `performance.nJobs` (-1: all processors), else the processors, 8 at most. */
export function workersOf(config: ConfigReader): number {
  const configured = config.get("parallel.workers");
  if (configured !== undefined) return configured;
  const jobs = config.get("performance.nJobs");
  if (jobs === -1) return availableParallelism();
  return jobs ?? Math.max(1, Math.min(8, availableParallelism()));
}
