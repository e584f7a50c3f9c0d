import {
  ConfigurationError,
  currentOperation,
  operationOf,
  parseDuration,
  type Duration,
  type OperationInfo,
} from "@mlmcp/core";
import { defaultChunkSize, runChunked } from "./chunks.js";
import { importFunction } from "./import-module.js";
import { moduleUrl } from "./module-url.js";
import { operationTarget } from "./operation-target.js";
import { optimalWorkers, type Complexity } from "./optimal-workers.js";
import type { ParallelRuntime } from "./parallel-runtime.js";
import type { FunctionTarget, Target } from "./protocol.js";
import type { ParallelStats, TaskReport } from "./runner.js";

/** A function that a worker can import: `{ module: import.meta.url, export: "score" }`. */
export interface FunctionReference {
  /** URL or absolute path of the module. */
  readonly module: string;
  /** The name under which it exports the function; `default` for the default export. */
  readonly export: string;
}

/** What runs for each item: a decorated method, such as `trainer.train`, or an exported function. */
export type MapTask<Item, Result> = ((item: Item) => Result | PromiseLike<Result>) | FunctionReference;

/** Options of {@link ParallelProcessor.map}. */
export interface MapOptions {
  /** Chunks that run at once, from 1. @default `parallel.workers` */
  workers?: number;
  /** Items in a chunk, from 1. @default an even split into four chunks a worker */
  chunkSize?: number;
  /** How long one chunk may run in its worker. @default no limit */
  timeout?: Duration;
  /** Ends what runs and drops what waits. @default the signal of the running operation */
  signal?: AbortSignal;
}

/** What the processor needs of its kernel. */
export interface ProcessorHost {
  /** The module that the operation's `@parallel` names. */
  moduleOf(operation: OperationInfo): string | undefined;
  /** An instance of a class, for the runtime `inline`. */
  construct(type: abstract new (...args: never[]) => unknown): unknown;
  /** Where to tell of each task, if anybody listens. */
  report(): ((report: TaskReport) => void) | undefined;
}

/**
 * Runs a task for every item of an array in the kernel's workers, and tells about them. Injected
 * by its class: `@service([ParallelProcessor])`.
 */
export class ParallelProcessor {
  readonly #runtime: ParallelRuntime;
  readonly #host: ProcessorHost;

  constructor(runtime: ParallelRuntime, host: ProcessorHost) {
    this.#runtime = runtime;
    this.#host = host;
  }

  /**
   * The results of a task for each item, in the order of the items. Items travel in chunks, and a
   * worker takes those of its chunk one after another.
   *
   * ```ts
   * const models = await processor.map(trainer.train, airports, { chunkSize: 10 });
   * const scores = await processor.map<Flight, number>({ module: import.meta.url, export: "score" }, flights);
   * ```
   *
   * A decorated method runs with its advice, in the worker. The first failure rejects the whole
   * map: chunks that have not begun are dropped.
   */
  async map<Item, Result>(
    task: MapTask<Item, Result>,
    items: readonly Item[],
    options: MapOptions = {},
  ): Promise<Array<Awaited<Result>>> {
    const { label, locate, here } = this.#reference(task as MapTask<unknown, unknown>);
    let located: Target | undefined;
    const target = (): Target => (located ??= locate());
    const {
      workers = this.#runtime.workers,
      chunkSize = defaultChunkSize(items.length, workers),
      timeout,
    } = options;
    refuseBelowOne({ workers, chunkSize });
    const limit = timeout === undefined ? undefined : readDuration(timeout);
    const signal = options.signal ?? currentOperation()?.signal;
    return runChunked(label, items, { chunkSize, concurrency: workers }, (chunk) =>
      this.#runtime.run({
        label,
        target,
        args: [chunk],
        apply: "each",
        advised: true,
        limit: workers,
        timeout: limit,
        signal,
        report: this.#host.report(),
        here: async ([given]) => {
          const results: unknown[] = [];
          for (const item of given as readonly unknown[]) results.push(await here(item));
          return results;
        },
      }),
    );
  }

  /**
   * How many workers shorten a piece of work the most: `√(W / 75 ms)` with `W` its milliseconds
   * of CPU, at least 1 and at most `parallel.workers`. `W` is `dataMb` times 1 for `low`
   * complexity (reading through), 10 for `medium` (computing on each value), 100 for `high`
   * (many passes), or the milliseconds for each megabyte themselves.
   */
  optimalWorkers(work: { dataMb: number; complexity?: Complexity }): number {
    return optimalWorkers(work, this.#runtime.workers);
  }

  /** The ids (Node's `threadId`) of the workers that have run a task, the last 1000. 0 is this thread. */
  workerIds(): readonly number[] {
    return this.#runtime.workerIds();
  }

  stats(): ParallelStats {
    return this.#runtime.stats();
  }

  #reference(task: MapTask<unknown, unknown>): {
    readonly label: string;
    readonly locate: () => Target;
    readonly here: (item: unknown) => unknown;
  } {
    if (typeof task !== "function") {
      const label = `${task.export} of ${task.module}`;
      const locate = (): FunctionTarget => ({
        kind: "function",
        module: moduleUrl(label, task.module),
        export: task.export,
      });
      return {
        label,
        locate,
        here: async (item) => (await importFunction(label, locate())).call(undefined, item),
      };
    }
    const operation = operationOf(task);
    if (!operation) {
      throw new ConfigurationError(
        `ParallelProcessor.map: ${task.name || "the function"} is neither a decorated method nor a reference to an exported function.`,
        {
          code: "MLMCP_PARALLEL_TASK",
          suggestions: [
            'Export the function and pass { module: import.meta.url, export: "name" }: a worker cannot be sent a function.',
            "Or decorate the method, with @parallel() for instance.",
          ],
        },
      );
    }
    const { owner, kind } = operation;
    return {
      label: operation.id,
      locate: () =>
        operationTarget(operation, undefined, this.#host.moduleOf(operation), this.#runtime.operations),
      here: (item) => task.call(kind === "method" && owner ? this.#host.construct(owner) : owner, item),
    };
  }
}

function refuseBelowOne(numbers: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(numbers)) {
    if (!Number.isInteger(value) || value < 1) {
      throw new RangeError(
        `ParallelProcessor.map: ${name} must be a whole number from 1; received ${value}.`,
      );
    }
  }
}

function readDuration(timeout: Duration): number {
  const milliseconds = parseDuration(timeout);
  if (milliseconds !== undefined) return milliseconds;
  throw new RangeError(
    `ParallelProcessor.map: timeout must be milliseconds or text such as "30s"; received ${JSON.stringify(timeout)}.`,
  );
}
