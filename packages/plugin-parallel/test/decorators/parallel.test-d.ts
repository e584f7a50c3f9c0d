import { parallel, ParallelProcessor, type TaskReport } from "@mlmcp/plugin-parallel";
import { expectTypeOf, test } from "vitest";

test("@parallel takes methods that return a promise, and no others", () => {
  class Subject {
    @parallel({
      mode: "map",
      workers: 2,
      chunkSize: 100,
      timeout: "30s",
      when: (rows: number[]) => rows.length > 10,
    })
    async map(rows: number[]): Promise<number[]> {
      return rows;
    }

    // @ts-expect-error a synchronous method cannot run elsewhere
    @parallel()
    sync(): number {
      return 1;
    }

    // @ts-expect-error there is no such mode
    @parallel({ mode: "fork" })
    async wrong(): Promise<void> {}
  }
  expectTypeOf<Subject["map"]>().toEqualTypeOf<(rows: number[]) => Promise<number[]>>();
});

test("a map's results have the type of the task's", () => {
  const processor = {} as ParallelProcessor;
  const lengths = processor.map(async (text: string) => text.length, ["a"]);
  expectTypeOf(lengths).toEqualTypeOf<Promise<number[]>>();
  const scores = processor.map<string, number>({ module: import.meta.url, export: "score" }, ["a"]);
  expectTypeOf(scores).toEqualTypeOf<Promise<number[]>>();
  // @ts-expect-error the items are not what the task takes
  void processor.map(async (text: string) => text.length, [1]);
});

test("a task report tells worker and times", () => {
  expectTypeOf<TaskReport>().toEqualTypeOf<{
    readonly worker: number;
    readonly queueMs: number;
    readonly runMs: number;
    readonly ok: boolean;
  }>();
});
