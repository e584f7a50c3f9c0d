import { isMainThread, workerData } from "node:worker_threads";
import type { WorkerSetup } from "./protocol.js";

/** The key under which a worker of this package finds its set-up in `workerData`. */
export const SETUP_KEY = "@mlmcp/plugin-parallel";

/** Name of the plugin that marks a worker's own kernel. */
export const WORKER_PLUGIN = "@mlmcp/plugin-parallel/worker";

/** What all copies of this package in one thread share: a bundle beside a package, or two versions. */
interface ThreadState {
  /** Whether {@link isWorker} was ever asked: then the application's main knows about workers. */
  asked: boolean;
  /** The ids of the kernels that the worker itself started. */
  readonly ownKernels: Set<string>;
  /** Set where something else than the worker tried to start a kernel in it. */
  refusal: Error | undefined;
}

const key = Symbol.for("@mlmcp/plugin-parallel/1");
const host = globalThis as { [key]?: ThreadState };

export const threadState: ThreadState = (host[key] ??= {
  asked: false,
  ownKernels: new Set(),
  refusal: undefined,
});

/**
 * What this thread was started with, where it is a worker of this package. Readable before any
 * other module of the worker has run. Another pool's worker (a test runner's) has none.
 */
export function workerSetup(): WorkerSetup | undefined {
  // tinypool wraps what it is given: [its own, ours].
  const ours: unknown = !isMainThread && Array.isArray(workerData) ? workerData[1] : undefined;
  return typeof ours === "object" && ours !== null
    ? (ours as Record<string, WorkerSetup>)[SETUP_KEY]
    : undefined;
}

/**
 * Whether this code runs in a worker of `@parallel`. A worker imports the module that defines the
 * class; where that is also the module that starts the application, everything at its top level
 * runs again in every worker. Guard it, or keep classes in modules of their own.
 *
 * ```ts
 * import { isWorker } from "@mlmcp/plugin-parallel";
 *
 * if (!isWorker()) await main();
 * ```
 */
export function isWorker(): boolean {
  threadState.asked = true;
  return workerSetup() !== undefined;
}
