import type { WorkerThread } from "./worker-thread.js";

/**
 * Lets an idle worker close what its thread has open, then ends it. A busy or a hanging one gets
 * no longer than `limit` milliseconds for that, and as long again to be gone: native code that
 * never returns cannot be ended.
 *
 * @returns whether the thread was gone in time
 */
export async function retire(worker: WorkerThread, limit: number): Promise<boolean> {
  if (!worker.gone) {
    await within(limit, worker.ask({ kind: "stop" }));
    worker.end();
  }
  return within(limit, worker.exited);
}

/** Whether a promise was fulfilled in time. */
async function within(limit: number, promise: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), limit);
  });
  const done = promise.then(
    () => true,
    () => false,
  );
  try {
    return await Promise.race([done, late]);
  } finally {
    clearTimeout(timer);
  }
}
