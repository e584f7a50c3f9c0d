import { timeout } from "@mlmcp/core";
import { describe, expectTypeOf, it } from "vitest";

describe("@timeout", () => {
  it("serves methods that return promises or async iterables, and leaves their types alone", () => {
    class Subject {
      @timeout("5s")
      async load(id: number): Promise<string> {
        return String(id);
      }
      @timeout()
      async *rows(): AsyncGenerator<number> {
        yield 1;
      }
      @timeout(100)
      static async tool(): Promise<void> {}
      // @ts-expect-error a method that is synchronous cannot be released
      @timeout(100)
      plain(): string {
        return "";
      }
      // @ts-expect-error nor one that iterates synchronously
      @timeout(100)
      *items(): Generator<number> {
        yield 1;
      }
    }
    expectTypeOf({} as Subject["load"]).toEqualTypeOf<(id: number) => Promise<string>>();
    expectTypeOf({} as Subject["rows"]).toEqualTypeOf<() => AsyncGenerator<number>>();
  });

  it("takes a time, or the limits of an attempt and of the call", () => {
    timeout(1000);
    timeout("1.5s");
    timeout({ attempt: "1s", deadline: 5000 });
    // @ts-expect-error a time that is text has a unit
    timeout("1000");
    // @ts-expect-error no such unit
    timeout("2 moons");
    // @ts-expect-error no such option
    timeout({ attempts: 3 });
    // @ts-expect-error a date is no length of time
    timeout({ deadline: new Date() });
    // @ts-expect-error the configuration turns it off, not the code
    timeout(false);
  });
});
