import { OperationTimeoutError } from "../errors/index.js";
import type { CallerContext, CallNode } from "../operations/call.js";
import { whenOver } from "../operations/ending.js";
import { shared } from "../operations/shared-state.js";

/**
 * Runs a function below a node of the tree of calls that follows the caller's signal and
 * deadline, until what the function returns is over.
 */
export function runBelow<T>(node: CallNode, { signal, deadline }: CallerContext, fn: () => T): T {
  shared.contextInUse = true;
  const onAbort = (): void => node.abort(signal?.reason);
  if (signal?.aborted) onAbort();
  else signal?.addEventListener("abort", onAbort, { once: true });
  const timer = deadline === undefined ? undefined : abortAt(node, deadline);
  const end = (): void => {
    clearTimeout(timer);
    signal?.removeEventListener("abort", onAbort);
    node.end();
  };
  let result: T;
  try {
    result = shared.context.run(node, fn);
  } catch (error) {
    end();
    throw error;
  }
  return whenOver(result, end) as T;
}

function abortAt(node: CallNode, deadline: number): NodeJS.Timeout {
  return setTimeout(
    () =>
      node.abort(new OperationTimeoutError("The caller's deadline has passed.", { context: { deadline } })),
    Math.max(0, deadline - Date.now()),
  );
}
