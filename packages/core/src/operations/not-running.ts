import { KernelNotStartedError } from "../errors/index.js";
import type { Kernel } from "../kernel/kernel.js";
import type { OperationInfo } from "./operation.js";

/** The kernel that is to run a call takes none any more. */
export function kernelStopped(operation: OperationInfo, kernel: Kernel): KernelNotStartedError {
  return new KernelNotStartedError(
    `${operation.id} was called, but its kernel has stopped. Call it before \`await kernel.stop()\`, or resolve the object from a kernel that runs.`,
    {
      context: { operation: operation.id, kernel: kernel.id },
      suggestions: [`const x = kernel.resolve(${operation.className ?? "Class"});`],
    },
  );
}
