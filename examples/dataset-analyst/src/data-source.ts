import { currentOperation, service } from "@mlmcp/core";
import { MemoryOptimizer, type ColumnChunk, type Row } from "@mlmcp/plugin-memory";
import { timed } from "@mlmcp/plugin-monitor";
import { airportsFile } from "./datasets.js";
import { Drill } from "./drill.js";

/** Reads the flights, a CSV or Parquet file, by SQL. The tables are `flights` and `airports`. */
@service([MemoryOptimizer, Drill])
export class DataSource {
  constructor(
    private readonly memory: MemoryOptimizer,
    private readonly drill: Drill,
  ) {}

  @timed()
  async query<R extends Row>(flights: string, sql: string): Promise<R[]> {
    this.drill.strike();
    return this.memory.query<R>({ flights, airports: airportsFile }, sql, {
      signal: currentOperation()?.signal,
    });
  }

  /** The same for results that are too large to be held as rows. */
  stream(flights: string, sql: string): AsyncIterable<ColumnChunk> {
    return this.memory.stream({ flights }, sql, { signal: currentOperation()?.signal });
  }
}
