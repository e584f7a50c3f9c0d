import { currentOperation, service } from "@mlmcp/core";
import { cached } from "@mlmcp/plugin-cache";
import { MemoryOptimizer, type TableStatistics } from "@mlmcp/plugin-memory";
import { timed } from "@mlmcp/plugin-monitor";
import { validated } from "@mlmcp/plugin-validate";

/** The columns that the analysis reads. */
const required = ["date", "delay", "origin", "destination"];

/** What is in every column of a file. */
@service([MemoryOptimizer])
export class Profiler {
  constructor(private readonly memory: MemoryOptimizer) {}

  /** Kept until the file's content changes. */
  @timed()
  @validated({ args: [{ type: "string", minLength: 1 }] })
  @cached({ files: (file: string) => file })
  async profile(file: string): Promise<TableStatistics> {
    const signal = currentOperation()?.signal;
    // Before minutes of work on a file that is another one: a missing column is an error here.
    await this.memory.query(file, `SELECT ${required.join(", ")} FROM data LIMIT 0`, { signal });
    return this.memory.analyze(file, { signal });
  }
}
