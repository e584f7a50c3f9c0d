import { handled } from "@mlmcp/core";
import { describe, expectTypeOf, it } from "vitest";

describe("@handled", () => {
  it("serves every kind of method, and leaves their types alone", () => {
    class Subject {
      @handled("loading")
      plain(id: number): string {
        return String(id);
      }
      @handled({ context: (file: string, rows: number) => ({ file, rows }) })
      async load(file: string, rows: number): Promise<string> {
        return file.repeat(rows);
      }
      @handled()
      async *rows(): AsyncGenerator<number> {
        yield 1;
      }
      @handled({ context: "tool", rethrow: false })
      static async tool(): Promise<void> {}
    }
    expectTypeOf({} as Subject["plain"]).toEqualTypeOf<(id: number) => string>();
    expectTypeOf({} as Subject["load"]).toEqualTypeOf<(file: string, rows: number) => Promise<string>>();
  });

  it("stands on methods and classes only", () => {
    class Subject {
      // @ts-expect-error a field is no method
      @handled()
      readonly count: number = 1;

      // @ts-expect-error an accessor is no method
      @handled()
      get size(): number {
        return 1;
      }
    }
    expectTypeOf<Subject>().toHaveProperty("size");
  });

  it("takes a context that can be written down", () => {
    handled({ context: { dataset: "flights" } });
    // @ts-expect-error a number tells nobody what was going on
    handled({ context: 1 });
    // @ts-expect-error it is handed on or not
    handled({ rethrow: "never" });
    // @ts-expect-error no such option
    handled({ contxt: "loading" });
  });
});
