import type { JsonSchema } from "@mlmcp/core";

/** The section `memory` of the configuration. */
export interface MemoryOptions {
  /**
   * What the data engine may hold in memory, in MiB; what does not fit is spilled to disk. The
   * JavaScript heap is not part of it.
   * @default 1024
   */
  maxMemoryMb: number;
  /** Where a directory for spilled data is made, and removed again at stop. @default the system's */
  tempDirectory?: string;
}

declare module "@mlmcp/core" {
  interface ConfigSections {
    memory: MemoryOptions;
  }
}

export const memoryDefaults: MemoryOptions = { maxMemoryMb: 1024 };

export const memorySchema: JsonSchema = {
  description: "The data engine of MemoryOptimizer.",
  type: "object",
  properties: {
    maxMemoryMb: {
      description: "What the data engine may hold in memory, in MiB; what does not fit is spilled to disk.",
      type: "integer",
      minimum: 64,
      default: memoryDefaults.maxMemoryMb,
    },
    tempDirectory: {
      description: "Where a directory for spilled data is made. Default: the system's.",
      type: "string",
      minLength: 1,
    },
  },
};
