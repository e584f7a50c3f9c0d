import type { OperationInfo } from "@mlmcp/core";
import { defaultChunkSize, runChunked } from "./chunks.js";
import { operationTarget } from "./operation-target.js";
import type { ParallelRuntime } from "./parallel-runtime.js";
import type { CallContext, OperationTarget } from "./protocol.js";
import type { TaskReport } from "./runner.js";

/** How one operation is run in workers. Times in milliseconds. */
export interface OffloadOptions {
  readonly mode: "call" | "map";
  readonly workers: number;
  readonly chunkSize?: number;
  readonly timeout?: number;
  readonly module?: string;
}

/** What one call brings along. */
export interface OffloadedCall {
  readonly signal: AbortSignal | undefined;
  readonly context: CallContext | undefined;
  readonly report: ((report: TaskReport) => void) | undefined;
  /** Runs the method in this thread. */
  readonly here: (args: readonly unknown[]) => unknown;
}

/** Sends the calls of one operation to workers, whole or in parts. */
export class Offload {
  /** By the class that the method was called on. */
  readonly #targets = new WeakMap<object, OperationTarget>();

  constructor(
    private readonly operation: OperationInfo,
    private readonly options: OffloadOptions,
    private readonly runtime: ParallelRuntime,
  ) {}

  run(self: unknown, args: unknown[], call: OffloadedCall): Promise<unknown> {
    if (this.options.mode === "call") return this.#task(self, args, call);
    const [items, ...rest] = args;
    const { workers } = this.options;
    const chunkSize =
      this.options.chunkSize ?? defaultChunkSize(Array.isArray(items) ? items.length : 0, workers);
    return runChunked(this.operation.id, items, { chunkSize, concurrency: workers }, (chunk) =>
      this.#task(self, [chunk, ...rest], call),
    );
  }

  #task(self: unknown, args: readonly unknown[], call: OffloadedCall): Promise<unknown> {
    const { workers, timeout } = this.options;
    return this.runtime.run({
      signal: call.signal,
      context: call.context,
      report: call.report,
      here: call.here,
      label: this.operation.id,
      target: () => this.#target(self),
      args,
      apply: "once",
      advised: false,
      limit: workers,
      timeout,
    });
  }

  #target(self: unknown): OperationTarget {
    const key = typeof self === "object" && self !== null ? self.constructor : self;
    if (typeof key !== "function") return this.#find(self);
    let target = this.#targets.get(key);
    if (!target) this.#targets.set(key, (target = this.#find(self)));
    return target;
  }

  #find(self: unknown): OperationTarget {
    return operationTarget(this.operation, self, this.options.module, this.runtime.operations);
  }
}
