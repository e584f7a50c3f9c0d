import {
  BulkheadFullError,
  ConfigurationError,
  OperationTimeoutError,
  ProcessingError,
  ResourceExhaustedError,
  type MlmcpErrorOptions,
} from "@mlmcp/core";

/** The code of errors about a worker that runs the application itself. */
export const MAIN_RUNS_AGAIN = "MLMCP_PARALLEL_MAIN";

/** A task ran too long. Without a worker it ran in the kernel's own thread. */
export function taskTimeout(label: string, timeoutMs: number, worker?: number): OperationTimeoutError {
  const consequence =
    worker === undefined ? "It goes on in this thread." : `Worker ${worker} was ended and will be replaced.`;
  return new OperationTimeoutError(
    `${label} ran longer than its timeout of ${timeoutMs} ms. ${consequence}`,
    {
      context: { operation: label, timeoutMs, worker },
      suggestions: ["Raise the timeout of @parallel, or send less work at once."],
    },
  );
}

/** A module took too long to import. */
export function loadTimeout(label: string, module: string, timeoutMs: number): OperationTimeoutError {
  return new OperationTimeoutError(
    `${label}: a worker had not finished to import ${module} after ${timeoutMs} ms.`,
    {
      context: { operation: label, timeoutMs, module },
      retryable: false,
      suggestions: [
        "Look for something at the module's top level that never ends, such as an awaited server.",
        "Raise parallel.loadTimeout.",
      ],
    },
  );
}

export function poolStopped(label: string): ProcessingError {
  return new ProcessingError(`${label}: its kernel was stopped before the task was done.`, {
    code: "MLMCP_PARALLEL_STOPPED",
    context: { operation: label },
  });
}

export function queueFull(label: string, maxQueue: number): BulkheadFullError {
  return new BulkheadFullError(`${label}: ${maxQueue} tasks wait for a worker already.`, {
    code: "MLMCP_PARALLEL_QUEUE_FULL",
    context: { operation: label, maxQueue },
    suggestions: [
      'Send many items in one call: mode "map" keeps only a few chunks waiting.',
      "Raise parallel.maxQueue.",
    ],
  });
}

/** A worker was ended on purpose; whoever did that says why to the caller. */
export function workerEnded(worker: number): ProcessingError {
  return new ProcessingError(`Worker ${worker} was ended.`, {
    code: "MLMCP_PARALLEL_STOPPED",
    context: { worker },
  });
}

/** A worker's thread has ended by itself: with an exit code, or for an error that nobody caught. */
export function workerLost(
  label: string | undefined,
  worker: number,
  cause: unknown,
  exitCode: number | undefined,
): ProcessingError | ResourceExhaustedError {
  const subject = label === undefined ? `Worker ${worker}` : `${label}: worker ${worker}`;
  const options = {
    code: "MLMCP_WORKER_LOST",
    cause,
    context: { operation: label, worker, exitCode },
    retryable: true,
  } satisfies MlmcpErrorOptions;
  if ((cause as { code?: unknown } | undefined)?.code === "ERR_WORKER_OUT_OF_MEMORY") {
    return new ResourceExhaustedError(`${subject} ran out of memory.`, {
      ...options,
      retryable: false,
      suggestions: ["Send less data at once: a smaller chunkSize.", "Give Node more: --max-old-space-size."],
    });
  }
  if (exitCode === undefined) {
    const what = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);
    return new ProcessingError(`${subject} failed outside of its task: ${what}`, {
      ...options,
      suggestions: [
        "Catch the errors of timers, listeners and promises that nobody awaits: they end the worker.",
      ],
    });
  }
  return new ProcessingError(`${subject} exited with code ${exitCode}.`, {
    ...options,
    suggestions: ["Do not call process.exit() in code that workers run: throw an error instead."],
  });
}

/** The module of the class starts the application, which would run again in every worker. */
export function mainRunsAgain(label: string, module: string, cause?: unknown): ConfigurationError {
  return new ConfigurationError(
    `${label}: a worker has to import ${module}, and importing it starts the application again.`,
    {
      code: MAIN_RUNS_AGAIN,
      cause,
      context: { operation: label, module },
      suggestions: [
        "Move the class into a module of its own, which the main module imports.",
        'Or guard the main module: import { isWorker } from "@mlmcp/plugin-parallel"; if (!isWorker()) await main();',
      ],
    },
  );
}

/** Whether an error, or what led to it, says that the application was started in a worker. */
export function saysMainRunsAgain(error: unknown): boolean {
  for (
    let current = error, depth = 0;
    current instanceof Error && depth < 8;
    current = current.cause, depth++
  ) {
    if ((current as { code?: unknown }).code === MAIN_RUNS_AGAIN) return true;
  }
  return false;
}
