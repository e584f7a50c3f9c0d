import { chaos } from "@mlmcp/core";
import { describe, expectTypeOf, it } from "vitest";

describe("@chaos", () => {
  it("serves methods that return promises or async iterables, and leaves their types alone", () => {
    class Subject {
      @chaos(0.1)
      async load(id: number): Promise<string> {
        return String(id);
      }
      @chaos({ latency: "2s" })
      async *rows(): AsyncGenerator<number> {
        yield 1;
      }
      // @ts-expect-error a method that is synchronous cannot be late
      @chaos(0.1)
      plain(): string {
        return "";
      }
    }
    expectTypeOf({} as Subject["load"]).toEqualTypeOf<(id: number) => Promise<string>>();
  });

  it("takes a rate of errors, or faults with their rates", () => {
    chaos({ errorRate: 0.1, error: "disk full" });
    chaos({ error: (name: string) => new Error(`${name} is down`) });
    chaos({ latencyRate: 0.5, latency: { min: 10, max: "1s" } });
    chaos({ resultRate: 0.5, result: { value: undefined } });
    chaos({ result: (id: number) => id + 1 });
    // @ts-expect-error a latency between two times has an end
    chaos({ latency: { min: 10 } });
    // @ts-expect-error a result that is a value says so
    chaos({ result: "wrong" });
    // @ts-expect-error a rate is a number
    chaos({ errorRate: "10%" });
    // @ts-expect-error an error is a message, or a function that answers it
    chaos({ error: new Error("down") });
    // @ts-expect-error no such option
    chaos({ rate: 0.1 });
  });
});
