import type { Worker } from "node:worker_threads";
import { onEvent, type Kernel, type Plugin, type PublishedEvent } from "@mlmcp/core";
import { createTestKernel } from "@mlmcp/core/testing";
import { parallelPlugin } from "@mlmcp/plugin-parallel";
import { afterAll, afterEach, beforeAll } from "vitest";
import { compileFixtures, type Compiled } from "./compiled.js";

interface Started {
  readonly parallel?: object;
  readonly config?: object;
  readonly env?: NodeJS.ProcessEnv;
  /** Besides the one under test. */
  readonly plugins?: readonly Plugin[];
}

export interface Harness {
  readonly compiled: Compiled;
  /** A kernel whose workers load the compiled fixture where this thread has its source. */
  start(options?: Started): Promise<Kernel>;
  /** Stops a kernel in the test, which expects that to fail. */
  stop(kernel: Kernel): Promise<void>;
}

/** Compiles fixtures before the tests of a file, and stops every kernel after each of them. */
export function useKernels(...fixtures: [string, ...string[]]): Harness {
  const running = new Set<Kernel>();
  let compiled: Compiled;
  beforeAll(async () => {
    compiled = await compileFixtures(fixtures);
  });
  afterEach(async () => {
    const kernels = [...running];
    running.clear();
    await Promise.all(kernels.map((kernel) => kernel.stop()));
  });
  afterAll(() => compiled.remove());
  return {
    get compiled() {
      return compiled;
    },
    async start({ parallel = {}, config = {}, env = {}, plugins = [] } = {}) {
      const { workerFile } = compiled;
      const kernel = await createTestKernel({
        plugins: [parallelPlugin, ...plugins],
        env,
        config: {
          operations: { "*": { parallel: { module: compiled.url(fixtures[0]) } } },
          parallel: { workers: 2, ...(workerFile && { workerFile }), ...parallel },
          ...config,
        },
      });
      running.add(kernel);
      return kernel;
    },
    stop(kernel) {
      running.delete(kernel);
      return kernel.stop();
    },
  };
}

/** All workers that are started while a function runs. */
export async function workersStartedBy(run: () => Promise<unknown>): Promise<Worker[]> {
  const started: Worker[] = [];
  const onWorker = (worker: Worker): void => void started.push(worker);
  process.on("worker", onWorker);
  try {
    await run();
  } finally {
    process.off("worker", onWorker);
  }
  return started;
}

/** Whether a worker's thread has ended. */
export function hasEnded(worker: Worker): boolean {
  return worker.threadId === -1;
}

/** The tasks that run while a function does, in the order in which they end. */
export async function tasksOf(run: () => Promise<unknown>): Promise<Array<PublishedEvent<"parallel:task">>> {
  const tasks: Array<PublishedEvent<"parallel:task">> = [];
  const end = onEvent("parallel:task", (task) => void tasks.push(task));
  try {
    await run();
  } finally {
    end();
  }
  return tasks;
}

/** What a promise is rejected with. */
export async function rejectionOf(promise: Promise<unknown>): Promise<Error & Record<string, unknown>> {
  try {
    await promise;
  } catch (error) {
    return error as Error & Record<string, unknown>;
  }
  throw new Error("it was fulfilled");
}
