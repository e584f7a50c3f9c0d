import {
  createKernel,
  createMethodDecorator,
  currentOperation,
  degrade,
  retry,
  service,
  type Kernel,
  type OperationDecorator,
  type Outcome,
} from "@mlmcp/core";
import { describe, expectTypeOf, it } from "vitest";

const anyMethod = createMethodDecorator<{ mark?: string }>({
  name: "a",
  schema: {},
  serves: { sync: true },
  parts: [],
});
const streaming = createMethodDecorator<{ mark?: string }, number>({
  name: "b",
  schema: {},
  serves: { streams: true },
  parts: [],
});
const promiseOnly = createMethodDecorator({ name: "c", schema: {}, parts: [] });

describe("decorators on methods", () => {
  it("leave the method's type as it is", () => {
    class Subject {
      @anyMethod({ mark: "!" })
      plain(value: number): string {
        return String(value);
      }
      @retry(3)
      async generic<T>(value: T): Promise<T> {
        return value;
      }
      overloaded(value: string): number;
      overloaded(value: number): string;
      @anyMethod()
      overloaded(value: string | number): number | string {
        return value;
      }
      @anyMethod()
      static tool(): 1 {
        return 1;
      }
    }
    const subject = {} as Subject;
    expectTypeOf(subject.plain).toEqualTypeOf<(value: number) => string>();
    expectTypeOf(subject.generic<7>).toEqualTypeOf<(value: 7) => Promise<7>>();
    expectTypeOf(subject.overloaded("x")).toEqualTypeOf<number>();
    expectTypeOf(subject.overloaded(1)).toEqualTypeOf<string>();
    expectTypeOf(Subject.tool()).toEqualTypeOf<1>();
  });

  it("that need a promise are a compile-time error on a method that returns none", () => {
    class Subject {
      // @ts-expect-error the method returns a string
      @promiseOnly()
      plain(): string {
        return "";
      }
      // @ts-expect-error the method returns a number
      @retry(2)
      count(): number {
        return 1;
      }
      // @ts-expect-error the method returns nothing
      @degrade({ fallback: { value: 1 } })
      nothing(): void {}
      // @ts-expect-error it cannot serve async iterables
      @promiseOnly()
      async *stream() {
        yield 1;
      }
      @streaming()
      async *served() {
        yield 1;
      }
      @promiseOnly()
      promised(): Promise<void> {
        return Promise.resolve();
      }
      @promiseOnly()
      either(): Promise<string> | Promise<number> {
        return Promise.resolve(1);
      }
    }
    expectTypeOf<Subject>().toHaveProperty("served");
  });

  it("take their own options and the engine's", () => {
    anyMethod({ mark: "!", name: "id", only: ["a"], except: ["b"] });
    streaming(3);
    // @ts-expect-error no such option
    anyMethod({ mrk: "!" });
    // @ts-expect-error it has no shorthand
    anyMethod(3);
    // @ts-expect-error its shorthand is a number
    streaming("3");
    expectTypeOf(anyMethod()).toEqualTypeOf<OperationDecorator<unknown>>();
  });

  it("stand on classes, and services with them", () => {
    @anyMethod()
    @retry({ only: ["work"] })
    @service([Date])
    class Subject {
      constructor(readonly date: Date) {}
      async work() {}
    }
    expectTypeOf<Subject["work"]>().toEqualTypeOf<() => Promise<void>>();
  });

  it("are refused without parentheses", () => {
    class Subject {
      // @ts-expect-error it is called with its options first
      @anyMethod
      work() {}
    }
    expectTypeOf<Subject>().not.toBeAny();
  });
});

describe("the kernel", () => {
  it("resolves what a token stands for, and wraps a function as it is", async () => {
    const kernel = {} as Kernel;
    expectTypeOf(createKernel).returns.resolves.toEqualTypeOf<Kernel>();
    expectTypeOf(kernel.resolve(Date)).toEqualTypeOf<Date>();
    expectTypeOf(kernel.resolve<number>("token")).toEqualTypeOf<number>();
    const load = kernel.wrap(async (id: number) => String(id), {
      name: "load",
      retry: 3,
      degrade: { fallback: { value: "" } },
    });
    expectTypeOf(load).toEqualTypeOf<(id: number) => Promise<string>>();
    // @ts-expect-error no such advice
    kernel.wrap(load, { name: "x", noSuchAdvice: true });
    expectTypeOf(kernel.outcome(() => load(1))).resolves.toEqualTypeOf<Outcome<string>>();
    expectTypeOf(kernel.withContext({ correlationId: "x" }, () => 1)).toEqualTypeOf<number>();
    expectTypeOf(currentOperation()?.signal).toEqualTypeOf<AbortSignal | undefined>();
  });
});
