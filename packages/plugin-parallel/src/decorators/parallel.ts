import { createMethodDecorator } from "@mlmcp/core";
import { Offload, type OffloadOptions } from "../offload.js";
import { parallelOptionsSchema, workersOf, type ParallelOptions } from "../options.js";
import { RUNTIME, type ParallelRuntime } from "../parallel-runtime.js";
import { workerSetup } from "../thread-state.js";

/**
 * Runs the method in a worker thread, by reference: the worker imports the module that defines
 * the class, constructs an instance of its own, and calls the method. Arguments and results are
 * copied on the way (structured clone), so they must be data.
 *
 * ```ts
 * @service([Catalogue])
 * export class Trainer {
 *   constructor(private readonly catalogue: Catalogue) {}
 *
 *   @parallel({ timeout: "30s" })
 *   async train(airport: string): Promise<Model> {
 *     return fit(await this.catalogue.delaysOf(airport));
 *   }
 *
 *   @parallel({ mode: "map" })
 *   async score(flights: Flight[]): Promise<number[]> {
 *     return flights.map((flight) => this.scoreOne(flight));
 *   }
 * }
 * ```
 *
 * `this` in the worker is not the caller's object: its class is constructed there, once for each
 * worker, with what it injects. Fields that somebody set on the caller's object are not there.
 * The method's other advice runs in the caller's thread; decorated methods that it calls run
 * theirs in the worker, where `@parallel` runs in place.
 *
 * The call rejects with `OperationTimeoutError` where a task ran longer than `timeout`,
 * `ConfigurationError` (`MLMCP_PARALLEL_…`) where the class, an argument or the result cannot get
 * to the worker or back, `ProcessingError` (`MLMCP_WORKER_LOST`) where the worker ended under the
 * task, and `BulkheadFullError` (`MLMCP_PARALLEL_QUEUE_FULL`) where too many tasks wait already.
 */
export const parallel = createMethodDecorator<ParallelOptions>({
  name: "parallel",
  schema: parallelOptionsSchema,
  context: true,
  defaults: (config) => ({ workers: workersOf(config) }),
  // In a worker everything runs in place: pools within pools would multiply.
  enabled: (config) => config.get("performance.enableParallel", true) && workerSetup() === undefined,
  parts: [
    {
      at: "offload",
      around(next, binding) {
        const offload = new Offload(
          binding.operation,
          binding.options as OffloadOptions,
          binding.resolve<ParallelRuntime>(RUNTIME),
        );
        const when = binding.options.when as ((...args: unknown[]) => boolean) | undefined;
        const tasks = binding.event("parallel:task");
        return (self, args) => {
          try {
            if (when && !when(...args)) return next(self, args);
          } catch (error) {
            return Promise.reject(error);
          }
          const call = binding.call();
          return offload.run(self, args, {
            signal: call?.signal,
            context: call && { correlationId: call.correlationId, deadline: call.deadline },
            report: tasks.active ? (task) => tasks.publish(task) : undefined,
            here: (given) => next(self, [...given]),
          });
        };
      },
    },
  ],
});
