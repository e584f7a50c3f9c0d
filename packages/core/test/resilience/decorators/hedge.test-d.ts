import { hedge, type HedgeOptions } from "@mlmcp/core";
import { describe, expectTypeOf, it } from "vitest";

describe("@hedge", () => {
  it("serves methods that return promises, and leaves their types alone", () => {
    class Subject {
      @hedge({ idempotent: true })
      async load(id: number): Promise<string> {
        return String(id);
      }
      // @ts-expect-error a method that is synchronous has ended before a second attempt could begin
      @hedge({ idempotent: true })
      plain(): string {
        return "";
      }
      // @ts-expect-error two streams cannot be raced
      @hedge({ idempotent: true })
      async *rows(): AsyncGenerator<number> {
        yield 1;
      }
    }
    expectTypeOf({} as Subject["load"]).toEqualTypeOf<(id: number) => Promise<string>>();
  });

  it("must be told that the method may run twice", () => {
    hedge({ idempotent: true, after: "200ms", maxHedges: 2 });
    hedge({ idempotent: true, after: 50 });
    hedge({ idempotent: true, after: "p99.9" });
    // @ts-expect-error not told
    hedge();
    // @ts-expect-error not told
    hedge({ after: 50 });
    // @ts-expect-error told that it may not
    hedge({ idempotent: false });
    // @ts-expect-error told by a value that may be either
    hedge({ idempotent: Math.random() > 0.5 });
    expectTypeOf<HedgeOptions["idempotent"]>().toEqualTypeOf<true>();
  });

  it("begins after a time or a percentile", () => {
    // @ts-expect-error a time that is text has a unit
    hedge({ idempotent: true, after: "200" });
    // @ts-expect-error a percentile begins with p
    hedge({ idempotent: true, after: "95%" });
    // @ts-expect-error no such option
    hedge({ idempotent: true, delay: 50 });
  });
});
