import { degrade, type DegradeOptions } from "@mlmcp/core";
import { describe, expectTypeOf, it } from "vitest";

describe("the fallback of @degrade", () => {
  it("is a method that the class has, by its name", () => {
    class Subject {
      readonly notes = "text";
      readonly field = async (id: number) => String(id);

      @degrade({ fallback: "sample", breaker: { failureThreshold: 5 } })
      async load(id: number): Promise<string> {
        return String(id);
      }
      @degrade({ fallback: "field" })
      async byField(id: number): Promise<string> {
        return String(id);
      }
      @degrade({ fallback: "items" })
      async *stream(): AsyncGenerator<number> {
        yield 1;
      }
      @degrade({ fallback: "tool" })
      static async work(): Promise<string> {
        return "";
      }
      // @ts-expect-error it has no method of this name
      @degrade({ fallback: "sampel" })
      async mistyped(): Promise<string> {
        return "";
      }
      // @ts-expect-error it is no method
      @degrade({ fallback: "notes" })
      async noted(): Promise<string> {
        return "";
      }
      // @ts-expect-error a static method is not on the object
      @degrade({ fallback: "tool" })
      async misplaced(): Promise<string> {
        return "";
      }
      // @ts-expect-error the class itself has no such method
      @degrade({ fallback: "sample" })
      static async stray(): Promise<string> {
        return "";
      }
      // @ts-expect-error a name does not make a plain method asynchronous
      @degrade({ fallback: "sample" })
      plain(): string {
        return "";
      }

      async sample(id: number): Promise<string> {
        return String(id);
      }
      *items(): Generator<number> {
        yield 1;
      }
      static async tool(): Promise<string> {
        return "";
      }
    }
    expectTypeOf({} as Subject["load"]).toEqualTypeOf<(id: number) => Promise<string>>();
    expectTypeOf<Subject>().toHaveProperty("plain");
  });

  it("may be a method that is inherited", () => {
    class Base {
      async sample(): Promise<string> {
        return "";
      }
    }
    class Subject extends Base {
      @degrade({ fallback: "sample" })
      async load(): Promise<string> {
        return "";
      }
    }
    expectTypeOf<Subject>().toHaveProperty("load");
  });

  it("is checked on a class as well", () => {
    @degrade({ fallback: "sample", except: ["sample"] })
    class Subject {
      async load(): Promise<string> {
        return "";
      }
      async sample(): Promise<string> {
        return "";
      }
    }
    // @ts-expect-error it has no method of this name
    @degrade({ fallback: "sampel" })
    class Mistyped {
      async load(): Promise<string> {
        return "";
      }
    }
    expectTypeOf<Subject | Mistyped>().toHaveProperty("load");
  });

  it("needs no method for a function, a value, an earlier answer, or a name that is not known here", () => {
    const computed: string = "sample";
    const options: DegradeOptions = { fallback: "sample" };
    class Subject {
      @degrade({
        fallback(this: Subject, error: Error, id: number) {
          expectTypeOf(error).toEqualTypeOf<Error>();
          return this.load(id);
        },
      })
      async load(_id: number): Promise<string> {
        return "";
      }
      @degrade({ fallback: { value: "" } })
      async value(): Promise<string> {
        return "";
      }
      @degrade({ fallback: "stale" })
      async stale(): Promise<string> {
        return "";
      }
      @degrade({ fallback: computed })
      async computed(): Promise<string> {
        return "";
      }
      @degrade(options)
      async optioned(): Promise<string> {
        return "";
      }
      @degrade()
      async none(): Promise<string> {
        return "";
      }
    }
    expectTypeOf<Subject>().toHaveProperty("none");
  });

  it("stands beside options that are checked", () => {
    degrade({ when: ["ECONNREFUSED", 503, TypeError, (error) => error !== null] });
    degrade({
      breaker: { failureRate: 0.5, window: "30s", slowCall: { duration: "2s" }, failureThreshold: false },
    });
    degrade({ breaker: { key: (tenant: string) => tenant, maxKeys: 10, mode: "shadow" } });
    // @ts-expect-error a window of text has a unit
    degrade({ breaker: { window: "30" } });
    // @ts-expect-error slow calls have a duration
    degrade({ breaker: { slowCall: { rate: 0.5 } } });
    // @ts-expect-error a key is a text
    degrade({ breaker: { key: (id: number) => id } });
    // @ts-expect-error no such option
    degrade({ fallback: "sample", braker: false });
  });
});
