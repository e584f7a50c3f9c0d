import { ConfigurationError, OperationTimeoutError } from "../errors/index.js";
import type { CallerContext, CallNode } from "../operations/call.js";
import { whenOver } from "../operations/ending.js";
import { shared } from "../operations/shared-state.js";
import { LONGEST_TIMER } from "./time-limit.js";

/**
 * Runs a function below a node of the tree of calls that follows the caller's signal and
 * deadline, until what the function returns is over.
 */
export function runBelow<T>(node: CallNode, { signal, deadline }: CallerContext, fn: () => T): T {
  if (deadline !== undefined) refuseUnlessTime(deadline);
  shared.contextInUse = true;
  const onAbort = (): void => node.abort(signal?.reason);
  if (signal?.aborted) onAbort();
  else signal?.addEventListener("abort", onAbort, { once: true });
  const disarm = deadline === undefined ? undefined : abortAt(node, deadline);
  const end = (): void => {
    disarm?.();
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

/** Aborts at a time, at once where it has passed. Returns what takes that back. */
function abortAt(node: CallNode, deadline: number): () => void {
  let timer: NodeJS.Timeout | undefined;
  const arm = (): void => {
    const left = deadline - Date.now();
    if (left <= 0) {
      node.abort(new OperationTimeoutError("The caller's deadline has passed.", { context: { deadline } }));
    } else timer = setTimeout(arm, Math.min(left, LONGEST_TIMER));
  };
  arm();
  return () => clearTimeout(timer);
}

function refuseUnlessTime(deadline: unknown): void {
  if (Number.isFinite(deadline)) return;
  throw new ConfigurationError(
    `kernel.withContext() was given the deadline ${String(deadline)}. It is a time in milliseconds since the epoch: \`Date.now() + 5000\`.`,
    { code: "MLMCP_CALLER_CONTEXT", context: { deadline } },
  );
}
