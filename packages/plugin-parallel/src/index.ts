export { parallel } from "./decorators/parallel.js";
export type { Complexity } from "./optimal-workers.js";
export type { ParallelOptions, ParallelSection } from "./options.js";
export { default, parallelPlugin } from "./plugin.js";
export { ParallelProcessor, type FunctionReference, type MapOptions, type MapTask } from "./processor.js";
export type { ParallelStats, TaskReport, WorkerStats } from "./runner.js";
export { isWorker } from "./thread-state.js";
