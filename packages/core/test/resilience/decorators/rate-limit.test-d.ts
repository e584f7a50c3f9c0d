import { rateLimit } from "@mlmcp/core";
import { describe, expectTypeOf, it } from "vitest";

describe("@rateLimit", () => {
  it("serves methods that return promises or async iterables, and leaves their types alone", () => {
    class Subject {
      @rateLimit(5)
      async send(to: string, text?: string): Promise<number> {
        return to.length + (text?.length ?? 0);
      }
      @rateLimit({ limit: 5, key: (tenant: string) => tenant })
      async *rows(tenant: string): AsyncGenerator<string> {
        yield tenant;
      }
      // @ts-expect-error a method that is synchronous cannot wait for its turn
      @rateLimit(5)
      plain(): number {
        return 1;
      }
    }
    expectTypeOf({} as Subject["send"]).toEqualTypeOf<(to: string, text?: string) => Promise<number>>();
  });

  it("takes a number of calls, or its options", () => {
    rateLimit({ limit: 10, interval: "1m", wait: 100, sharedAs: "quota", store: "rediss://cache:6379" });
    rateLimit({ limit: 10, store: "valkeys://cache:6379" });
    rateLimit({ key: (id: number) => id, maxKeys: 100 });
    // @ts-expect-error a key is a text or a number
    rateLimit({ key: (tenant: { id: string }) => tenant });
    // @ts-expect-error a key answers at once
    rateLimit({ key: async (tenant: string) => tenant });
    // @ts-expect-error a key is a function of the arguments
    rateLimit({ key: "tenant" });
    // @ts-expect-error only a Redis counts for several processes
    rateLimit({ store: "https://cache" });
    // @ts-expect-error no such option
    rateLimit({ limt: 10 });
    // @ts-expect-error a time that is text has a unit
    rateLimit({ interval: "60" });
  });
});
