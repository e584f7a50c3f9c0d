import type { Kernel } from "../kernel/kernel.js";
import type { Invoke } from "../plugin.js";
import { ConfigurationError, KernelNotStartedError } from "../errors/index.js";
import { activeNode } from "./active-node.js";
import { kernelStopped } from "./not-running.js";
import type { Operation } from "./operation.js";
import { shared } from "./shared-state.js";

/**
 * The way into an operation: finds the kernel that is to run the call and its compiled path.
 * While only one kernel has ever run, it puts that path in its own place.
 */
export function dispatch(operation: Operation, self: unknown, args: unknown[]): unknown {
  let path: Invoke;
  try {
    path = kernelFor(operation, self).pathOf(operation);
  } catch (error) {
    return refuse(operation, error);
  }
  if (shared.kernels === 1) operation.invoke = path;
  return path(self, args);
}

/** An error of the engine's own reaches the caller where an error of the method would. */
function refuse(operation: Operation, error: unknown): unknown {
  if (operation.returns === "stream") return failingStream(error);
  if (operation.isAsync) return Promise.reject(error);
  throw error;
}

// oxlint-disable-next-line eslint/require-yield -- it fails before its first item
async function* failingStream(error: unknown): AsyncGenerator<never> {
  throw error;
}

/**
 * The kernel that made or adopted the instance, else that of the calling operation, else the
 * only one that runs.
 */
function kernelFor(operation: Operation, self: unknown): Kernel {
  const owner = operation.kernel ?? ownerOf(self);
  if (owner) {
    if (shared.running.has(owner)) return owner;
    if (owner.stopped) throw kernelStopped(operation, owner);
    throw new KernelNotStartedError(
      `${operation.id} was called, but its kernel has not started yet. Call it after \`await kernel.start()\`.`,
      { context: { operation: operation.id, kernel: owner.id } },
    );
  }
  const calling = activeNode()?.kernel;
  if (calling && shared.running.has(calling)) return calling;
  const [only, ...others] = shared.running;
  if (only && others.length === 0) return only;
  if (only) {
    throw new ConfigurationError(
      `${operation.id} was called where ${others.length + 1} kernels run, and nothing says which of them is meant. ` +
        "Take the object from `kernel.resolve(...)`, or name its kernel with `kernel.adopt(object)`.",
      {
        code: "MLMCP_KERNEL_AMBIGUOUS",
        context: { operation: operation.id, kernels: [only, ...others].map(({ id }) => id) },
      },
    );
  }
  const stopped = shared.kernels > 0 ? "no kernel runs any more" : "no kernel runs yet";
  throw new KernelNotStartedError(
    `${operation.id} was called, but ${stopped}. Start one first: \`const kernel = await createKernel();\``,
    { context: { operation: operation.id }, suggestions: ["const kernel = await createKernel();"] },
  );
}

function ownerOf(self: unknown): Kernel | undefined {
  return (typeof self === "object" && self !== null) || typeof self === "function"
    ? shared.owners.get(self)
    : undefined;
}
