import { bulkhead } from "@mlmcp/core";
import { describe, expectTypeOf, it } from "vitest";

describe("@bulkhead", () => {
  it("serves methods that return promises or async iterables, and leaves their types alone", () => {
    class Subject {
      @bulkhead(2)
      async load<Row>(rows: readonly Row[]): Promise<Row[]> {
        return [...rows];
      }
      @bulkhead()
      async *rows(): AsyncGenerator<number> {
        yield 1;
      }
      // @ts-expect-error a method that is synchronous cannot wait for a place
      @bulkhead(2)
      plain(): number {
        return 1;
      }
    }
    expectTypeOf({} as Subject["load"]).toEqualTypeOf<<Row>(rows: readonly Row[]) => Promise<Row[]>>();
  });

  it("takes a number of calls, or its options", () => {
    bulkhead({ maxConcurrent: 2, queue: 10, queueTimeout: "500ms", sharedAs: "database" });
    // @ts-expect-error a number is no text
    bulkhead("2");
    // @ts-expect-error no such option
    bulkhead({ maxConcurent: 2 });
    // @ts-expect-error a time that is text has a unit
    bulkhead({ queueTimeout: "500" });
    // @ts-expect-error a bulkhead is shared by its name
    bulkhead({ sharedAs: true });
  });
});
