export type { ChunkColumn, ColumnChunk, Row } from "./chunks.js";
export type { QueryParameters } from "./duckdb.js";
export {
  MemoryOptimizer,
  type DataSources,
  type OptimizeOptions,
  type QueryOptions,
} from "./memory-optimizer.js";
export type { ColumnNarrowing, Narrowing, TableColumns } from "./narrow.js";
export { NarrowColumn, NarrowTable, type NarrowValue } from "./narrow-table.js";
export type { MemoryOptions } from "./options.js";
export { default, memoryPlugin } from "./plugin.js";
export type { ProcessStats } from "./process-stats.js";
export type {
  AnalyzeOptions,
  ColumnKind,
  ColumnStatistics,
  StatisticValue,
  TableStatistics,
} from "./statistics.js";
export type { ColumnValues } from "./array-facts.js";
